/** How an image is to be changed, and the shell in which people change it. */
import { type Static, Type } from 'typebox';
import { named, orNull, Timestamp } from './common.ts';

/** How long a script of a job may be. */
export const COMMAND_CHARS = 262_144;

export const CommandChange = named(
  'CommandChange',
  Type.Object(
    {
      kind: Type.Literal('command', { description: 'What kind of change this is' }),
      name: Type.Optional(Type.String({ maxLength: 200, description: 'Name for people' })),
      command: Type.String({
        minLength: 1,
        maxLength: COMMAND_CHARS,
        description: 'Shell script that is run in the image, by its own sh -e',
      }),
    },
    { additionalProperties: false, description: 'A command or script to run in the image' },
  ),
);
export type CommandChange = Static<typeof CommandChange>;

/** Playbooks that come with Kiln, in the folder `playbooks`. */
export const SHIPPED_PLAYBOOKS = ['base'] as const;

export const PlaybookChange = named(
  'PlaybookChange',
  Type.Object(
    {
      kind: Type.Literal('playbook', { description: 'What kind of change this is' }),
      name: Type.Optional(Type.String({ maxLength: 200, description: 'Name for people' })),
      source: Type.Union(
        [
          Type.Object(
            { ships: Type.Enum([...SHIPPED_PLAYBOOKS], { description: 'One that comes with Kiln' }) },
            { additionalProperties: false },
          ),
          Type.Object(
            {
              archive: Type.String({
                pattern: '^s3://(ims|boot-images)/.+$',
                maxLength: 1_200,
                description: 'A tar in the object store, plain or compressed with gzip, bzip2, xz or zstd',
              }),
            },
            { additionalProperties: false },
          ),
          Type.Object(
            {
              git: Type.String({
                pattern: '^https?://[^\\s@]+$',
                maxLength: 2_000,
                description: 'Address of a repository, http or https, without credentials',
              }),
              ref: Type.Optional(
                Type.String({
                  pattern: '^[A-Za-z0-9_][A-Za-z0-9._/-]*$',
                  maxLength: 200,
                  description: 'Branch or tag; the default branch unless given',
                }),
              ),
            },
            { additionalProperties: false },
          ),
        ],
        { description: 'Where the playbook is' },
      ),
      playbook: Type.Optional(
        Type.String({
          pattern: '^[A-Za-z0-9_][A-Za-z0-9._/-]*$',
          maxLength: 500,
          description: 'File of the playbook in the source; site.yml unless given',
        }),
      ),
      limit: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 500,
          description:
            'Pattern of hosts or groups; the image is the host `image` in the groups cfs_image and kiln_image',
        }),
      ),
      extra_vars: Type.Optional(
        Type.Record(Type.String(), Type.Unknown(), {
          description: 'Extra variables; no secrets, they are shown with the job: those go with the job',
        }),
      ),
    },
    { additionalProperties: false, description: 'A playbook of Ansible to run against the image' },
  ),
);
export type PlaybookChange = Static<typeof PlaybookChange>;

export const Change = Type.Union([CommandChange, PlaybookChange], { description: 'A change of an image' });
export type Change = Static<typeof Change>;

/** Given once, and never shown. */
export const Secrets = named(
  'Secrets',
  Type.Record(
    Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,99}$' }),
    Type.String({ minLength: 4, maxLength: 65_536 }),
    {
      maxProperties: 50,
      description:
        'Values by name: variables of the playbooks, and of the environment of the commands. They are masked in logs and reasons, never shown again, and forgotten when the job is over. Shorter ones than 4 characters could not be masked',
    },
  ),
);
export type Secrets = Static<typeof Secrets>;

