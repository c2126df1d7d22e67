/** How a runner ended, told from how the `unshare` around it did. */
import type { Executor } from '../../../jobs/executor.ts';

export type Outcome = Parameters<Parameters<Executor['onExit']>[0]>[1];

/**
 * `unshare` is to end by the signal that ended its child, but that of util-linux 2.38 stumbles over KILL: it ends
 * with code 1 and says so. KILL is what an administrator or a host without memory sends, so it must not be lost.
 */
const STUMBLE = /^unshare: sigprocmask unblock failed/;

export function outcomeOfRunner(outcome: Outcome): Outcome {
  const tail = outcome.tail.filter((line) => !STUMBLE.test(line));
  return tail.length === outcome.tail.length ? outcome : { exitCode: null, signal: 'SIGKILL', tail };
}
