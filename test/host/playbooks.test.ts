/** Playbooks in customize jobs, run by the real Ansible against an image that has no Python. */
import { lstat, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PlaybookChange } from '../../src/contract/customizations.ts';
import type { Job } from '../../src/contract/jobs.ts';
import { runCommand } from '../../src/platform/exec.ts';
import { type CustomizeBench, never, openCustomizeBench } from '../support/customize.ts';
import { run } from '../support/run.ts';

let bench: CustomizeBench;
beforeAll(async () => {
  bench = await openCustomizeBench();
});
afterAll(() => bench?.close());

async function play(change: Omit<PlaybookChange, 'kind'>): Promise<Job> {
  const { id } = await bench.customize({ changes: [{ kind: 'playbook', ...change }] });
  return await bench.until(id, never);
}

async function logOf({ id }: Job): Promise<string> {
  const lines: string[] = [];
  for await (const { text } of bench.service.client.jobs.log(id)) {
    lines.push(text);
  }
  return lines.join('\n');
}

describe('the playbook base', () => {
  it('sets name servers, host names and repositories, and leaves nothing else in the image', async () => {
    const job = await play({
      source: { ships: 'base' },
      extra_vars: {
        kiln_dns: { servers: ['192.0.2.1', '192.0.2.2'], search: ['nmn', 'hmn'] },
        kiln_hosts: [{ address: '192.0.2.9', names: ['registry.local', 'registry'] }],
        kiln_repositories: [
          {
            name: 'site',
            url: 'https://packages.local/repository/site',
            distribution: 'stable',
            components: 'main',
          },
        ],
      },
    });
    expect(job.state, await logOf(job)).toBe('succeeded');
    const root = await bench.rootOf(job);
    const text = (path: string) => readFile(join(root, path), 'utf8');
    expect(await text('etc/resolv.conf')).toBe(
      'search nmn hmn\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n',
    );
    expect(await text('etc/hosts')).toContain('192.0.2.9 registry.local registry\n');
    expect(await text('etc/hosts')).not.toContain('127.0.0.2');
    expect(await text('etc/apt/sources.list.d/site.sources')).toBe(
      'Types: deb\nURIs: https://packages.local/repository/site\nSuites: stable\nComponents: main\n',
    );
    for (const path of ['root/.ansible', 'run/kiln', 'usr/bin/python3']) {
      await expect(lstat(join(root, path))).rejects.toThrow('ENOENT');
    }
    expect(await logOf(job)).toContain('Task: Write resolv.conf');
  });

  it('says which task failed, where it is and why', async () => {
    const job = await play({
      source: { ships: 'base' },
      extra_vars: { kiln_ntp_servers: ['time.example.org'] },
    });
    expect(job.reason).toMatchObject({ code: 'playbook-failed', step: 'apply' });
    expect(job.reason?.detail).toBe(
      'the task "Say that nothing keeps the time" (tasks/ntp.yml:42, ansible.builtin.fail): ' +
        'The image has neither chrony nor systemd-timesyncd, so kiln_ntp_servers has no effect',
    );
  });
});

