/** Build nodes for real: two machines with sshds of their own, that jobs run on, and all that can go wrong with them. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ARCHITECTURES, type Architecture } from '../../src/contract/common.ts';
import type { Job, JobCreate } from '../../src/contract/jobs.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { testBuilderRoot, testBuilderRoots } from '../support/builder-root.ts';
import { type CustomizeBench, never, openCustomizeBench, waiting } from '../support/customize.ts';
import { isInstalling } from '../support/jobs.ts';
import { type NodeHost, openNodeHost } from '../support/node-hosts.ts';
import { run } from '../support/run.ts';
import { publishTinyRpm, registerTinyRpm } from '../support/tiny-rpm.ts';

let bench: CustomizeBench;
let cache: string;
let one: NodeHost;
let two: NodeHost;
beforeAll(async () => {
  [one, two] = await Promise.all([openNodeHost(), openNodeHost()]);
  cache = await cacheForBoth();
  bench = await openCustomizeBench({
    'nodes.check_seconds': '3600',
    'jobs.grace_seconds': '40',
    'cache.folder': cache,
  });
  for (const [repository, more] of [
    ['tiny', ''],
    ['slow', 'while true do posix.sleep(1) end'],
  ] as const) {
    await publishTinyRpm(bench.service, repository, more);
  }
});
afterAll(async () => {
  await bench?.close();
  await one?.close();
  await two?.close();
  await rm(cache, { recursive: true, force: true });
});

/** A node that only claims to be aarch64 runs the builder root of this machine: here it stands for that of both. */
async function cacheForBoth(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-nodes-cache-'));
  const { path } = await testBuilderRoot();
  const roots = testBuilderRoots();
  await mkdir(join(folder, 'builder-roots'));
  for (const arch of ARCHITECTURES) {
    await symlink(dirname(path), join(folder, 'builder-roots', roots.digest(arch)));
  }
  return folder;
}

async function kiln(...words: string[]) {
  return await bench.service.kiln(words);
}

async function add(name: string, host: NodeHost, ...words: string[]): Promise<void> {
  const given = ['--address', host.address, '--folder', host.folder, '--fingerprint', host.fingerprint];
  const said = await kiln('nodes', 'add', name, ...given, ...words);
  expect(said.exitCode, said.tail.join('\n')).toBe(0);
}

async function doctor(name: string) {
  const said = await kiln('nodes', 'doctor', name, '--format', 'table');
  return {
    text: said.stdout,
    exitCode: said.exitCode,
    status: await bench.service.client.nodes.status(name),
  };
}

async function build(
  repository: string,
  also: Partial<JobCreate>,
  arch: Architecture = 'x86_64',
): Promise<Job> {
  const url = `https://packages.local/repository/${repository}`;
  const recipe = await registerTinyRpm(bench.service, { manager: 'zypper', url, arch });
  return await bench.service.client.jobs.create({
    job_type: 'create',
    artifact_id: recipe,
    image_root_archive_name: repository,
    build_env_size: 2,
    ...also,
  });
}

async function carrierLog({ id }: Job): Promise<string> {
  return await readFile(join(bench.service.state, 'workspaces', id, 'runner.log'), 'utf8');
}

/** Nothing of a job on the node, neither while Kiln knows of it nor after. */
async function expectNothingOn(host: NodeHost, job: Job): Promise<void> {
  await waitFor(
    async () => {
      const folders = await Promise.all(
        ['workspaces', 'links'].map((kind) => readdir(join(host.folder, kind)).catch((): string[] => [])),
      );
      return folders.flat().includes(job.id) ? undefined : true;
    },
    { timeoutMs: 60_000, describe: () => `nothing of job ${job.id} to be left on ${host.address}` },
  );
}

describe('a node', () => {
  it('is not used until somebody has confirmed its host key and let the key of Kiln in', async () => {
    await kiln('nodes', 'add', 'one', '--address', one.address, '--folder', one.folder);
    const unknown = await doctor('one');
    expect(unknown.exitCode).toBe(1);
    expect(unknown.text).toContain('nobody has confirmed its host key');
    expect(unknown.text).toContain(one.fingerprint);
    await add('one', one);
    expect((await doctor('one')).text).toContain('authorized_keys');
    await one.authorize((await kiln('nodes', 'key')).stdout);
    const { text, exitCode, status } = await doctor('one');
    expect(exitCode, text).toBe(0);
    expect(status).toMatchObject({ state: 'ready', able: true, arch: 'x86_64', jobs: 0, problems: [] });
    expect(text).toContain('✓ takes jobs');
  });

  it('says what it lacks, and how to get it', async () => {
    await add('two', two, '--label', 'pool=two');
    await two.authorize((await kiln('nodes', 'key')).stdout);
    await two.replace('runc', undefined);
    await two.replace('uname', '#!/bin/sh\n[ "$1" = -m ] && echo aarch64 || exec /bin/uname "$@"\n');
    const { status, text, exitCode } = await doctor('two');
    expect([exitCode, status.state]).toEqual([1, 'unable']);
    expect(text).toContain('it lacks runc\n    On the node: apt-get install runc');
    expect(text).toContain('it says that it is aarch64, and its programs are for x86_64');
    await two.replace('runc', '#!/bin/sh\nexec /usr/sbin/runc "$@"\n');
    await two.replace('uname', '#!/bin/sh\nexec /bin/uname "$@"\n');
    expect((await doctor('two')).status).toMatchObject({ state: 'ready', able: true });
  });
});

