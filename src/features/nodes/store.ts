import type { BuildNode } from '../../contract/nodes.ts';

/** The port to the records of build nodes. Lists are in the order of registration. */
export interface NodeStore {
  list(): Promise<BuildNode[]>;
  find(xname: string): Promise<BuildNode | undefined>;
  /** Registers the node, or replaces the one with its name. */
  put(node: BuildNode): Promise<void>;
  delete(xname: string): Promise<boolean>;
}
