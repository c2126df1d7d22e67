import { describe, expect, it } from 'vitest';
import { runCommand } from '../../src/platform/exec.ts';
import { packageFile } from '../../src/platform/package-root.ts';

const quickstart = (...words: string[]) =>
  runCommand([process.execPath, packageFile('scripts', 'quickstart.mjs'), ...words]);

/** The modules of the quickstart are plain JavaScript: they run before anything is installed. */
async function moduleOf(name: string) {
  return await import(packageFile('scripts', 'quickstart', name));
}

describe('npm run quickstart', () => {
  it('has help, and installs nothing for it', async () => {
    const { exitCode, stdout } = await quickstart('--help');

    expect(exitCode).toBe(0);
    for (const flag of ['--state-folder', '--port', '--boot', '--stop-after']) {
      expect(stdout).toContain(flag);
    }
  });

  it.each([[['--prot', '1']], [['--port']], [['--port', '70000']], [['--state-folder', '--boot']]])(
    'answers %j with exit code 2',
    async (words) => {
      const { exitCode, stdout, tail } = await quickstart(...words);

      expect(exitCode).toBe(2);
      expect(stdout).toBe('');
      expect(tail.join('\n')).toMatch(/^quickstart: /);
    },
  );

  it('takes flags over the environment', async () => {
    const { parseArguments } = await moduleOf('arguments.mjs');
    const environment = { KILN_STATE_FOLDER: '/srv/a', KILN_SERVER_PORT: '9001' };

    expect(parseArguments([], environment)).toMatchObject({
      stateFolder: '/srv/a',
      port: 9001,
      stopAfter: false,
    });
    expect(parseArguments(['--port=9002', '--state-folder', '/srv/b'], environment)).toMatchObject({
      stateFolder: '/srv/b',
      port: 9002,
      files: { pid: '/srv/b/service.pid', log: '/srv/b/service.log' },
    });
  });
});

describe('the block at the end', () => {
  it('says what was made and how to boot it, and leaves nothing undefined', async () => {
    const { summary } = await moduleOf('summary.mjs');
    const { parseArguments } = await moduleOf('arguments.mjs');
    const time = { started: '2026-01-01T00:00:00.000Z', finished: '2026-01-01T00:02:05.000Z' };

    const text: string = summary({
      job: {
        resultant_image_id: 'image-1',
        image_root_archive_name: 'debian-barebones',
        steps: [
          { name: 'prepare', title: 'Install', state: 'done', ...time },
          { name: 'squash', title: 'Squash', state: 'cached', ...time },
          { name: 'trust', title: 'Trust', state: 'skipped', started: null, finished: null },
        ],
      },
      artifacts: [{ path: 's3://boot-images/image-1/rootfs', size_bytes: 2 ** 20, sha256: 'a1', md5: 'b2' }],
      builderRoot: { reused: true },
      recipeReused: false,
      service: { url: 'http://127.0.0.1:9001', startedHere: true, pid: 42 },
      options: parseArguments([], {}),
      times: [{ title: 'Image', seconds: 125 }],
    });

    expect(text).not.toMatch(/undefined|NaN|null/);
    for (const part of [
      's3://boot-images/image-1/rootfs  1.0 MiB',
      'sha256 a1',
      '2 min 5 s  Install',
      'Squash (from the cache)',
      'builder root: yes',
      'http://127.0.0.1:9001/kiln/v1/docs',
      'kill 42',
      './bin/kiln images boot image-1 --server http://127.0.0.1:9001',
    ]) {
      expect(text).toContain(part);
    }
  });
});
