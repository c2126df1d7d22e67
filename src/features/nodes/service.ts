/** The rules of remote build nodes. Whatever is said of one in an answer was found out before: see watch.ts. */
import { KilnError } from '../../contract/errors.ts';
import type { BuildNode, BuildNodeCreate, BuildNodeStatus, NodeKey } from '../../contract/nodes.ts';
import type { Records } from '../../ports/records.ts';
import { type Amount, NOTHING, reservedBy, roomOf } from './capacity.ts';
import { nodeOf } from './store.ts';

export type NodeService = ReturnType<typeof createNodeService>;

export interface NodeServiceDeps {
  readonly records: Records;
  /** The public half of the key with which nodes are logged in to. */
  readonly publicKey: () => Promise<string>;
  /** Has a node looked at soon. */
  readonly look: (xname: string) => void;
}

export function createNodeService({ records, publicKey, look }: NodeServiceDeps) {
  const get = async (xname: string): Promise<BuildNode> => {
    const node = await records.nodes.find(xname);
    if (node === undefined) {
      throw new KilnError('node-not-found', `there is no build node ${xname}`);
    }
    return node;
  };
  const status = async (xname: string): Promise<BuildNodeStatus> => {
    const node = await get(xname);
    const knowledge = await records.nodes.knowledge(xname);
    const reserved = await reservedOn(records, xname);
    const isReady = knowledge.state === 'ready' && !node.drained;
    return {
      xname,
      ...knowledge,
      state: knowledge.state === 'ready' && node.drained ? 'drained' : knowledge.state,
      arch: knowledge.facts?.machine ?? 'Unknown',
      jobs: knowledge.facts === null ? -1 : reserved.jobs,
      able: isReady,
      reserved,
      room: isReady ? roomOf(node, knowledge.facts, reserved) : NOTHING,
    };
  };
  return {
    list: () => records.nodes.list(),
    get,
    status,
    /** Registers a node; of one that is there already, changes what is said. */
    async add(said: BuildNodeCreate): Promise<BuildNode> {
      const node = await records.transaction(async (inside) => {
        const changed = nodeOf(said, await inside.nodes.find(said.xname));
        await inside.nodes.put(changed);
        return changed;
      });
      look(node.xname);
      return node;
    },
    /** Throws `node-in-use` as long as jobs run on it. */
    async remove(xname: string): Promise<void> {
      await get(xname);
      await records.transaction(async (inside) => {
        const jobs = (await inside.jobs.inStates(['starting', 'running', 'cancelling'])).filter(
          ({ place }) => place === xname,
        );
        if (jobs.length > 0) {
          const ids = jobs.map(({ request }) => request.id).join(', ');
          throw new KilnError('node-in-use', `${xname} runs ${ids}`);
        }
        await inside.nodes.delete(xname);
      });
    },
    /** Has a node looked at; gives what was known of it before. */
    async check(xname: string): Promise<BuildNodeStatus> {
      const before = await status(xname);
      look(xname);
      return before;
    },
    async key(): Promise<NodeKey> {
      return { public_key: await publicKey() };
    },
  };
}

async function reservedOn(records: Pick<Records, 'jobs'>, xname: string): Promise<Amount> {
  const active = await records.jobs.inStates(['starting', 'running', 'cancelling']);
  return reservedBy(
    active
      .filter(({ place }) => place === xname)
      .map(({ request }) => ({ memory_gib: request.job_mem_size, disk_gib: request.build_env_size })),
  );
}
