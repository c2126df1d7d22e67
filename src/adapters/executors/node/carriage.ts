/** What a carrier is told: the job, the node, and how the two reach each other. */
import { type Static, Type } from 'typebox';
import { BuildNode } from '../../../contract/nodes.ts';
import { JobDocument } from '../../../contract/runner.ts';
import { DOOR_URL } from '../../../contract/runner-door.ts';

export const Carriage = Type.Object({
  document: JobDocument,
  node: BuildNode,
  identity: Type.Object({ key: Type.String(), knownHosts: Type.String() }),
  equipment: Type.Object({ builderRoot: Type.String(), runner: Type.String() }),
  /** Unix socket of the service for runners. */
  door: Type.String(),
  checkpointHours: Type.Number(),
});
export type Carriage = Static<typeof Carriage>;

/** Paths on the node. */
export interface NodePaths {
  /** Of the sockets that are forwarded; apart from the folder of the job, which its runner owns. */
  readonly links: string;
  readonly api: string;
  readonly shell: string;
}

export function pathsOn({ node, document }: Pick<Carriage, 'node' | 'document'>): NodePaths {
  const links = `${node.folder}/links/${document.job_id}`;
  return { links, api: `${links}/api.sock`, shell: `${links}/shell.sock` };
}

/** The document as the runner on the node gets it; `shellPort`: where clients come to its shell. */
export function remoteDocument(carriage: Carriage, shellPort: number | undefined): JobDocument {
  const { document, node, equipment } = carriage;
  const { api, shell } = pathsOn(carriage);
  return {
    ...document,
    api: { ...document.api, url: DOOR_URL, socket: api },
    workspace: `${node.folder}/workspaces/${document.job_id}`,
    cache: `${node.folder}/cache`,
    builder_root: {
      digest: document.builder_root.digest,
      path: `${node.folder}/files/${equipment.builderRoot}`,
    },
    shell:
      document.shell === null || shellPort === undefined
        ? null
        : { ...document.shell, door: { socket: shell, port: shellPort } },
  };
}
