/** How a runner ended, told from how the `unshare` around it did, or from what its carrier says. */
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Executor } from '../../../jobs/executor.ts';

export type Outcome = Parameters<Parameters<Executor['onExit']>[0]>[1];

/**
 * `unshare` is to end by the signal that ended its child, but that of util-linux 2.38 stumbles over KILL: it ends
 * with code 1 and says so. KILL is what an administrator or a host without memory sends, so it must not be lost.
 */
const STUMBLE = /^unshare: sigprocmask unblock failed/;

const Said = Type.Union([Type.Object({ lost: Type.String() }), Type.Object({ failed: Type.String() })]);

/** A carrier ends with one line of JSON when it could not do its work. */
export function outcomeOfCarrier(outcome: Outcome): Outcome {
  const said = outcome.tail.findLast((line) => line.startsWith('{"lost"') || line.startsWith('{"failed"'));
  const words: unknown = said === undefined ? undefined : JSON.parse(said);
  if (!Value.Check(Said, words)) {
    return outcome;
  }
  const lost = 'lost' in words ? words.lost : words.failed;
  return { ...outcome, tail: [], lost };
}

export function outcomeOfRunner(outcome: Outcome): Outcome {
  const tail = outcome.tail.filter((line) => !STUMBLE.test(line));
  return tail.length === outcome.tail.length ? outcome : { exitCode: null, signal: 'SIGKILL', tail };
}
