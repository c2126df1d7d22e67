/** Remote build nodes: machines that jobs run on, reached over SSH. */
import { type Static, Type } from 'typebox';
import { ArchitectureSchema, named, orNull, Timestamp } from './common.ts';

/** Not one that ssh could take for an option. */
const HOST = '^[A-Za-z0-9\\[][A-Za-z0-9.:_\\]-]*$';

const Capacity = Type.Object(
  {
    jobs: orNull(
      Type.Integer({ minimum: 1, maximum: 1_000 }),
      'Jobs that run at the same time; null: one for 4 processors',
    ),
    memory_gib: orNull(
      Type.Integer({ minimum: 1 }),
      'Memory for all of them, in GiB; null: what the node has, less a tenth',
    ),
    disk_gib: orNull(Type.Integer({ minimum: 1 }), 'Disk space for all of them, in GiB; null: what is free'),
  },
  { additionalProperties: false, description: 'What jobs may use of a node' },
);

export const Labels = Type.Record(
  Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$' }),
  Type.String({ maxLength: 200 }),
  { description: 'Labels; jobs may ask for nodes that have them' },
);
export type Labels = Static<typeof Labels>;

/** What somebody says of a node. */
const fields = {
  address: orNull(
    Type.String({ pattern: HOST, maxLength: 255 }),
    'Host name or IP address; null when the name of the node is none and nobody has said it',
  ),
  port: Type.Integer({ minimum: 1, maximum: 65_535, description: 'TCP port of its sshd' }),
  user: Type.String({
    pattern: '^[a-z_][a-z0-9_-]{0,31}$',
    description: 'User to log in as: root, or one who may use sudo without a password',
  }),
  fingerprint: orNull(
    Type.String({ pattern: '^SHA256:[A-Za-z0-9+/]{43}$' }),
    'SHA-256 fingerprint of its host key, as ssh-keygen -l shows it; null as long as nobody has confirmed one',
  ),
  labels: Labels,
  capacity: Capacity,
  folder: Type.String({
    pattern: '^/[A-Za-z0-9._/-]+$',
    maxLength: 40,
    description: 'Folder on the node for all that Kiln keeps there',
  }),
  drained: Type.Boolean({ description: 'Whether it takes no more jobs' }),
};

const xname = Type.String({ minLength: 1, description: 'Name of the node, for example x3000c0s17b1n0' });

export const BuildNode = named(
  'BuildNode',
  Type.Object({ xname, ...fields }, { additionalProperties: false, description: 'A remote build node' }),
);
export type BuildNode = Static<typeof BuildNode>;

export const BuildNodeCreate = named(
  'BuildNodeCreate',
  Type.Object(
    { xname, ...Type.Partial(Type.Object(fields)).properties },
    {
      additionalProperties: false,
      description: 'A node to register, or to register again: what is not said stays as it was',
    },
  ),
);
export type BuildNodeCreate = Static<typeof BuildNodeCreate>;

/** One thing that keeps jobs from a node. */
export const NodeProblem = Type.Object(
  {
    what: Type.String({ description: 'What is wrong' }),
    hint: Type.String({ description: 'What to do about it' }),
  },
  { additionalProperties: false, description: 'What keeps jobs from a node' },
);
export type NodeProblem = Static<typeof NodeProblem>;

/** What a node said of itself when it was asked last. */
export const NodeFacts = Type.Object(
  {
    arch: orNull(ArchitectureSchema, 'Its architecture; null for one that Kiln does not know'),
    machine: Type.String({ description: 'The same in its own words' }),
    system: Type.String({ description: 'Its distribution' }),
    kernel: Type.String({ description: 'Release of its kernel' }),
    cpus: Type.Integer({ description: 'Processors' }),
    memory_bytes: Type.Integer({ description: 'Memory' }),
    disk_free_bytes: Type.Integer({ description: 'What is free where Kiln keeps its files' }),
  },
  { additionalProperties: false, description: 'What a node is and has' },
);
export type NodeFacts = Static<typeof NodeFacts>;

/** In the order in which a node gets ready. */
const NODE_STATES = ['unknown', 'unable', 'preparing', 'ready', 'drained'] as const;

export const BuildNodeStatus = named(
  'BuildNodeStatus',
  Type.Object(
    {
      xname,
      state: Type.Enum([...NODE_STATES], {
        description:
          'unknown: nobody has asked it yet; unable: see problems; preparing: it is being sent what it needs; ready: it takes jobs',
      }),
      checked: orNull(Timestamp('When it was asked'), 'When it was asked last; null when never'),
      ssh_status: Type.String({ description: 'Whether it is reached over SSH; Unknown until it was tried' }),
      runtime_status: Type.String({
        description: 'Whether it can run sandboxes; Unknown until it was tried',
      }),
      arch: Type.String({ description: 'Its architecture; Unknown until it was asked' }),
      jobs: Type.Integer({ minimum: -1, description: 'Jobs that run on it; -1 when nobody knows' }),
      able: Type.Boolean({ description: 'Whether jobs can run on it now' }),
      facts: orNull(NodeFacts, 'What it said of itself; null until it did'),
      problems: Type.Array(NodeProblem, { description: 'What keeps jobs from it' }),
      seen_fingerprints: Type.Array(Type.String(), {
        description: 'Fingerprints of the host keys that it showed, while none of them is confirmed',
      }),
      preparing: orNull(
        Type.Object({
          what: Type.String({ description: 'What is being sent' }),
          done_bytes: Type.Integer({ description: 'How much of it is there' }),
          total_bytes: Type.Integer({ description: 'How much it is' }),
        }),
        'How far it is with being sent what it needs; null when nothing is',
      ),
      reserved: Type.Object(
        {
          jobs: Type.Integer({ description: 'Jobs' }),
          memory_gib: Type.Integer({ description: 'Memory, in GiB' }),
          disk_gib: Type.Integer({ description: 'Disk space, in GiB' }),
        },
        { description: 'What the jobs that run on it may use' },
      ),
      room: Type.Object(
        {
          jobs: Type.Integer({ description: 'Jobs' }),
          memory_gib: Type.Integer({ description: 'Memory, in GiB' }),
          disk_gib: Type.Integer({ description: 'Disk space, in GiB' }),
        },
        { description: 'What more jobs may use of it' },
      ),
    },
    { additionalProperties: false, description: 'What is known about a remote build node' },
  ),
);
export type BuildNodeStatus = Static<typeof BuildNodeStatus>;

/** What is kept of the last look at a node. */
export type NodeKnowledge = Pick<
  BuildNodeStatus,
  | 'state'
  | 'checked'
  | 'ssh_status'
  | 'runtime_status'
  | 'facts'
  | 'problems'
  | 'seen_fingerprints'
  | 'preparing'
>;

export const NodeKey = named(
  'NodeKey',
  Type.Object(
    { public_key: Type.String({ description: 'Line for authorized_keys of the nodes' }) },
    { additionalProperties: false, description: 'The key with which Kiln logs in to build nodes' },
  ),
);
export type NodeKey = Static<typeof NodeKey>;
