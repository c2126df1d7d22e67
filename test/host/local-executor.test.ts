/** The local executor against the real kernel: what a runner made is gone after it, however it ended. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLocalExecutor } from '../../src/adapters/executors/local/executor.ts';
import { mounts } from '../../src/adapters/executors/local/mounts.ts';
import { childrenOf, processesWith } from '../../src/adapters/executors/local/processes.ts';
import type { JobDocument } from '../../src/contract/runner.ts';
import type { Executor } from '../../src/jobs/executor.ts';
import { mustRun } from '../../src/platform/exec.ts';
import { silentLog } from '../../src/platform/log.ts';
import { packageFile } from '../../src/platform/package-root.ts';
import { waitFor } from '../../src/platform/wait.ts';

/** Holds a mount, two loop devices, a process in a session of its own and one in a cgroup. */
const FAKE_RUNNER = `
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
const document = JSON.parse(readFileSync(0, 'utf8'));
const { workspace, job_id: jobId, image_name: mode } = document;
const sh = (line) => execFileSync('sh', ['-ec', line], { cwd: workspace, encoding: 'utf8' });
if (mode === 'fails') {
  console.log('the first word', document.api.token);
  console.error('the last word');
  process.exit(3);
}
process.on('SIGTERM', () => {
  if (mode !== 'deaf') {
    writeFileSync(document.cache + '/terminated', process.argv[2]);
    process.exit(0);
  }
});
sh('mkdir mnt disk && mount -t tmpfs none mnt && echo x > mnt/file');
sh('truncate -s 16M a.img b.img && mkfs.ext4 -q a.img && mount -o loop a.img disk && losetup -f b.img');
const env = { ...process.env, KILN_TEST_MARK: jobId };
spawn('setsid', ['sleep', '1000'], { env, detached: true, stdio: 'ignore' });
for (const hierarchy of document.trusted_certificates) {
  mkdirSync(hierarchy + '/kiln/' + jobId + '/inner', { recursive: true });
  const child = spawn('sleep', ['1000'], { env, detached: true, stdio: 'ignore' });
  writeFileSync(hierarchy + '/kiln/' + jobId + '/inner/cgroup.procs', String(child.pid));
}
writeFileSync(workspace + '/ready', '');
setInterval(() => {}, 1000);
`;

let folder: string;
let executor: Executor;
let exits: { jobId: string; exitCode: number | null; signal: string | null; tail: string[] }[];

function createExecutor(): Executor {
  const created = createLocalExecutor({
    stateFolder: join(folder, 'state'),
    entry: [process.execPath, join(folder, 'entry.mjs')],
    concurrency: 2,
    checkpointHours: 1,
    log: silentLog,
  });
  created.onExit((jobId, outcome) => exits.push({ jobId, ...outcome }));
  return created;
}

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'kiln-local-')));
  await mkdir(join(folder, 'cache'));
  await writeFile(join(folder, 'entry.mjs'), FAKE_RUNNER);
  exits = [];
  executor = createExecutor();
});

afterEach(async () => {
  await createExecutor().sweep(new Set());
  await rm(folder, { recursive: true, force: true });
});

async function hierarchies(): Promise<string[]> {
  const wanted = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup/pids', '/sys/fs/cgroup/unified', '/sys/fs/cgroup'];
  const cgroups = (await mounts()).filter((mount) => mount.type.startsWith('cgroup'));
  return wanted.filter((path) => cgroups.some((mount) => mount.target === path));
}

async function documentOf(mode: string): Promise<JobDocument> {
  const jobId = randomUUID();
  // The fake runner reads a few fields only, and uses some of them for its own ends.
  const document: Partial<JobDocument> = {
    job_id: jobId,
    attempt: 1,
    image_name: mode,
    api: { url: 'http://127.0.0.1:1', socket: null, token: 'very-secret-token', grace_seconds: 1 },
    workspace: executor.workspaceOf(jobId),
    cache: join(folder, 'cache'),
    trusted_certificates: await hierarchies(),
  };
  return document as JobDocument;
}

