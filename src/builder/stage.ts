/**
 * The stage of one command: its root and what is bound into it, laid out in a private mount namespace on a small
 * tmpfs that everybody may walk through. The sandbox's root is nobody on the host, so it could not reach any of
 * it below a private state folder. The stage is gone with the command's last process, whatever ended it.
 */
import { mkdir } from 'node:fs/promises';
import { shellQuote } from '../platform/exec.ts';

/** Empty on the host; each command has its own stage mounted over it. */
const STAGE = '/run/kiln-sandbox';

export const STAGE_ROOTFS = `${STAGE}/rootfs`;

export interface StageBind {
  /** Folder of the host. */
  readonly source: string;
  readonly writable: boolean;
}

export interface StageOptions {
  /** Where the disk of the workspace is mounted. */
  readonly disk: string;
  /** Where the builder root is mounted. */
  readonly builder: string;
  /** Folders of the disk that lie over the builder root, the uppermost first. */
  readonly layers: readonly string[];
  /** Folder of the disk with empty folders `upper` and `work`. */
  readonly overlay: string;
  readonly binds: readonly StageBind[];
}

/** Where the bind with this index is on the stage. */
export function stagedBind(index: number): string {
  return `${STAGE}/binds/${index}`;
}

/** Makes the empty folder that stages are mounted over. */
export async function makeStageFolder(): Promise<void> {
  await mkdir(STAGE, { recursive: true });
}

/** A shell script that lays the stage out and becomes runc, which runs the bundle in the given folder. */
export function stageScript(
  options: StageOptions,
  runc: { id: string; bundle: string; pidFile: string },
): string {
  const disk = `${STAGE}/disk`;
  const builder = `${STAGE}/builder`;
  const overlay = `${disk}/${options.overlay}`;
  const lower = [...options.layers.map((layer) => `${disk}/${layer}`), builder].join(':');
  // Nothing of an overlay outlives its command, so there is nothing to write back to the disk: volatile.
  const overlayOptions = `nodev,volatile,lowerdir=${lower},upperdir=${overlay}/upper,workdir=${overlay}/work`;
  const lines = [
    ['mount', '-t', 'tmpfs', '-o', 'mode=0711,size=16m,nosuid,nodev,noexec', 'kiln', STAGE],
    ['mkdir', '-p', disk, builder, STAGE_ROOTFS, ...options.binds.map((_, index) => stagedBind(index))],
    ['mount', '--bind', options.disk, disk],
    ['mount', '--bind', options.builder, builder],
    ['mount', '-t', 'overlay', '-o', overlayOptions, 'overlay', STAGE_ROOTFS],
    ...options.binds.map(bindLine),
    ['exec', 'runc', '--root', `${STAGE}/state`, 'run', '--keep', ...runcOptions(runc)],
  ];
  return lines.map(shellQuote).join('\n');
}

/** Read-only is made here: inside its user namespace, runc may not change the flags of a mount of the host. */
function bindLine(bind: StageBind, index: number): string[] {
  const flags = `bind,noatime,nodev,${bind.writable ? 'rw' : 'ro'}`;
  return ['mount', '-o', flags, bind.source, stagedBind(index)];
}

function runcOptions(runc: { id: string; bundle: string; pidFile: string }): string[] {
  return ['--pid-file', runc.pidFile, '--bundle', runc.bundle, runc.id];
}
