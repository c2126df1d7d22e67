/** Remote build nodes: machines that jobs can run on. */
import { type Static, Type } from 'typebox';
import { named } from './common.ts';

export const BuildNode = named(
  'BuildNode',
  Type.Object(
    { xname: Type.String({ minLength: 1, description: 'Name of the node, for example x3000c0s17b1n0' }) },
    { additionalProperties: false, description: 'A remote build node' },
  ),
);
export type BuildNode = Static<typeof BuildNode>;

export const BuildNodeStatus = named(
  'BuildNodeStatus',
  Type.Object(
    {
      xname: BuildNode.properties.xname,
      ssh_status: Type.String({ description: 'Whether it is reached over SSH; Unknown until it was tried' }),
      runtime_status: Type.String({
        description: 'Whether it can run sandboxes; Unknown until it was tried',
      }),
      arch: Type.String({ description: 'Its architecture; Unknown until it was asked' }),
      jobs: Type.Integer({ minimum: -1, description: 'Jobs that run on it; -1 when nobody knows' }),
      able: Type.Boolean({ description: 'Whether jobs can run on it now' }),
    },
    { additionalProperties: false, description: 'What is known about a remote build node' },
  ),
);
export type BuildNodeStatus = Static<typeof BuildNodeStatus>;