describe('an archive of the object store', () => {
  const PLAY = `
- hosts: all
  tasks:
    - name: Say it {{ token }}
      debug: { msg: "the token is {{ token }}" }
    - name: Use it
      copy: { content: "{{ token | length }} {{ kiln_image }} {{ inventory_hostname }}\\n", dest: /etc/token-length }
    - name: Stop here
      command: sh -c "echo {{ token }} >&2; exit 3"
      when: stop | default(false)
`;

  async function upload(name: string, files: Record<string, string>): Promise<string> {
    const folder = join(bench.folder, name);
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const archive = join(bench.folder, `${name}.tar.zst`);
    await run('tar', ['-C', folder, '--zstd', '-cf', archive, '.']);
    const keys = await bench.service.kiln(['s3', 'credentials', '--export']);
    const path = `s3://ims/plays/${name}.tar.zst`;
    await run('bash', ['-euc', `${keys.stdout}\naws s3 cp --quiet "$0" "$1"`, archive, path]);
    return path;
  }

  it('is run with secrets that are masked, never in the image, and gone when the job is over', async () => {
    const archive = await upload('plays', { 'plays-1.0/site.yml': PLAY });
    const secret = `hunter2-${'x'.repeat(40)}`;
    await writeFile(join(bench.folder, 'token'), `${secret}\n`);
    const words = [
      'images',
      'run',
      bench.imageId,
      '--playbook',
      archive,
      '--secret',
      `token=${join(bench.folder, 'token')}`,
    ];
    const script = join(bench.folder, 'script.sh');
    await writeFile(script, 'echo "of length $(printf %s "$token" | wc -c): $token"');
    const size = ['--build-env-size', '4', '--format', 'json'];
    const failed = await bench.service.kiln([...words, '--script', script, '--var', 'stop=true', ...size]);
    expect(failed.exitCode).toBe(1);
    const [job] = (await bench.service.client.jobs.list()).slice(-1);
    expect(job?.reason, failed.tail.join('\n')).toMatchObject({ code: 'playbook-failed', step: 'apply' });
    expect(job?.secret_names).toEqual(['token']);
    expect(job?.reason?.detail).toContain('***');

    const made = await bench.service.kiln([...words, '--script', script, '--name', 'played', ...size]);
    expect(made.exitCode, made.tail.join('\n')).toBe(0);
    const over: Job = JSON.parse(made.stdout);
    const log = await logOf(over);
    expect(log).toContain('Task: Say it ***');
    expect(log).toContain(`of length ${secret.length}: ***`);
    const root = await bench.rootOf(over);
    expect(await readFile(join(root, 'etc/token-length'), 'utf8')).toBe(`${secret.length} True image\n`);
    const jobs = JSON.stringify(await bench.service.client.jobs.list());
    for (const text of [
      log,
      await logOf(job as Job),
      jobs,
      bench.service.output(),
      failed.stdout,
      made.stdout,
    ]) {
      expect(text).not.toContain(secret);
    }
    // The kept disk of the job that failed is below the state folder, as are records and logs.
    const found = await runCommand([
      'grep',
      '--recursive',
      '--files-with-matches',
      secret,
      root,
      bench.service.state,
    ]);
    expect(found.stdout).toBe('');
  });

  it('is retried with its secrets given once more, and says so when they are not', async () => {
    const archive = await upload('stop', { 'site.yml': PLAY });
    const { id } = await bench.customize({
      changes: [{ kind: 'playbook', source: { archive }, extra_vars: { stop: true } }],
      secrets: { token: 'a token of the test' },
    });
    await bench.until(id, never);
    const refused = await bench.service.kiln(['jobs', 'retry', id]);
    expect(refused.tail.join('\n')).toContain(`job ${id} was given token`);
    await writeFile(join(bench.folder, 'again'), 'another token');
    const again = await bench.service.kiln([
      'jobs',
      'retry',
      id,
      '--secret',
      `token=${join(bench.folder, 'again')}`,
      '--format',
      'json',
    ]);
    const over = await bench.until(JSON.parse(again.stdout).id, never);
    expect(over.reason?.code).toBe('playbook-failed');
    expect(await logOf(over)).not.toContain('another token');
  });

  it('that is hostile, damaged or missing is refused with the reason', async () => {
    const folder = join(bench.folder, 'hostile');
    await mkdir(folder);
    await run('sh', [
      '-euc',
      'cd "$0"; echo - > site.yml; tar -cf ../hostile.tar --transform "s,site.yml,../../etc/evil," site.yml',
      folder,
    ]);
    const keys = (await bench.service.kiln(['s3', 'credentials', '--export'])).stdout;
    await run('bash', [
      '-euc',
      `${keys}\ncd "$0"; aws s3 cp --quiet hostile.tar s3://ims/plays/hostile.tar; echo '<?xml' | aws s3 cp --quiet - s3://ims/plays/xml`,
      bench.folder,
    ]);
    const hostile = await play({ source: { archive: 's3://ims/plays/hostile.tar' } });
    expect(hostile.reason).toMatchObject({
      code: 'playbook-unreadable',
      errors: [{ file: '../../etc/evil' }],
    });
    const xml = await play({ source: { archive: 's3://ims/plays/xml' } });
    expect(xml.reason).toMatchObject({ code: 'playbook-unreadable', detail: 'the archive is an XML file' });
    await expect(play({ source: { archive: 's3://ims/plays/none' } })).rejects.toMatchObject({
      code: 'object-not-found',
    });
  });
});

it('that is not there, has no host to work on, or cannot be fetched, says so', async () => {
  const missing = await play({ source: { ships: 'base' }, playbook: 'other.yml' });
  expect(missing.reason, await logOf(missing)).toMatchObject({ code: 'playbook-unreadable' });
  expect(missing.reason?.detail).toContain('other.yml');
  const nobody = await play({ source: { ships: 'base' }, limit: 'nobody' });
  expect(nobody.reason, await logOf(nobody)).toMatchObject({ code: 'playbook-unreadable' });
  const away = await play({ source: { git: 'https://nowhere.invalid/plays.git' } });
  expect(away.reason, await logOf(away)).toMatchObject({ code: 'playbook-source-unreachable' });
  expect(away.reason?.detail).toContain('nowhere.invalid');
});
