/**
 * The workspace of one job: its disk, the builder root below every command, and the commands themselves, each in
 * a fresh overlay that is thrown away after it. It owns everything that it mounts and starts. A runner opens it in
 * a mount and PID namespace of its own, so that a kill -9 leaves nothing of it either.
 */

import { constants, existsSync } from 'node:fs';
import { chmod, chown, mkdir, open, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KilnError } from '../contract/errors.ts';
import { mustRun, shellQuote } from '../platform/exec.ts';
import { maskerOf } from '../platform/secrets.ts';
import { together } from '../platform/together.ts';
import { removeCgroup, whileFrozen } from './cgroup.ts';
import { openImageOverlay } from './image-overlay.ts';
import { mountLoop, unmount } from './mounts.ts';
import { NAME_SERVER, type OutboundNetwork, openOutboundNetwork } from './network.ts';
import { ID_SHIFT } from './oci-bundle.ts';
import type { ImageOverlay, OverlayOptions } from './overlay.ts';
import { runContainer } from './runc.ts';
import type { SandboxCommand, SandboxResult, Workspace, WorkspaceOptions } from './sandbox.ts';
import { makeStageFolder, STAGE_ROOTFS, stagedBind } from './stage.ts';
import { trustLayer } from './trust-layer.ts';
import { diskUsage, openDisk } from './workspace-disk.ts';

const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LANG: 'C.UTF-8',
  // Kiwi unpacks base-files after it has bound these into the new root, where the sandbox may not chown them.
  TAR_OPTIONS: '--anchored --exclude=./proc --exclude=./sys --exclude=./dev',
};
const TRUST_LAYER = '.trust';
const ORIGINAL = /-original$/;
const FOLDER_NAME = /^[a-z][a-z0-9-]*$/;

