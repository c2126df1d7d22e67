import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { giveOwnBack, type LentLayers } from './lent-copies.ts';

const PATH = '/etc/resolv.conf';
const FILE = { path: PATH };
const OWN = 'nameserver 192.0.2.53\n';
const LENT = 'nameserver 10.0.2.3\n';

let base: string;
let layers: LentLayers;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'kiln-copies-'));
  layers = { upper: join(base, 'upper'), laid: join(base, 'laid'), original: join(base, 'original') };
  for (const folder of Object.values(layers)) {
    await mkdir(join(folder, 'etc'), { recursive: true });
  }
  await writeFile(join(layers.laid, PATH), LENT);
});
afterEach(() => rm(base, { recursive: true, force: true }));

const put = (layer: 'upper' | 'original', name: string, text: string) =>
  writeFile(join(layers[layer], 'etc', name), text);
const upper = (name: string) => readFile(join(layers.upper, 'etc', name), 'utf8');

it('gives a file that was only touched, and a backup of it, what the image has', async () => {
  await put('original', 'resolv.conf', OWN);
  await utimes(join(layers.original, PATH), 1_000, 2_000);
  await put('upper', 'resolv.conf', LENT);
  await put('upper', '.resolv.conf.bak', LENT);

  await giveOwnBack(layers, [FILE]);

  expect([await upper('resolv.conf'), await upper('.resolv.conf.bak')]).toEqual([OWN, OWN]);
  expect((await stat(join(layers.upper, PATH))).mtimeMs).toBe(2_000_000);
});

it('removes them where the image has none', async () => {
  await put('upper', 'resolv.conf', LENT);
  await put('upper', '.resolv.conf.bak', LENT);
  await put('upper', 'other', `${LENT}more\n`);

  await giveOwnBack(layers, [FILE]);

  expect(await readdir(join(layers.upper, 'etc'))).toEqual(['other']);
});

it('leaves what is beside a file that is alone', async () => {
  await put('upper', 'resolv.conf', LENT);
  await put('upper', 'of-an-administrator', LENT);

  await giveOwnBack(layers, [{ path: PATH, alone: true }]);

  expect(await readdir(join(layers.upper, 'etc'))).toEqual(['of-an-administrator']);
});

it('takes what was appended for an addition to what the image has, which may lack its last newline', async () => {
  await put('original', 'resolv.conf', OWN.trimEnd());
  await put('upper', 'resolv.conf', `${LENT}search nmn\n`);

  await giveOwnBack(layers, [FILE]);

  expect(await upper('resolv.conf')).toBe(`${OWN}search nmn\n`);
});

it('leaves other contents alone, and follows no link', async () => {
  await put('original', 'resolv.conf', OWN);
  await put('upper', 'resolv.conf', `search nmn\n${LENT}`);
  const outside = join(base, 'outside');
  await writeFile(outside, LENT);
  await symlink(outside, join(layers.upper, 'etc', 'link'));
  await symlink(layers.upper, join(layers.upper, 'way'));

  await giveOwnBack(layers, [FILE, { path: '/way/etc/resolv.conf' }, { path: '/none/file' }]);

  expect(await upper('resolv.conf')).toBe(`search nmn\n${LENT}`);
  expect(await readFile(outside, 'utf8')).toBe(LENT);
});
