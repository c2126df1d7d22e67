/** A service with a small Debian image, and what tests of customize jobs do with it over SSH. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { hostMirror } from '../../src/builder/apt-sources.ts';
import { readCast } from '../../src/cli/replay/cast.ts';
import type { Job, JobCreate } from '../../src/contract/jobs.ts';
import { type CommandResult, defaultEnvironment, runCommand } from '../../src/platform/exec.ts';
import { PACKAGE_ROOT } from '../../src/platform/package-root.ts';
import { withLock } from '../../src/platform/process-lock.ts';
import { testBuilderRoot } from './builder-root.ts';
import { untilJobOrOver } from './jobs.ts';
import { startService, type TestService } from './kiln.ts';
import { run } from './run.ts';
import { openSshClient } from './ssh.ts';

/** What nobody boots here, but looks like what a node would. */
const ADD_BOOT_FILES = `
cd "$1"
head -c 510 /dev/zero > boot/vmlinuz-6.1.0-9-amd64
printf '\\125\\252\\0\\0HdrSnine' >> boot/vmlinuz-6.1.0-9-amd64
echo initrd-of-nine > boot/initrd.img-6.1.0-9-amd64
echo 'nameserver 192.0.2.53' > etc/resolv.conf
`;
/** A playbook that takes half a minute takes minutes beside a build. */
const PATIENCE_MS = 1_200_000;
const KEPT_IMAGE = '/var/cache/kiln/test-images/debian-minbase-1.squashfs';

export interface CustomizeBench {
  readonly service: TestService;
  readonly folder: string;
  readonly imageId: string;
  readonly publicKeyId: string;
  customize(also?: Partial<JobCreate>): Promise<Job>;
  /** The job once this is true of it, or once it is over. */
  until(id: string, done: (job: Job) => boolean): Promise<Job>;
  /** A job whose shell, jailed, waits for somebody. */
  openedShell(also?: Partial<JobCreate>): Promise<Job>;
  /** The job after its shell was finished and it succeeded. */
  finished(job: Job): Promise<Job>;
  /** What the command line said when it succeeded. */
  kiln(...words: string[]): Promise<string>;
  sshOptions(job: Job): Promise<string[]>;
  ssh(job: Job, command: string): Promise<CommandResult>;
  /** The same with a terminal, on which a person does something. */
  sshTerminal(job: Job, steps: readonly TerminalStep[], command?: string): Promise<TerminalResult>;
  /** The root of the image that the job made, unpacked. */
  rootOf(job: Job): Promise<string>;
  close(): Promise<void>;
}

/** For `until`. */
export const waiting = (job: Job): boolean => job.status === 'waiting_on_user' && job.shell?.state === 'open';
export const never = (): boolean => false;

/** Steps at a terminal. */
export const PROMPT = { expect: '# ' };
export const LEAVE = [{ type: 'exit\r' }, { until_end: true }] as const;

/** All that a recording shows. */
export function shownBy(cast: string): string {
  return readCast(cast)
    .events.map(({ output }) => output)
    .join('');
}

/** One thing that a person does at a terminal; see on-terminal.py. */
export type TerminalStep =
  | { readonly expect: string }
  | { readonly type: string }
  | { readonly resize: readonly [columns: number, rows: number] }
  | { readonly vanish: true }
  | { readonly until_end: true };

export interface TerminalResult {
  /** All that was shown. */
  readonly shown: string;
  readonly code: number | null;
}

/** Runs a command on a terminal, on which a person does something. */
export async function onTerminal(
  steps: readonly TerminalStep[],
  command: readonly string[],
): Promise<TerminalResult> {
  const script = join(PACKAGE_ROOT, 'test', 'support', 'on-terminal.py');
  const ran = await runCommand(['python3', script, '100', '30', ...command], {
    input: JSON.stringify(steps),
    env: { ...defaultEnvironment(), TERM: 'xterm' },
  });
  expect(ran.exitCode, ran.tail.join('\n')).toBe(0);
  const { wrong, ...result } = JSON.parse(ran.stdout);
  expect(wrong, result.shown).toBeNull();
  return result;
}

export async function openCustomizeBench(settings: Record<string, string> = {}): Promise<CustomizeBench> {
  await testBuilderRoot();
  const squashfs = await debianImage();
  const folder = await mkdtemp(join(tmpdir(), 'kiln-customize-'));
  const service = await startService({ ...settings });
  const words = ['images', 'import', squashfs, '--name', 'base', '--build-env-size', '4', '--format', 'json'];
  const imported = await service.kiln(words);
  expect(imported.exitCode, imported.tail.join('\n')).toBe(0);
  const imageId: string = JSON.parse(imported.stdout).id;
  const ssh = await openSshClient(service, folder);

  const until: CustomizeBench['until'] = (id, done) =>
    untilJobOrOver(service, id, `what is waited for of job ${id}`, done, PATIENCE_MS);

  const customize: CustomizeBench['customize'] = (also = {}) =>
    service.client.jobs.create({
      job_type: 'customize',
      artifact_id: imageId,
      image_root_archive_name: 'customized',
      public_key_id: ssh.publicKeyId,
      build_env_size: 4,
      ...also,
    });

  return {
    service,
    folder,
    imageId,
    publicKeyId: ssh.publicKeyId,
    until,
    sshOptions: ssh.options,
    ssh: ssh.run,
    customize,
    openedShell: async (also = {}) =>
      until((await customize({ shell: { jail: true }, ...also })).id, waiting),
    async finished(job) {
      await service.client.jobs.finish(job.id);
      const over = await until(job.id, never);
      expect(over.state, JSON.stringify(over, null, 2)).toBe('succeeded');
      return over;
    },
    async kiln(...words) {
      const said = await service.kiln(words);
      expect(said.exitCode, said.tail.join('\n')).toBe(0);
      return said.stdout;
    },
    async sshTerminal(job, steps, command) {
      const { shell } = job;
      const target = ['-p', String(shell?.port), ...(await ssh.options(job)), `root@${shell?.host}`];
      return onTerminal(steps, ['ssh', '-tt', ...target, ...(command === undefined ? [] : [command])]);
    },
    async rootOf(job) {
      expect(job.state, JSON.stringify(job, null, 2)).toBe('succeeded');
      const [rootfs] = await service.client.images.artifacts(job.resultant_image_id ?? '');
      const file = join(folder, `${job.id}.squashfs`);
      const answer = await fetch(rootfs?.download_url ?? '');
      await writeFile(file, Buffer.from(await answer.arrayBuffer()));
      await run('unsquashfs', ['-quiet', '-no-progress', '-dest', join(folder, job.id), file]);
      return join(folder, job.id);
    },
    async close() {
      await service.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Made once on each machine; of tests beside each other, one makes it and the others wait. */
async function debianImage(): Promise<string> {
  await withLock(KEPT_IMAGE, undefined, async () => {
    if (!existsSync(KEPT_IMAGE)) {
      await makeDebianImage();
    }
  });
  return KEPT_IMAGE;
}

async function makeDebianImage(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-debian-'));
  try {
    const root = join(folder, 'root');
    await run('debootstrap', ['--variant=minbase', 'bookworm', root, (await hostMirror()) ?? '']);
    await run('sh', ['-euc', ADD_BOOT_FILES, 'sh', root]);
    await mkdir(dirname(KEPT_IMAGE), { recursive: true });
    const fresh = `${KEPT_IMAGE}.new`;
    await rm(fresh, { force: true });
    await run('mksquashfs', [root, fresh, '-quiet', '-no-progress', '-comp', 'zstd']);
    await rename(fresh, KEPT_IMAGE);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
