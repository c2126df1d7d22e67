import { mkdir, mkdtemp, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { takeLentLines } from './lent-lines.ts';

let upper: string;
beforeEach(async () => {
  upper = await mkdtemp(join(tmpdir(), 'kiln-lent-'));
  await mkdir(join(upper, 'etc'));
});
afterEach(() => rm(upper, { recursive: true, force: true }));

const HOSTS = { path: '/etc/hosts', lines: ['127.0.0.2 packages.local'] };

it('takes the lines out of an edited file, and leaves its other bytes and its time', async () => {
  const file = join(upper, 'etc/hosts');
  await writeFile(file, Buffer.from('a \xe4\n127.0.0.2 packages.local\nb', 'latin1'));
  await utimes(file, 1_000, 2_000);

  await takeLentLines(upper, [HOSTS]);

  expect((await readFile(file)).toString('latin1')).toBe('a \xe4\nb');
  expect((await stat(file)).mtimeMs).toBe(2_000_000);
});

it('leaves alone what nobody edited, and never follows a link', async () => {
  await takeLentLines(upper, [HOSTS, { path: '/no/such/folder/file', lines: ['x'] }]);
  const outside = join(upper, 'outside');
  await writeFile(outside, '127.0.0.2 packages.local\n');
  await symlink(outside, join(upper, 'etc/hosts'));
  await symlink(join(upper), join(upper, 'link'));

  await takeLentLines(upper, [HOSTS, { path: '/link/outside', lines: HOSTS.lines }]);

  expect(await readFile(outside, 'utf8')).toBe('127.0.0.2 packages.local\n');
});
