/**
 * Boots an image the way a compute node does: kernel and initrd are given, the root file system is fetched over
 * HTTP and an overlay laid on it. The machine is QEMU with user networking; nothing of the host is configured.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KilnClient } from '../../client/index.ts';
import { KilnError } from '../../contract/errors.ts';
import { ARTIFACT_MEDIA_TYPES, type ArtifactName, type ImageArtifact } from '../../contract/images.ts';
import { runAttached } from '../../platform/exec.ts';
import { downloadArtifact } from '../download.ts';
import { findProgram } from '../find-program.ts';
import { watchConsole } from './console.ts';
import { emulatorOf, machineCommand, ownParameters } from './machine.ts';
import { serveRootfs } from './rootfs-server.ts';

export interface BootOptions {
  readonly client: Pick<KilnClient, 'images'>;
  readonly id: string;
  readonly memoryMib: number;
  readonly cpus: number;
  readonly accel: 'tcg' | 'kvm';
  readonly cpu?: string;
  /** More for the kernel command line. */
  readonly append?: string;
  /** End with success once this is on the console. */
  readonly until?: string;
  readonly timeoutSeconds?: number;
  /** File that gets a copy of the console. */
  readonly consoleLog?: string;
  readonly output: NodeJS.WritableStream;
  readonly signal: AbortSignal;
}

/**
 * Exit code: 0 when the text was seen or, without one, the machine ended well; 1 when it did not. Throws what keeps
 * it from starting, or the signal's reason.
 */
export async function bootImage(options: BootOptions): Promise<number> {
  const { client, id, signal } = options;
  const { arch } = await client.images.get(id);
  const { emulator, package: from } = emulatorOf(arch);
  if ((await findProgram(emulator)) === undefined) {
    throw new KilnError('program-missing', `${emulator} is not installed; it is in ${from}`);
  }
  const artifacts = await client.images.artifacts(id);
  const folder = await mkdtemp(join(tmpdir(), 'kiln-boot-'));
  const server = await serveRootfs(artifactOf(artifacts, 'rootfs'));
  try {
    const kernel = join(folder, 'kernel');
    const initrd = join(folder, 'initrd');
    await downloadArtifact(artifactOf(artifacts, 'kernel'), kernel, signal);
    await downloadArtifact(artifactOf(artifacts, 'initrd'), initrd, signal);
    const shipped = await bootParameters(artifacts, folder, signal);
    const { memoryMib, cpus, accel, cpu, append = '' } = options;
    const parameters = [shipped, append];
    const processor = { cpus, accel, ...(cpu === undefined ? {} : { cpu }) };
    const machine = { arch, memoryMib, ...processor, kernel, initrd, rootfsPort: server.port, parameters };
    return await runMachine(machineCommand(machine), options);
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function runMachine(argv: readonly string[], options: BootOptions): Promise<number> {
  const { until, timeoutSeconds, output, signal } = options;
  const watched = watchConsole(until);
  const log = options.consoleLog === undefined ? undefined : openSync(options.consoleLog, 'w');
  const done = new AbortController();
  const timer =
    timeoutSeconds === undefined ? undefined : setTimeout(() => done.abort(), timeoutSeconds * 1000);
  const started = performance.now();
  const ended = await runAttached(argv, {
    signal: AbortSignal.any([signal, done.signal]),
    onOutput(chunk) {
      if (watched.seen) {
        return;
      }
      output.write(chunk);
      if (log !== undefined) {
        writeSync(log, chunk);
      }
      watched.write(chunk);
      if (watched.seen) {
        done.abort();
      }
    },
  }).finally(() => {
    clearTimeout(timer);
    if (log !== undefined) {
      closeSync(log);
    }
  });
  signal.throwIfAborted();
  const seconds = Math.round((performance.now() - started) / 1000);
  if (watched.seen) {
    output.write(`\n"${until}" was on the console after ${seconds} s\n`);
    return 0;
  }
  if (!done.signal.aborted && until === undefined) {
    return ended.exitCode ?? 1;
  }
  const what = until === undefined ? 'the machine was still running' : `"${until}" was not on the console`;
  const how = done.signal.aborted ? `after ${seconds} s` : `when the machine ended, after ${seconds} s`;
  output.write(`\n${what} ${how}; its last lines:\n${watched.lastLines(40).join('\n')}\n`);
  return 1;
}

function artifactOf(artifacts: readonly ImageArtifact[], name: ArtifactName): ImageArtifact {
  const found = artifacts.find(({ type }) => type === ARTIFACT_MEDIA_TYPES[name]);
  if (found === undefined) {
    throw new KilnError('manifest-invalid', `the manifest of the image lists no ${name}`);
  }
  return found;
}

async function bootParameters(
  artifacts: readonly ImageArtifact[],
  folder: string,
  signal: AbortSignal,
): Promise<string> {
  const artifact = artifacts.find(({ type }) => type === ARTIFACT_MEDIA_TYPES.boot_parameters);
  if (artifact === undefined) {
    return '';
  }
  const file = join(folder, 'boot_parameters');
  await downloadArtifact(artifact, file, signal);
  return ownParameters(await readFile(file, 'utf8'));
}