/** Throws `host-disk-full` when the host has no room for its disk, `sandbox-failed` when a mount is refused. */
export async function openWorkspace(options: WorkspaceOptions): Promise<Workspace> {
  const workspace = new JobWorkspace(options);
  try {
    await workspace.open();
    return workspace;
  } catch (cause) {
    await workspace.close();
    if (cause instanceof KilnError) {
      throw cause;
    }
    throw new KilnError('sandbox-failed', cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

class JobWorkspace implements Workspace {
  readonly #options: WorkspaceOptions;
  readonly #disk: string;
  readonly #builder: string;
  readonly #cgroup: string;
  #network: Promise<OutboundNetwork> | undefined;
  readonly #layers: string[] = [];
  readonly #overlays = new Map<string, ImageOverlay>();
  #commands = 0;
  readonly #running = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();

  constructor(options: WorkspaceOptions) {
    this.#options = options;
    this.#disk = join(options.folder, 'disk');
    this.#builder = join(options.folder, 'builder');
    this.#cgroup = `/kiln/${options.jobId}`;
  }

  async open(): Promise<void> {
    const { folder, limits, builderRoot, trustedCertificates } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if (this.#options.outboundSoon) {
      // The command that asks for it hears why there is none.
      this.#outbound().catch(() => {});
    }
    await makeStageFolder();
    await mkdir(this.#disk);
    await mkdir(this.#builder);
    const diskFile = this.#options.diskFile ?? join(folder, 'disk.img');
    await together([
      openDisk(diskFile, limits.diskBytes, this.#disk),
      mountLoop(builderRoot, this.#builder, 'ro'),
    ]);
    // A disk that was kept has what its last runner left when it was killed.
    await removeTree(join(this.#disk, '.overlays'));
    await removeTree(join(this.#disk, TRUST_LAYER));
    await mkdir(join(this.#disk, '.overlays'));
    if (trustedCertificates.length > 0) {
      await trustLayer(this.#builder, join(this.#disk, TRUST_LAYER), trustedCertificates);
      this.#layers.push(TRUST_LAYER);
    }
  }

  hostPath(folder: string): string {
    if (!FOLDER_NAME.test(folder)) {
      throw new TypeError(`"${folder}" is no folder of a workspace`);
    }
    const overlay = this.#overlays.get(folder.replace(ORIGINAL, ''));
    if (overlay !== undefined) {
      return ORIGINAL.test(folder) ? overlay.original : overlay.root;
    }
    return join(this.#disk, folder);
  }

  async openOverlay(name: string, options: OverlayOptions): Promise<ImageOverlay> {
    const places = {
      layers: this.hostPath(`${name}-layers`),
      mounts: join(this.#options.folder, 'images', name),
      builder: this.#builder,
    };
    const overlay = await openImageOverlay(places, options);
    this.#overlays.set(name, overlay);
    return overlay;
  }

  async makeFolder(name: string): Promise<void> {
    await makeSandboxFolder(this.hostPath(name));
  }

  async removeFolder(name: string): Promise<void> {
    await removeTree(this.hostPath(name));
  }

  async writeFile(folder: string, name: string, data: string | Buffer): Promise<void> {
    if (name.includes('/') || name === '..' || name === '.') {
      throw new TypeError(`"${name}" is no file name`);
    }
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
    const handle = await open(join(this.hostPath(folder), name), flags, 0o644);
    try {
      await handle.writeFile(data);
      await handle.chown(ID_SHIFT, ID_SHIFT);
    } finally {
      await handle.close();
    }
  }

  run(command: SandboxCommand): Promise<SandboxResult> {
    const running = this.#run(command).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return running;
  }

  async #run(command: SandboxCommand): Promise<SandboxResult> {
    this.#commands += 1;
    const number = String(this.#commands);
    const overlay = join('.overlays', number);
    const binds = [
      ...command.binds.map((bind) => ({ ...bind, source: this.hostPath(bind.folder) })),
      ...(command.hostBinds ?? []).map((bind) => ({ ...bind, source: bind.hostPath })),
    ];
    await this.#makeOverlay(join(this.#disk, overlay), command);
    try {
      const network = command.network === 'outbound' ? await this.#outbound() : undefined;
      const result = await runContainer({
        id: `kiln-${this.#options.jobId}-${number}`,
        folder: join(this.#options.folder, 'commands', number),
        stage: { disk: this.#disk, builder: this.#builder, layers: this.#layers, overlay, binds },
        bundle: {
          argv: command.argv,
          env: { ...ENVIRONMENT, ...command.env },
          cwd: command.cwd ?? '/',
          rootfs: STAGE_ROOTFS,
          binds: binds.map(({ at }, index) => ({ source: stagedBind(index), at })),
          ...(network === undefined ? {} : { networkNamespace: network.namespace }),
          cgroup: `${this.#cgroup}/${number}`,
          limits: this.#options.limits,
        },
        command: {
          ...(command.input === undefined ? {} : { input: command.input }),
          ...(command.timeoutMs === undefined ? {} : { timeoutMs: command.timeoutMs }),
          ...(command.secrets === undefined ? {} : { secrets: command.secrets }),
          ...(command.onLine === undefined ? {} : { onLine: command.onLine }),
          signal: command.signal
            ? AbortSignal.any([command.signal, this.#closing.signal])
            : this.#closing.signal,
        },
      });
      return { ...result, command: maskerOf(command.secrets ?? [])(shellQuote(command.argv)) };
    } finally {
      await removeTree(join(this.#disk, overlay));
    }
  }

  async #makeOverlay(overlay: string, command: SandboxCommand): Promise<void> {
    const upper = join(overlay, 'upper');
    await makeSandboxFolder(upper);
    await makeSandboxFolder(join(overlay, 'work'));
    const files = { ...this.#networkFiles(command), ...command.files };
    for (const [path, content] of Object.entries(files)) {
      await placeFile(upper, path, content);
    }
  }

  #networkFiles(command: SandboxCommand): Record<string, string> {
    return {
      '/etc/hosts': hostsFile(command.network === 'outbound' ? this.#options.hosts : undefined),
      ...(command.network === 'outbound' ? { '/etc/resolv.conf': `nameserver ${NAME_SERVER}\n` } : {}),
    };
  }

  #outbound(): Promise<OutboundNetwork> {
    this.#network ??= openOutboundNetwork(join(this.#options.folder, 'netns'), this.#options.services);
    return this.#network;
  }

  whilePaused<T>(work: () => Promise<T>): Promise<T> {
    return this.#running.size === 0 ? work() : whileFrozen(this.#cgroup, work);
  }

  usage(): Promise<{ freeBytes: number; totalBytes: number }> {
    return diskUsage(this.#disk);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([...this.#running]);
    const network = await this.#network?.catch(() => undefined);
    await network?.close();
    this.#network = undefined;
    for (const overlay of this.#overlays.values()) {
      await overlay.close();
    }
    await unmount(this.#builder);
    await unmount(this.#disk);
    await removeCgroup(this.#cgroup);
    await rm(this.#options.folder, { recursive: true, force: true });
  }
}

function hostsFile(more: Readonly<Record<string, string>> = {}): string {
  const names = Object.entries(more).map(([name, address]) => `${address} ${name}\n`);
  return `127.0.0.1 localhost kiln-build\n::1 localhost\n${names.join('')}`;
}

/** Makes a folder, and those on the way, for the sandbox's root, whatever the umask of this process is. */
async function makeSandboxFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o755);
  await chown(path, ID_SHIFT, ID_SHIFT);
}

/** Writes a file into an upper layer that no command has had yet; folders on the way are the sandbox's root's. */
async function placeFile(upper: string, path: string, content: string): Promise<void> {
  const target = join(upper, path);
  await mkdir(dirname(target), { recursive: true });
  for (let folder = dirname(target); folder !== upper; folder = dirname(folder)) {
    await makeSandboxFolder(folder);
  }
  await writeFile(target, content);
  await chmod(target, 0o644);
  await chown(target, ID_SHIFT, ID_SHIFT);
}

/** By rm(1), which gets through trees that are deeper than a path may be long, as a hostile command can leave them. */
async function removeTree(path: string): Promise<void> {
  if (!existsSync(path)) {
    return;
  }
  await mustRun(['rm', '-rf', '--one-file-system', path]);
}
