import { expect, test } from 'vitest';
import { type Check, doctor, drawCheck } from './doctor.ts';

const noRoots = async () => [];

function named(checks: readonly Check[], name: string): Check | undefined {
  return checks.find((check) => check.name === name);
}

test('every check has a name of its own and says how to mend it', async () => {
  const checks = await doctor({ builderRoots: noRoots });
  expect(new Set(checks.map((check) => check.name)).size).toBe(checks.length);
  expect(checks.filter((check) => check.hint === '' || check.detail === '')).toEqual([]);
});

test('a builder root counts when the present settings use it', async () => {
  const old = { digest: 'old', current: false };
  const without = await doctor({ builderRoots: async () => [old] });
  expect(named(without, 'builder root')).toMatchObject({ ok: false, detail: 'not there' });
  const withOne = await doctor({ builderRoots: async () => [old, { digest: 'new', current: true }] });
  expect(named(withOne, 'builder root')).toMatchObject({ ok: true, detail: 'new' });
});

test('what cannot be looked at fails its own check alone', async () => {
  const checks = await doctor({
    builderRoots: () => Promise.reject(new Error('no apt sources')),
    folder: '/no/such/folder',
  });
  expect(named(checks, 'builder root')).toMatchObject({ ok: false, detail: 'no apt sources' });
  expect(named(checks, 'disk')?.detail).toMatch(/free below \/no\/such\/folder|not there/);
  expect(named(checks, 'unshare')?.ok).toBe(true);
});

test('builds do without an emulator', async () => {
  const checks = await doctor({ builderRoots: noRoots });
  expect(named(checks, 'qemu-system-x86_64')?.ok).toBe(true);
  expect(named(checks, 'qemu-system-aarch64')?.ok).toBe(true);
  expect(named(checks, 'programs of aarch64')?.ok ?? true).toBe(true);
});

test('what is missing is drawn with the way to get it', () => {
  expect(drawCheck({ name: 'runc', ok: false, detail: 'not there', hint: 'install it' })).toBe(
    'MISSING  runc: not there\n         install it',
  );
  expect(drawCheck({ name: 'runc', ok: true, detail: '/usr/bin/runc', hint: 'install it' })).toBe(
    'ok       runc: /usr/bin/runc',
  );
});
