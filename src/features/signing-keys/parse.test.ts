import fc from 'fast-check';
import { generateKey, readKey } from 'openpgp';
import { describe, expect, it } from 'vitest';
import { KilnError } from '../../contract/errors.ts';
import { parseSigningKey } from './parse.ts';

const now = new Date();

async function makeKey(name: string, more: { date?: Date; keyExpirationTime?: number } = {}) {
  return await generateKey({ type: 'ecc', userIDs: [{ name }], format: 'armored', ...more });
}

describe('a signing key', () => {
  it('is read armored and in base64, with who it belongs to', async () => {
    const { publicKey } = await makeKey('Distribution');
    const armored = await parseSigningKey(publicKey, now);
    const binary = Buffer.from((await readKey({ armoredKey: publicKey })).write()).toString('base64');
    expect(armored).toMatchObject({ users: ['Distribution'], expires: null });
    expect(armored.fingerprint).toMatch(/^[0-9A-F]{40,64}$/);
    expect((await parseSigningKey(binary, now)).fingerprint).toBe(armored.fingerprint);
  });

  it.each([
    ['a private one', async () => (await makeKey('A')).privateKey, 'private key'],
    [
      'two of them',
      async () => `${(await makeKey('A')).publicKey}\n${(await makeKey('B')).publicKey}`,
      '2 keys',
    ],
    [
      'an expired one',
      async () => (await makeKey('A', { date: new Date('2020-01-01'), keyExpirationTime: 86_400 })).publicKey,
      'expired on 2020-01-02',
    ],
    ['text', async () => 'no key at all', 'neither armored nor'],
    ['a broken armor', async () => '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n', 'holds no OpenPGP key'],
  ])('is refused when it is %s', async (_what, make, reason) => {
    await expect(parseSigningKey(await make(), now)).rejects.toThrow(reason);
  });

  it('is refused when its name was changed on the way', async () => {
    const key = await readKey({ armoredKey: (await makeKey('Trustworthy')).publicKey });
    const data = Buffer.from(key.write());
    const at = data.indexOf('Trustworthy');
    data.write('Somebody el', at, 'latin1');
    await expect(parseSigningKey(data.toString('base64'), now)).rejects.toThrow('not signed by itself');
  });

  it('of random bytes is an error, and never anything else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        await expect(parseSigningKey(Buffer.from(bytes).toString('base64'), now)).rejects.toBeInstanceOf(
          KilnError,
        );
      }),
      { numRuns: 100 },
    );
  });
});