export const ShellRequest = named(
  'ShellRequest',
  Type.Object(
    {
      name: Type.Optional(
        Type.String({ maxLength: 200, description: 'Name for people; customize unless given' }),
      ),
      jail: Type.Optional(
        Type.Boolean({
          description:
            'Whether the shell sees the image as its root, instead of the tools of Kiln with the image at /mnt/image/image-root; false unless given',
        }),
      ),
    },
    { additionalProperties: false, description: 'A shell to open when all changes are made' },
  ),
);
export type ShellRequest = Static<typeof ShellRequest>;

export const ShellConnection = Type.Object(
  {
    from: Type.String({ description: 'Address and port of the client' }),
    connected: Timestamp('When it connected'),
    disconnected: orNull(Timestamp('When it went'), 'When the connection ended; null while it is open'),
  },
  { additionalProperties: false, description: 'One connection to a shell' },
);
export type ShellConnection = Static<typeof ShellConnection>;

/** What became of the last wish for a checkpoint. */
const ShellCheckpoint = orNull(
  Type.Object(
    {
      at: Timestamp('When it was tried'),
      problem: orNull(Type.String(), 'Why nothing was kept; null when what was done by then is'),
    },
    { additionalProperties: false },
  ),
  'The last checkpoint that somebody asked for in the shell; null for none',
);
export type ShellCheckpoint = Static<typeof ShellCheckpoint>;

/** What the runner tells of a shell that it has opened. */
export const OpenShell = Type.Object(
  {
    host: Type.String({ description: 'Host or address to connect to' }),
    port: Type.Integer({ minimum: 1, maximum: 65_535, description: 'TCP port' }),
    host_key: Type.String({ description: 'Public host key, as known_hosts has it: TYPE BASE64' }),
    fingerprint: Type.String({ description: 'SHA-256 fingerprint of the host key' }),
    open: Type.Boolean({ description: 'Whether it can be connected to' }),
    ends: Timestamp('When the shell is closed at the latest'),
    idle_ends: Timestamp('When it is closed if nothing goes on in it until then'),
    connections: Type.Array(ShellConnection, { description: 'Who connected, the last ones of many' }),
    last_checkpoint: ShellCheckpoint,
  },
  { additionalProperties: false, description: 'A shell as its runner knows it' },
);
export type OpenShell = Static<typeof OpenShell>;

export const JobShell = named(
  'JobShell',
  Type.Object(
    {
      name: Type.String({ description: 'Name for people' }),
      jail: Type.Boolean({ description: 'Whether it sees the image as its root' }),
      state: Type.Enum(['requested', 'open', 'closed'], { description: 'Where the shell stands' }),
      user: Type.Literal('root', { description: 'User to log in as, with the public key of the job' }),
      host: orNull(Type.String(), 'Host to connect to; null until the shell is open'),
      port: orNull(OpenShell.properties.port, 'TCP port; null until the shell is open'),
      host_key: orNull(OpenShell.properties.host_key, 'Public host key: TYPE BASE64'),
      fingerprint: orNull(OpenShell.properties.fingerprint, 'SHA-256 fingerprint of the host key'),
      ends: orNull(OpenShell.properties.ends, 'When the shell is closed at the latest'),
      idle_ends: orNull(
        OpenShell.properties.idle_ends,
        'When it is closed if nothing goes on in it until then',
      ),
      connections: OpenShell.properties.connections,
      last_checkpoint: ShellCheckpoint,
    },
    { additionalProperties: false, description: 'The shell of a job' },
  ),
);
export type JobShell = Static<typeof JobShell>;

/** How a shell ends, in the words of its marker files. */
export const VERDICTS = ['complete', 'failed'] as const;
export type Verdict = (typeof VERDICTS)[number];

export const ShellExtension = named(
  'ShellExtension',
  Type.Object(
    {
      minutes: Type.Integer({
        minimum: 1,
        maximum: 10_080,
        description: 'How much longer it may stay, in minutes',
      }),
    },
    { additionalProperties: false, description: 'More time for a shell' },
  ),
);
export type ShellExtension = Static<typeof ShellExtension>;
