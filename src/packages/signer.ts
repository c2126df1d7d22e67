/**
 * Signs the metadata of hosted repositories and groups with a key of this service, so that nobody between Kiln and a
 * node can change it. The private key stays in its file; clients are given the public one.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import {
  createCleartextMessage,
  createMessage,
  generateKey,
  type PrivateKey,
  readPrivateKey,
  sign,
} from 'openpgp';

export interface Signer {
  /** Armored public key. */
  readonly publicKey: string;
  /** Armored detached signature. */
  sign(data: Buffer): Promise<string>;
  /** The text with its signature around it, as apt's InRelease. */
  clearsign(text: string): Promise<string>;
}

/** Reads the key, or makes it at the first use. RSA, since older rpms know no other kind. */
export async function openSigner(file: string): Promise<Signer> {
  const key = await readPrivateKey({ armoredKey: await loadOrMake(file) });
  return {
    publicKey: key.toPublic().armor(),
    sign: async (data) =>
      String(
        await sign({ message: await createMessage({ binary: data }), signingKeys: key, detached: true }),
      ),
    clearsign: async (text) => clearsigned(key, text),
  };
}

async function clearsigned(key: PrivateKey, text: string): Promise<string> {
  return String(await sign({ message: await createCleartextMessage({ text }), signingKeys: key }));
}

async function loadOrMake(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
      throw error;
    }
  }
  const { privateKey } = await generateKey({
    type: 'rsa',
    rsaBits: 3072,
    userIDs: [{ name: 'Kiln package repositories' }],
    format: 'armored',
  });
  await writeFile(`${file}.new`, privateKey, { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
  return privateKey;
}
