/**
 * Looks at build nodes in the background, all at the same time, each with time limits of its own: what they are, what they lack,
 * what jobs left on them that are no more. Nobody waits for it; what it finds out is in the records.
 */
import type { BuildNode, NodeKnowledge } from '../../contract/nodes.ts';
import { type Clock, timestamp } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import type { Records } from '../../ports/records.ts';

/** What a node says of itself, or why it does not. */
export type Look = Pick<
  NodeKnowledge,
  'ssh_status' | 'runtime_status' | 'facts' | 'problems' | 'seen_fingerprints'
>;

/** The port to the nodes themselves. Nothing here takes longer than its own time limits. */
export interface NodeReach {
  /** Never throws: what is wrong is among the problems. */
  look(node: BuildNode): Promise<Look>;
  /** Sends a node what it lacks of the runner and the builder root. Throws when that cannot be done. */
  prepare(
    node: BuildNode,
    facts: NonNullable<Look['facts']>,
    onProgress: (progress: NonNullable<NodeKnowledge['preparing']>) => void,
  ): Promise<void>;
  /** Removes what belongs to none of these jobs. */
  sweep(node: BuildNode, liveJobIds: readonly string[]): Promise<void>;
}

export interface NodeWatch {
  start(): void;
  /** Has a node looked at now, or once more when that is going on. */
  look(xname: string): void;
  stop(): Promise<void>;
}

export interface NodeWatchDeps {
  readonly records: Records;
  readonly reach: NodeReach;
  readonly clock: Clock;
  readonly log: Log;
  readonly intervalMs: number;
}

const PROGRESS_MS = 1_000;

export function createNodeWatch(deps: NodeWatchDeps): NodeWatch {
  const { records, reach, clock, log } = deps;
  const visiting = new Map<string, Promise<void>>();
  const again = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function look(xname: string): void {
    if (stopped) {
      return;
    }
    if (visiting.has(xname)) {
      again.add(xname);
      return;
    }
    const visit = visitNode(xname)
      .catch((error: unknown) =>
        log.error({ err: error, node: xname }, 'a build node could not be looked at'),
      )
      .finally(() => {
        visiting.delete(xname);
        if (again.delete(xname)) {
          look(xname);
        }
      });
    visiting.set(xname, visit);
  }

  async function visitNode(xname: string): Promise<void> {
    const node = await records.nodes.find(xname);
    if (node === undefined) {
      return;
    }
    const before = await records.nodes.knowledge(xname);
    const found = await reach.look(node);
    const seen: NodeKnowledge = {
      ...found,
      state: 'unable',
      checked: timestamp(clock.now()),
      preparing: null,
    };
    if (found.facts === null || found.problems.length > 0) {
      await tell(xname, before, seen);
      return;
    }
    try {
      await prepare(node, before, { ...seen, facts: found.facts });
      await tell(xname, before, { ...seen, state: 'ready' });
      await reach.sweep(node, await jobsOn(xname));
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      const problem = { what, hint: 'It is tried again; `kiln nodes doctor` looks at once.' };
      await tell(xname, before, { ...seen, problems: [problem] });
    }
  }

  /** As long as nothing is sent, a node that was ready stays so: jobs need not wait for a look at it. */
  async function prepare(
    node: BuildNode,
    before: NodeKnowledge,
    seen: NodeKnowledge & { facts: NonNullable<Look['facts']> },
  ): Promise<void> {
    let next = 0;
    let telling = Promise.resolve();
    await reach.prepare(node, seen.facts, (preparing) => {
      const now = clock.now().getTime();
      if (now >= next) {
        next = now + PROGRESS_MS;
        telling = telling.then(() => tell(node.xname, before, { ...seen, state: 'preparing', preparing }));
      }
    });
    await telling;
  }

  async function tell(xname: string, before: NodeKnowledge, knowledge: NodeKnowledge): Promise<void> {
    await records.nodes.setKnowledge(xname, knowledge);
    if (before.state !== knowledge.state && knowledge.state !== 'preparing') {
      const [problem] = knowledge.problems;
      log.info({ node: xname, state: knowledge.state, problem: problem?.what }, 'build node');
    }
  }

  async function jobsOn(xname: string): Promise<string[]> {
    const active = await records.jobs.inStates(['starting', 'running', 'cancelling']);
    return active.filter(({ place }) => place === xname).map(({ request }) => request.id);
  }

  async function lookAtAll(): Promise<void> {
    for (const { xname } of await records.nodes.list()) {
      look(xname);
    }
  }

  return {
    look,
    start() {
      const round = () =>
        void lookAtAll().catch((error: unknown) => log.error({ err: error }, 'build nodes cannot be listed'));
      round();
      timer = setInterval(round, deps.intervalMs);
      timer.unref();
    },
    async stop() {
      stopped = true;
      clearInterval(timer);
      await Promise.all(visiting.values());
    },
  };
}
