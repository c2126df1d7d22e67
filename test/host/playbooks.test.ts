/** Playbooks in customize jobs, run by the real Ansible against an image that has no Python. */
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PlaybookChange } from '../../src/contract/customizations.ts';
import type { Job } from '../../src/contract/jobs.ts';
import { type CustomizeBench, never, openCustomizeBench } from '../support/customize.ts';

let bench: CustomizeBench;
beforeAll(async () => {
  bench = await openCustomizeBench();
}, 600_000);
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
  }, 120_000);

  it('says which task failed, where it is and why', async () => {
    const job = await play({
      source: { ships: 'base' },
      extra_vars: { kiln_ntp_servers: ['time.example.org'] },
    });
    expect(job.reason).toMatchObject({ code: 'playbook-failed', step: 'apply' });
    expect(job.reason?.detail).toBe(
      'the task "Say that nothing keeps the time" (tasks/ntp.yml:33, ansible.builtin.fail): ' +
        'The image has neither chrony nor systemd-timesyncd, so kiln_ntp_servers has no effect',
    );
  }, 120_000);
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
}, 120_000);
