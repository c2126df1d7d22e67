import { describe, expect, it } from 'vitest';
import { KilnError } from '../contract/errors.ts';
import { OPTIONS } from '../platform/options.ts';
import type { SettingFlags } from './setting-flags.ts';
import { runKiln } from './testing/run-kiln.ts';

describe('the program', () => {
  it('has a version and help, which are no failures', async () => {
    expect(await runKiln(['--version'])).toMatchObject({ exitCode: 0, stdout: '1.2.3\n' });
    const help = await runKiln(['recipes', 'create', '--help']);
    expect(help.exitCode).toBe(0);
    expect(help.stdout).toContain('kiln recipes create compute --from ./compute');
  });

  it.each([
    [['frobnicate']],
    [['recipes', 'list', '--frobnicate']],
    [['recipes', 'describe']],
    [['recipes', 'list', '--format', 'xml']],
    [['jobs', 'create', '--artifact-id', 'x', '--recipe', 'y', '--image-root-archive-name', 'z']],
    [['jobs', 'create', '--recipe', 'y', '--build-env-size', '0']],
    [['images', 'boot', 'x', '--accel', 'magic']],
    [['completion', 'tcsh']],
  ])('answers %j with exit code 2 and a message on standard error', async (words) => {
    const seen = await runKiln(words);

    expect(seen.exitCode).toBe(2);
    expect(seen.stdout).toBe('');
    expect(seen.stderr).not.toBe('');
  });

  it('says what failed, where, and what to do', async () => {
    const items = [{ message: 'no such type', file: 'config.xml', line: 7, expected: 'oem, pxe' }];
    const error = new KilnError('recipe-schema-invalid', 'one mistake', { items });

    const seen = await runKiln(['serve'], { serve: () => Promise.reject(error) });

    expect(seen.exitCode).toBe(1);
    expect(seen.stderr).toBe(
      'kiln: config.xml does not follow the schema of Kiwi: one mistake\n' +
        '  - config.xml:7: no such type (allowed: oem, pxe)\n' +
        '  Each entry of "errors" names the line and what is allowed there.\n',
    );
  });
});

describe('kiln serve', () => {
  it('has a flag for every setting', async () => {
    let given: SettingFlags | undefined;
    const serve = async (flags: SettingFlags) => {
      given = flags;
    };

    await runKiln(['serve', '--server-port', '9100', '--jobs-env-size-gib', '5', '--config', 'kiln.yaml'], {
      serve,
    });
    const { stdout } = await runKiln(['serve', '--help']);

    expect(given).toEqual({
      flags: { 'server.port': '9100', 'jobs.env_size_gib': '5' },
      file: 'kiln.yaml',
    });
    for (const name of Object.keys(OPTIONS)) {
      expect(stdout).toContain(`--${name.replaceAll(/[._]/g, '-')} `);
    }
  });
});

describe('kiln builder', () => {
  const root = { digest: 'd1', suite: 'forky', created: 'then', sizeBytes: 2048, current: false, path: '/p' };

  it('lists roots and gives the mirror', async () => {
    const builderRoots = () => ({
      list: async () => [root],
      mirror: async () => 'http://mirror.test/debian',
      ensure: () => Promise.reject(new Error('no')),
      prune: async () => [],
    });

    expect((await runKiln(['builder', 'list', '--format', 'table'], { builderRoots })).stdout).toBe(
      'DIGEST  SUITE  SIZE     IN USE  CREATED\nd1      forky  2.0 KiB  -       then\n',
    );
    expect((await runKiln(['builder', 'mirror'], { builderRoots })).stdout).toBe(
      'http://mirror.test/debian\n',
    );
  });

  it('removes nothing on a dry run', async () => {
    const dryRuns: boolean[] = [];
    const builderRoots = () => ({
      list: async () => [root],
      mirror: async () => '',
      ensure: () => Promise.reject(new Error('no')),
      prune: async ({ dryRun }: { dryRun: boolean }) => {
        dryRuns.push(dryRun);
        return [root];
      },
    });

    const seen = await runKiln(['builder', 'prune', '--dry-run'], { builderRoots });

    expect(seen).toMatchObject({ exitCode: 0, stdout: 'would remove d1 (2.0 KiB)\n' });
    expect(dryRuns).toEqual([true]);
  });
});
