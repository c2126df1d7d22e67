/**
 * The connection that carries a job: the way of the runner to the service, the way to its shell, and word of its end. When it
 * breaks it is made again, as long as the runner itself would wait.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { CommandResult } from '../../../platform/exec.ts';
import { runCommand } from '../../../platform/exec.ts';
import type { Log } from '../../../platform/log.ts';
import type { Carriage, NodePaths } from './carriage.ts';
import { remoteCommand, sshWords } from './ssh.ts';

/** What ssh ends with when the connection, and not the command, failed. */
const CONNECTION_FAILED = 255;
const RETRY_MS = 2_000;
/** How long it takes until a dead connection is noticed. */
const NOTICE_MS = 20_000;

const Ended = Type.Object({ tail: Type.Array(Type.String()) });

export interface LinkOptions {
  readonly carriage: Carriage;
  readonly paths: NodePaths;
  /** Unix socket on this machine for connections to the shell. */
  readonly shellSocket: string;
  /** The command that follows the runner to its end. */
  readonly follow: readonly string[];
  /** Removes what an earlier connection left on the node. */
  readonly clear: () => Promise<CommandResult>;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** The node was not reached for longer than its runner waits. */
export class NodeLost extends Error {
  override readonly name = 'NodeLost';
}

/** Gives the last lines of the runner when it has ended. Throws `NodeLost`. */
export async function keepLink(options: LinkOptions): Promise<readonly string[]> {
  const { carriage, log, signal } = options;
  const patienceMs = carriage.document.api.grace_seconds * 1000 + NOTICE_MS;
  let lastUp = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    const result = await connectOnce(options, attempt);
    const ended = result.exitCode === 0 ? endedIn(result.stdout) : undefined;
    if (ended !== undefined) {
      return ended;
    }
    signal.throwIfAborted();
    if (result.stdout.includes('following')) {
      lastUp = performance.now();
    }
    const words = result.tail.at(-1) ?? `ssh ended with code ${result.exitCode}`;
    const awayMs = performance.now() - lastUp;
    if (
      awayMs > patienceMs ||
      (result.exitCode !== CONNECTION_FAILED && result.exitCode !== null && attempt > 3)
    ) {
      throw new NodeLost(
        `${carriage.node.xname} was not reached for ${Math.round(awayMs / 1000)} s: ${words}`,
      );
    }
    log.warn(
      { node: carriage.node.xname, words },
      'the connection to a build node broke off; it is made again',
    );
    await sleep(RETRY_MS, undefined, { signal });
  }
}

async function connectOnce(options: LinkOptions, attempt: number): Promise<CommandResult> {
  const { carriage, paths, shellSocket, follow, signal } = options;
  if (attempt > 1) {
    const cleared = await options.clear();
    if (cleared.exitCode !== 0) {
      return cleared;
    }
  }
  const forwards = [
    ...[
      '-o',
      'ExitOnForwardFailure=yes',
      '-o',
      'StreamLocalBindUnlink=yes',
      '-o',
      'StreamLocalBindMask=0177',
    ],
    ...['-R', `${paths.api}:${carriage.door}`],
    ...(carriage.document.shell === null ? [] : ['-L', `${shellSocket}:${paths.shell}`]),
  ];
  const words = [
    ...sshWords(carriage.node, carriage.identity, forwards),
    remoteCommand(carriage.node, follow),
  ];
  // It must not outlive a carrier that is killed.
  return await runCommand(['setpriv', '--pdeathsig', 'KILL', ...words], { signal });
}

function endedIn(stdout: string): readonly string[] | undefined {
  for (const line of stdout.split('\n').reverse()) {
    try {
      const said: unknown = JSON.parse(line);
      if (Value.Check(Ended, said)) {
        return said.tail;
      }
    } catch {
      // Another line.
    }
  }
  return undefined;
}
