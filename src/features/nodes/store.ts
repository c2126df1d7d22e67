import type { BuildNode, BuildNodeCreate, NodeKnowledge } from '../../contract/nodes.ts';

/** The port to the records of build nodes. Lists are in the order of registration. */
export interface NodeStore {
  list(): Promise<BuildNode[]>;
  find(xname: string): Promise<BuildNode | undefined>;
  /** Registers the node, or replaces the one with its name. */
  put(node: BuildNode): Promise<void>;
  delete(xname: string): Promise<boolean>;
  /** What was found out about a node last; `NOTHING_KNOWN` unless somebody looked. */
  knowledge(xname: string): Promise<NodeKnowledge>;
  /** Nothing happens for a node that is not registered any more. */
  setKnowledge(xname: string, knowledge: NodeKnowledge): Promise<void>;
}

export const NOTHING_KNOWN: NodeKnowledge = {
  state: 'unknown',
  checked: null,
  ssh_status: 'Unknown',
  runtime_status: 'Unknown',
  facts: null,
  problems: [],
  seen_fingerprints: [],
  preparing: null,
};

const HOST = /^[A-Za-z0-9][A-Za-z0-9.-]*$/;

/** The node as it is then: what is not said is as it was, or as it usually is. */
export function nodeOf({ xname, ...said }: BuildNodeCreate, before?: BuildNode): BuildNode {
  return {
    xname,
    address: HOST.test(xname) ? xname : null,
    port: 22,
    user: 'root',
    fingerprint: null,
    labels: {},
    capacity: { jobs: null, memory_gib: null, disk_gib: null },
    folder: '/var/lib/kiln-node',
    drained: false,
    ...before,
    ...said,
  };
}
