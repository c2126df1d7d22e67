/**
 * Why a step failed, in the shape that clients are shown. Before a step is blamed, this looks at what really
 * happened: a killed process or a full disk makes any tool say anything.
 */
import { statfs } from 'node:fs/promises';
import type { SandboxResult, Workspace } from '../builder/sandbox.ts';
import { ERROR_CATALOGUE, type ErrorCode, KilnError } from '../contract/errors.ts';
import type { JobReason } from '../contract/jobs.ts';
import type { JobDocument } from '../contract/runner.ts';
import { formatBytes, GIB, MIB } from '../platform/bytes.ts';
import { CommandError, type CommandResult } from '../platform/exec.ts';

const NO_SPACE = /no space left on device|ENOSPC|disk quota exceeded/i;
const HOST_RESERVE_BYTES = 64 * MIB;

export interface FailureScene {
  readonly document: Pick<JobDocument, 'limits' | 'workspace'>;
  readonly workspace: Workspace;
  /** Results of the commands that the step ran and that did not end well, oldest first. */
  readonly failed: readonly SandboxResult[];
}

/** The reason of a failed job; `step` is null when none was running. */
export function reasonOf(error: unknown, step: string | null, command?: CommandResult): JobReason {
  const known = error instanceof KilnError;
  const code: ErrorCode = known ? error.code : 'step-failed';
  const { title, hint } = ERROR_CATALOGUE[code];
  const failed = error instanceof CommandError ? error.result : command;
  return {
    code,
    title,
    detail: error instanceof Error ? error.message : String(error),
    hint,
    step,
    ...(failed === undefined ? {} : { command: failed.command }),
    ...(known && error.items.length > 0 ? { errors: [...error.items] } : {}),
  };
}

/** What a failed step is to be blamed on: memory, a disk, or what it says itself. */
export async function causeOf(error: unknown, scene: FailureScene): Promise<unknown> {
  const { limits, workspace: hostFolder } = scene.document;
  if (scene.failed.some((result) => result.outOfMemory)) {
    const detail = `A process of this step was killed as the job reached its memory limit of ${gib(limits.memory_bytes)}`;
    return new KilnError('job-out-of-memory', detail, { cause: error });
  }
  const host = await freeBytesOf(hostFolder);
  if (host !== undefined && host < HOST_RESERVE_BYTES) {
    const detail = `The disk of the build host below ${hostFolder} has ${formatBytes(host)} left`;
    return new KilnError('host-disk-full', detail, { cause: error });
  }
  const { freeBytes, totalBytes } = await scene.workspace.usage().catch(() => ({
    freeBytes: Number.POSITIVE_INFINITY,
    totalBytes: limits.disk_bytes,
  }));
  if (freeBytes < totalBytes / 100 || saysNoSpace(error, scene.failed)) {
    const detail = `The build environment of ${gib(limits.disk_bytes)} has no space left`;
    return new KilnError('workspace-full', detail, { cause: error });
  }
  return error;
}

function saysNoSpace(error: unknown, failed: readonly SandboxResult[]): boolean {
  const words = [error instanceof Error ? error.message : '', ...(failed.at(-1)?.tail ?? [])];
  return words.some((text) => NO_SPACE.test(text));
}

async function freeBytesOf(folder: string): Promise<number | undefined> {
  try {
    const info = await statfs(folder);
    return info.bavail * info.bsize;
  } catch {
    return undefined;
  }
}

function gib(bytes: number): string {
  return bytes % GIB === 0 ? `${bytes / GIB} GiB` : formatBytes(bytes);
}