async function startReady(mode = 'works') {
  const document = await documentOf(mode);
  const execution = await executor.start(document, null);
  const { workspace, job_id: jobId } = document;
  const pid: number = JSON.parse(execution).pid;
  await waitFor(() => existsSync(join(workspace, 'ready')) || undefined, {
    timeoutMs: 60_000,
    describe: () => `the runner to be ready; it ended with ${JSON.stringify(exits)}`,
  });
  return { execution, pid, jobId, workspace };
}

async function loopFiles(): Promise<string> {
  return (await mustRun(['losetup', '--list', '--noheadings', '--output', 'BACK-FILE'])).stdout;
}

async function leftovers(jobId: string) {
  const groups = (await hierarchies()).map((hierarchy) => join(hierarchy, 'kiln', jobId));
  return {
    processes: (await processesWith('KILN_TEST_MARK', jobId)).length,
    mounts: (await mounts()).filter((mount) => mount.target.includes(jobId)).length,
    loops: (await loopFiles()).split('\n').filter((line) => line.includes(jobId)).length,
    groups: groups.filter((group) => existsSync(group)).length,
    workspace: existsSync(executor.workspaceOf(jobId)),
  };
}
const NOTHING = { processes: 0, mounts: 0, loops: 0, groups: 0, workspace: false };

const exited = (jobId: string) =>
  waitFor(() => exits.find((exit) => exit.jobId === jobId), {
    timeoutMs: 60_000,
    describe: () => 'the end of the runner to be told',
  });

test.each(['runner', 'parent'])('after kill -9 of the %s, a release leaves nothing', async (victim) => {
  const { execution, pid, jobId } = await startReady();
  expect(await executor.isAlive(execution)).toBe(true);
  expect(await executor.capacity()).toBe(1);
  const before = await leftovers(jobId);
  expect(before).toMatchObject({ loops: 2, mounts: 0, workspace: true });
  expect(before.processes).toBeGreaterThan((await hierarchies()).length);

  const [runner] = await childrenOf(pid);
  process.kill(victim === 'runner' ? (runner?.pid ?? 0) : pid, 'SIGKILL');
  expect(await exited(jobId)).toMatchObject({ signal: 'SIGKILL', exitCode: null });
  expect(await executor.isAlive(execution)).toBe(false);
  expect(await executor.capacity()).toBe(2);
  // The kernel alone ends the processes and drops the mounts, and with them the loop device of the mount.
  await waitFor(
    async () => {
      const { processes, loops } = await leftovers(jobId);
      return (processes === 0 && loops <= 1) || undefined;
    },
    { timeoutMs: 60_000, describe: () => 'the namespace to be cleared by the kernel' },
  );

  await executor.release(jobId);
  expect(await leftovers(jobId)).toEqual(NOTHING);
  await executor.release(jobId);
});

test('a release ends a runner that still runs', async () => {
  const { execution, jobId } = await startReady();
  await executor.release(jobId);
  expect(await executor.isAlive(execution)).toBe(false);
  expect(await leftovers(jobId)).toEqual(NOTHING);
});

test('a stop lets the runner end by TERM; a deaf one is killed after its grace time', async () => {
  const willing = await startReady();
  await executor.stop(willing.execution, 10);
  expect(await readFile(join(folder, 'cache', 'terminated'), 'utf8')).toBe('run-job');
  expect(await exited(willing.jobId)).toMatchObject({ exitCode: 0, signal: null });
  await executor.stop(willing.execution, 10);

  const deaf = await startReady('deaf');
  await executor.stop(deaf.execution, 1);
  expect(await exited(deaf.jobId)).toMatchObject({ signal: 'SIGKILL' });
  for (const { jobId } of [willing, deaf]) {
    await executor.release(jobId);
    expect(await leftovers(jobId)).toEqual(NOTHING);
  }
});

