/**
 * Boots an image the way a compute node does: kernel and initrd are given, the root file system is fetched over
 * HTTP and an overlay laid on it. The machine is QEMU with user networking; nothing of the host is configured.
 */
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KilnClient } from '../../client/index.ts';
import { KilnError } from '../../contract/errors.ts';
import { ARTIFACT_MEDIA_TYPES, type ArtifactName, type ImageArtifact } from '../../contract/images.ts';
import { runAttached } from '../../platform/exec.ts';
import { downloadArtifact } from '../download.ts';
import { watchConsole } from './console.ts';
import { serveRootfs } from './rootfs-server.ts';

export interface BootOptions {
  readonly client: Pick<KilnClient, 'images'>;
  readonly id: string;
  readonly memoryMib: number;
  readonly cpus: number;
  readonly accel: 'tcg' | 'kvm';
  /** More for the kernel command line. */
  readonly append?: string;
  /** End with success once this is on the console; without it the terminal is the console. */
  readonly until?: string;
  readonly timeoutSeconds?: number;
  /** File that gets a copy of the console. */
  readonly consoleLog?: string;
  readonly output: NodeJS.WritableStream;
  readonly signal: AbortSignal;
}

/** Exit code: 0 when the machine ended by itself, or the text was seen; 1 when it was not. */
export async function bootImage(options: BootOptions): Promise<number> {
  const artifacts = await options.client.images.artifacts(options.id);
  const rootfs = find(artifacts, 'rootfs');
  const folder = await mkdtemp(join(tmpdir(), 'kiln-boot-'));
  const server = await serveRootfs(rootfs.download_url);
  try {
    const kernel = join(folder, 'kernel');
    const initrd = join(folder, 'initrd');
    await downloadArtifact(find(artifacts, 'kernel'), kernel);
    await downloadArtifact(find(artifacts, 'initrd'), initrd);
    const parameters = await bootParameters(artifacts, folder);
    const argv = machine(options, { kernel, initrd, port: server.port, parameters });
    return options.until === undefined
      ? await onTerminal(argv, options)
      : await untilSeen(argv, options, options.until);
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function find(artifacts: readonly ImageArtifact[], name: ArtifactName): ImageArtifact {
  const found = artifacts.find((artifact) => artifact.type.startsWith(ARTIFACT_MEDIA_TYPES[name]));
  if (found === undefined) {
    throw new KilnError('manifest-invalid', `the image has no ${name}`);
  }
  return found;
}

/** The parameters that the image ships, without the root that its cluster would name. */
async function bootParameters(artifacts: readonly ImageArtifact[], folder: string): Promise<string> {
  const artifact = artifacts.find(({ type }) => type === ARTIFACT_MEDIA_TYPES.boot_parameters);
  if (artifact === undefined) {
    return '';
  }
  const file = join(folder, 'boot_parameters');
  await downloadArtifact(artifact, file);
  const words = (await readFile(file, 'utf8')).split(/\s+/);
  return words.filter((word) => word !== '' && !/^(root|etag)=/.test(word)).join(' ');
}

interface Machine {
  kernel: string;
  initrd: string;
  port: number;
  parameters: string;
}

function machine(options: BootOptions, { kernel, initrd, port, parameters }: Machine): string[] {
  const commandLine = [
    'console=ttyS0',
    // Asking the BIOS for its disks hangs some emulated machines.
    'edd=off',
    // 10.0.2.2 is this host, as a guest with user networking sees it.
    `root=live:http://10.0.2.2:${port}/rootfs`,
    'rd.live.image',
    'rd.live.overlay.overlayfs=1',
    'ip=dhcp',
    'rd.neednet=1',
    'panic=-1',
    parameters,
    options.append ?? '',
  ];
  return [
    'qemu-system-x86_64',
    '-accel',
    options.accel === 'tcg' ? 'tcg,thread=multi' : 'kvm',
    '-cpu',
    'max',
    '-m',
    String(options.memoryMib),
    '-smp',
    String(options.cpus),
    '-nographic',
    '-no-reboot',
    '-netdev',
    'user,id=n0',
    '-device',
    'virtio-net-pci,netdev=n0',
    '-kernel',
    kernel,
    '-initrd',
    initrd,
    '-append',
    commandLine.filter((word) => word !== '').join(' '),
  ];
}

async function onTerminal(argv: readonly string[], options: BootOptions): Promise<number> {
  const { exitCode } = await runAttached(argv, { signal: options.signal });
  return exitCode ?? 1;
}

async function untilSeen(argv: readonly string[], options: BootOptions, text: string): Promise<number> {
  const watched = watchConsole(text);
  const log = options.consoleLog === undefined ? undefined : createWriteStream(options.consoleLog);
  const done = new AbortController();
  const timer =
    options.timeoutSeconds === undefined
      ? undefined
      : setTimeout(() => done.abort(), options.timeoutSeconds * 1000);
  try {
    await runAttached(argv, {
      signal: AbortSignal.any([options.signal, done.signal]),
      onOutput(chunk) {
        options.output.write(chunk);
        log?.write(chunk);
        watched.write(chunk.toString('utf8'));
        if (watched.seen) {
          done.abort();
        }
      },
    });
  } finally {
    clearTimeout(timer);
    log?.end();
  }
  if (!watched.seen) {
    options.output.write(
      `\n"${text}" was not seen; the console ended with:\n${watched.lastLines(40).join('\n')}\n`,
    );
  }
  return watched.seen ? 0 : 1;
}
