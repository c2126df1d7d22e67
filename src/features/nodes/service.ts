/** The rules of remote build nodes: for now they are known by name, and nothing is asked of them. */
import { KilnError } from '../../contract/errors.ts';
import type { BuildNode, BuildNodeStatus } from '../../contract/nodes.ts';
import type { Records } from '../../ports/records.ts';

export type NodeService = ReturnType<typeof createNodeService>;

export function createNodeService({ records }: { records: Records }) {
  const get = async (xname: string): Promise<BuildNode> => {
    const node = await records.nodes.find(xname);
    if (node === undefined) {
      throw new KilnError('node-not-found', `there is no build node ${xname}`);
    }
    return node;
  };
  return {
    list: () => records.nodes.list(),
    get,
    /** Registers a node; one that is there already stays as it is. */
    async add(node: BuildNode): Promise<BuildNode> {
      await records.transaction((inside) => inside.nodes.put(node));
      return node;
    },
    async remove(xname: string): Promise<void> {
      await get(xname);
      await records.transaction((inside) => inside.nodes.delete(xname));
    },
    /** What is known about it. Nothing is asked of the node within a request. */
    async status(xname: string): Promise<BuildNodeStatus> {
      await get(xname);
      return {
        xname,
        ssh_status: 'Unknown',
        runtime_status: 'Unknown',
        arch: 'Unknown',
        jobs: -1,
        able: false,
      };
    },
  };
}