describe('a job on a node', () => {
  it('builds an image there, from packages that only the machine of the service has', async () => {
    const job = await bench.until((await build('tiny', { node_labels: { pool: 'two' } })).id, never);
    expect(job, JSON.stringify(job, null, 2)).toMatchObject({ state: 'succeeded', place: 'two' });
    const wire = (await (await fetch(`${bench.service.url}/v3/jobs/${job.id}`)).json()) as object;
    expect(wire).toMatchObject({ remote_build_node: 'two', status: 'success' });
    await expectNothingOn(two, job);
  });

  it('is customized there in a shell that is reached here, also while the service is away, and leaves nothing', async () => {
    const { id } = await bench.customize({ shell: { jail: true }, node: 'one' });
    const job = await bench.until(id, waiting);
    expect(job, JSON.stringify(job, null, 2)).toMatchObject({ place: 'one', status: 'waiting_on_user' });
    expect(existsSync(join(one.folder, 'workspaces', job.id))).toBe(true);
    const seen = await bench.ssh(job, 'cat /etc/debian_version; echo there > /etc/there');
    expect(seen.stdout, seen.tail.join('\n')).toMatch(/^12\./);
    await bench.service.kill();
    const during = await bench.ssh(job, 'cat /etc/there; echo during > /etc/during');
    expect(during.stdout, during.tail.join('\n')).toBe('there\n');
    await bench.service.restart();
    const after = await bench.until(job.id, waiting);
    await bench.ssh(after, 'touch /tmp/complete');
    const over = await bench.until(job.id, never);
    const root = await bench.rootOf(over);
    expect(await readFile(join(root, 'etc/during'), 'utf8')).toBe('during\n');
    expect(over.shell?.connections[0]?.from).toMatch(/^127\.0\.0\.1:\d+$/);
    await expectNothingOn(one, job);
  });

  it('is tried again where its work is kept', async () => {
    const changes = [
      { kind: 'command', command: 'echo first ran; echo kept > /etc/kept' },
      { kind: 'command', command: 'test -e /etc/kept; exit 3' },
    ] as const;
    const failed = await bench.until(
      (await bench.customize({ changes: [...changes], node: 'one' })).id,
      never,
    );
    expect(failed, JSON.stringify(failed.reason)).toMatchObject({
      reason: { code: 'command-failed' },
      checkpoint: { changes: 1 },
    });
    const again = await kiln('jobs', 'retry', failed.id, '--format', 'json');
    const over = await bench.until(JSON.parse(again.stdout).id, never);
    const said = JSON.stringify(over.reason);
    expect(over, said).toMatchObject({ place: 'one', reason: { code: 'command-failed', step: 'apply' } });
    const log = await fetch(`${bench.service.url}/kiln/v1/jobs/${over.id}/log`, {
      headers: { accept: 'text/plain' },
    });
    expect(await log.text()).not.toContain('first ran');
  });

  it('waits for room on its node, as what is promised to others counts', async () => {
    await add('one', one, '--jobs', '1');
    const first = await bench.until((await bench.customize({ node: 'one' })).id, waiting);
    const second = await bench.customize({ node: 'one', changes: [{ kind: 'command', command: 'true' }] });
    const status = await bench.service.client.nodes.status('one');
    expect(status).toMatchObject({
      jobs: 1,
      reserved: { jobs: 1, memory_gib: 8, disk_gib: 4 },
      room: { jobs: 0 },
    });
    expect((await bench.service.client.jobs.get(second.id)).state).toBe('queued');
    await bench.service.client.jobs.cancel(first.id);
    expect(await bench.until(second.id, never)).toMatchObject({ state: 'succeeded', place: 'one' });
  });

  it('runs on a machine of its architecture when there is one, and is emulated where there is none', async () => {
    const placeOf = async (arch: Architecture) => {
      const job = await bench.until((await build('slow', {}, arch)).id, ({ state }) => state === 'running');
      expect(job, JSON.stringify(job.reason)).toMatchObject({ arch, state: 'running' });
      await bench.service.client.jobs.cancel(job.id);
      await bench.until(job.id, never);
      return job.place;
    };
    expect(await placeOf('aarch64')).toBeNull();
    const claim = (program: string, option: string, answer: string) =>
      two.replace(
        program,
        `#!/bin/sh\n[ "$1" = ${option} ] && echo ${answer} || exec /bin/${program} "$@"\n`,
      );
    await claim('uname', '-m', 'aarch64');
    await claim('od', '-An', '183');
    expect((await doctor('two')).status).toMatchObject({ state: 'ready', arch: 'aarch64' });
    expect(await placeOf('aarch64')).toBe('two');
    expect(await placeOf('x86_64')).not.toBe('two');
    await kiln('nodes', 'drain', 'two');
    expect(await placeOf('aarch64')).toBeNull();
    await kiln('nodes', 'drain', 'two', '--undo');
    for (const program of ['uname', 'od']) {
      await two.replace(program, `#!/bin/sh\nexec /bin/${program} "$@"\n`);
    }
    expect((await doctor('two')).status).toMatchObject({ state: 'ready', arch: 'x86_64' });
  });

  it('ends at once when no machine could ever run it, and is not taken from a node that is drained', async () => {
    const never_ = await bench.until((await bench.customize({ node: 'three' })).id, never);
    expect(never_.reason).toMatchObject({ code: 'no-node', detail: 'no build node is three' });
    await kiln('nodes', 'drain', 'one');
    const waits = await bench.customize({ node: 'one', changes: [{ kind: 'command', command: 'true' }] });
    expect((await bench.service.client.nodes.status('one')).state).toBe('drained');
    expect((await bench.service.client.jobs.get(waits.id)).state).toBe('queued');
    await kiln('nodes', 'drain', 'one', '--undo');
    expect((await bench.until(waits.id, never)).state).toBe('succeeded');
  });
});

