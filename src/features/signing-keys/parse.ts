/** Reads an OpenPGP public key, once, at the edge. What is secret is refused before anything else looks at it. */
import { type Key, readKey, readKeys } from 'openpgp';
import { KilnError } from '../../contract/errors.ts';
import type { SigningKey } from '../../contract/signing-keys.ts';

export type ParsedKey = Omit<SigningKey, 'id' | 'created' | 'name'>;

/** Throws `signing-key-invalid`, which says what is wrong, and never what was in it. */
export async function parseSigningKey(text: string, now: Date): Promise<ParsedKey> {
  const key = await readOne(text);
  if (key.isPrivate()) {
    throw new KilnError(
      'signing-key-invalid',
      'this is a private key; it was not kept. Export the public one: gpg --export --armor KEY',
    );
  }
  if (await key.isRevoked(undefined, undefined, now)) {
    throw new KilnError('signing-key-invalid', `the key ${fingerprintOf(key)} is revoked`);
  }
  await key.verifyPrimaryKey(now).catch((cause: Error) => {
    // Whoever changed the key on its way cannot sign it anew: rpm would not take it either.
    if (!/expired/i.test(cause.message)) {
      throw new KilnError('signing-key-invalid', `the key ${fingerprintOf(key)} is not signed by itself`, {
        cause,
      });
    }
  });
  const expires = await expiryOf(key);
  if (expires !== null && expires.getTime() <= now.getTime()) {
    throw new KilnError(
      'signing-key-invalid',
      `the key ${fingerprintOf(key)} expired on ${expires.toISOString().slice(0, 10)}`,
    );
  }
  const { algorithm, bits, curve } = key.getAlgorithmInfo();
  return {
    fingerprint: fingerprintOf(key),
    key_ids: key.getKeyIDs().map((id) => id.toHex().toUpperCase()),
    users: key.getUserIDs(),
    algorithm: [algorithm, bits ?? curve].filter((part) => part !== undefined).join(' '),
    made: key.getCreationTime().toISOString(),
    expires: expires === null ? null : expires.toISOString(),
    public_key: key.armor(),
  };
}

async function readOne(text: string): Promise<Key> {
  const trimmed = text.trim();
  if (trimmed.includes('PRIVATE KEY')) {
    // Even one that cannot be read is told apart, so that nobody tries it again in another form.
    throw new KilnError(
      'signing-key-invalid',
      'this is a private key; it was not kept. Export the public one: gpg --export --armor KEY',
    );
  }
  const blocks = trimmed.split('-----BEGIN PGP PUBLIC KEY BLOCK-----').length - 1;
  if (blocks > 1) {
    throw new KilnError('signing-key-invalid', `there are ${blocks} keys; register them one by one`);
  }
  const armored = trimmed.startsWith('-----BEGIN PGP');
  try {
    const all = armored
      ? await readKeys({ armoredKeys: trimmed })
      : await readKeys({ binaryKeys: Buffer.from(trimmed, 'base64') });
    const [key] = all;
    if (all.length > 1) {
      throw new KilnError('signing-key-invalid', `there are ${all.length} keys; register them one by one`);
    }
    return key ?? (await readKey({ armoredKey: trimmed }));
  } catch (cause) {
    if (cause instanceof KilnError) {
      throw cause;
    }
    const what = armored
      ? 'the armor holds no OpenPGP key'
      : 'it is neither armored nor a binary key in base64';
    throw new KilnError('signing-key-invalid', what, { cause });
  }
}

async function expiryOf(key: Key): Promise<Date | null> {
  const expires = await key.getExpirationTime();
  return expires instanceof Date ? expires : null;
}

function fingerprintOf(key: Key): string {
  return key.getFingerprint().toUpperCase();
}