test('the last words of a runner are told, without its token', async () => {
  const document = await documentOf('fails');
  await executor.start(document, null);
  const exit = await exited(document.job_id);
  expect(exit).toMatchObject({ exitCode: 3, tail: ['the first word ***', 'the last word'] });
  await executor.release(document.job_id);
});

test('a runner that cannot be started says why', async () => {
  const document = await documentOf('works');
  const broken = createLocalExecutor({
    stateFolder: join(folder, 'entry.mjs'),
    entry: [process.execPath],
    concurrency: 1,
    checkpointHours: 1,
    log: silentLog,
  });
  const failure = { code: 'runner-could-not-start', message: expect.stringContaining('ENOTDIR') };
  await expect(broken.start(document, null)).rejects.toMatchObject(failure);
  expect(await broken.capacity()).toBe(1);
});

test('another executor on the same state folder finds the runner again, and clears away what has no job', async () => {
  const kept = await startReady();
  const orphan = await startReady();
  const later = createExecutor();
  expect(await later.isAlive(kept.execution)).toBe(true);
  expect(await later.sweep(new Set([kept.jobId]))).toEqual([orphan.jobId]);
  expect(await leftovers(orphan.jobId)).toEqual(NOTHING);
  expect(await later.isAlive(kept.execution)).toBe(true);

  const reused = JSON.stringify({ ...JSON.parse(kept.execution), startTime: '1' });
  expect(await later.isAlive(reused)).toBe(false);
  await later.stop(reused, 0);
  expect(await later.isAlive(kept.execution)).toBe(true);

  exits = [];
  await later.stop(kept.execution, 0);
  const told = () => (exits.filter((exit) => exit.jobId === kept.jobId).length === 2 ? true : undefined);
  await waitFor(told, { timeoutMs: 60_000, describe: () => 'both executors to tell the end' });
  await later.release(kept.jobId);
  expect(await leftovers(kept.jobId)).toEqual(NOTHING);
});

test('what belongs to another state folder is left alone', async () => {
  const { jobId, execution } = await startReady();
  const stranger = createLocalExecutor({
    stateFolder: join(folder, 'other'),
    entry: [process.execPath],
    concurrency: 1,
    checkpointHours: 1,
    log: silentLog,
  });
  expect(await stranger.sweep(new Set())).toEqual([]);
  await stranger.release(jobId);
  expect(await executor.isAlive(execution)).toBe(true);
  expect((await leftovers(jobId)).groups).toBeGreaterThan(0);
});

test('the runner outlives the service that started it', async () => {
  const document = await documentOf('works');
  const service = join(folder, 'service.mts');
  await writeFile(
    service,
    `import { createLocalExecutor } from ${JSON.stringify(packageFile('src/adapters/executors/local/executor.ts'))};
     import { silentLog } from ${JSON.stringify(packageFile('src/platform/log.ts'))};
     const executor = createLocalExecutor({
       stateFolder: ${JSON.stringify(join(folder, 'state'))},
       entry: [process.execPath, ${JSON.stringify(join(folder, 'entry.mjs'))}],
       concurrency: 1,
       checkpointHours: 1,
       log: silentLog,
     });
     const execution = await executor.start(${JSON.stringify(document)}, null);
     console.log(execution);`,
  );
  const { stdout } = await mustRun([process.execPath, '--import', 'tsx', service], { cwd: packageFile() });
  await waitFor(() => existsSync(join(document.workspace, 'ready')) || undefined, {
    timeoutMs: 60_000,
    describe: () => 'the runner to go on',
  });
  expect(await executor.isAlive(stdout.trim())).toBe(true);
  expect(await readdir(document.workspace)).toContain('runner.log');
  expect(await readFile(join(document.workspace, 'runner.log'), 'utf8')).toBe('');
});