describe('a node that fails', () => {
  it('loses its power in the middle of a build: the job says so, and the node is clean when it is back', async () => {
    const job = await bench.until((await build('slow', { node: 'two' })).id, isInstalling);
    expect(job.place).toBe('two');
    await two.crash();
    const over = await bench.until(job.id, never);
    expect(over).toMatchObject({ state: 'failed', reason: { code: 'node-lost' } });
    await two.boot();
    await bench.service.client.nodes.check('two');
    await expectNothingOn(two, job);
    expect((await doctor('two')).status.state).toBe('ready');
  });

  it('is away for a while, and its job goes on', async () => {
    const job = await bench.until((await bench.customize({ node: 'one' })).id, waiting);
    await one.cut();
    await waitFor(async () => ((await carrierLog(job)).includes('broke off') ? true : undefined), {
      timeoutMs: 60_000,
      describe: () => 'the carrier to notice that the connection is dead',
    });
    await one.restore();
    await waitFor(
      async () => {
        const { heartbeat } = await bench.service.client.jobs.get(job.id);
        return Date.parse(heartbeat ?? '') > Date.now() - 3_000 ? true : undefined;
      },
      { timeoutMs: 60_000, describe: () => 'a sign of life of the runner' },
    );
    const seen = await bench.ssh(job, 'echo back; touch /mnt/image/complete');
    expect(seen.stdout, seen.tail.join('\n')).toBe('back\n');
    expect((await bench.until(job.id, never)).state).toBe('succeeded');
    await expectNothingOn(one, job);
  });

  it('is another one behind the same address: no job goes there', async () => {
    await two.changeHostKey();
    const lost = await bench.until(
      (await bench.customize({ node: 'two', changes: [{ kind: 'command', command: 'true' }] })).id,
      never,
    );
    expect(lost.reason).toMatchObject({ code: 'node-lost' });
    expect(lost.reason?.detail).toContain('Host key verification failed');
    const { text, status } = await doctor('two');
    expect(status.state).toBe('unable');
    expect(text).toContain('it shows another host key than was confirmed');
    await add('two', two);
    expect((await doctor('two')).status.state).toBe('ready');
  });

  it('has no room for what it needs', async () => {
    await run('sh', [
      '-euc',
      'umount -l "$0"/builder 2>/dev/null || true; rm -rf "$0"/*; mount -t tmpfs -o size=100m kn "$0"',
      two.folder,
    ]);
    try {
      const { text, status } = await doctor('two');
      expect(status.state).toBe('unable');
      expect(text).toContain('No space left on device');
    } finally {
      await run('umount', [two.folder]);
    }
    expect((await doctor('two')).status.state).toBe('ready');
  });

  it('is stopped in order when its job is cancelled', async () => {
    const job = await bench.until((await build('slow', { node: 'two' })).id, isInstalling);
    await bench.service.client.jobs.cancel(job.id);
    expect((await bench.until(job.id, never)).state).toBe('cancelled');
    await expectNothingOn(two, job);
  });
});
