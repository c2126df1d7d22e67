/** What was done to an image on the way from the one that it was made from, and who was in the shells of jobs. */
import { type Static, Type } from 'typebox';
import { Id, named, orNull, Timestamp } from './common.ts';

/** Recordings of terminals that one job keeps at most; those that come first. */
export const RECORDINGS = 16;
/** What one recording may have. */
export const RECORDING_BYTES = 8 * 1024 * 1024;
/** Sessions that one job notes at most. */
export const SESSIONS = 1_000;
/** Paths that the history of one image lists at most. */
export const LISTED_PATHS = 5_000;
/** Media type of recordings: asciicast, version 2. */
export const ASCIICAST = 'application/x-asciicast';

/** In an address, where numbers are text. */
export const RecordingNumber = Type.String({
  pattern: '^(?:[1-9]|1[0-6])$',
  description: 'Number of the recording',
});

export const Session = Type.Object(
  {
    from: Type.String({ description: 'Address and port of the client' }),
    key: orNull(Type.String(), 'Fingerprint of the key that opened it, and the comment of the key'),
    started: Timestamp('When it began'),
    ended: orNull(
      Timestamp('When it ended'),
      'When it ended; of one without a terminal, when its connection did; null when that was not seen',
    ),
    command: orNull(
      Type.String(),
      'The command that the client gave, cut when it is long; null for a login shell',
    ),
    terminal: Type.Boolean({ description: 'Whether it had a terminal' }),
    recording: orNull(
      Type.Integer({ minimum: 1, maximum: RECORDINGS }),
      'Number of its recording; null when it has none',
    ),
  },
  { additionalProperties: false, description: 'What one client did over SSH' },
);
export type Session = Static<typeof Session>;

const sessions = {
  sessions: Type.Array(Session, { description: 'Who was in the shell, in the order in which they came' }),
  sessions_left_out: Type.Integer({ minimum: 0, description: 'How many more there were' }),
};

export const JobSessions = named(
  'JobSessions',
  Type.Object(sessions, { additionalProperties: false, description: 'Who was in the shell of a job' }),
);
export type JobSessions = Static<typeof JobSessions>;

export const PATH_PARTS = ['type', 'content', 'mode', 'owner', 'attributes'] as const;

export const PathChange = Type.Object(
  {
    change: Type.Enum(['added', 'changed', 'removed'], { description: 'What became of it' }),
    path: Type.String({ description: 'Path in the image; bytes that are no UTF-8 are replaced' }),
    type: Type.Enum(['file', 'folder', 'link', 'device', 'fifo', 'socket'], {
      description: 'What it is, or was',
    }),
    mode: Type.String({ description: 'Permissions, octal' }),
    uid: Type.Integer({ description: 'User that owns it' }),
    gid: Type.Integer({ description: 'Group that owns it' }),
    size_bytes: Type.Optional(Type.Integer({ description: 'Size of a file' })),
    sha256: Type.Optional(
      Type.String({ description: 'SHA-256 of the content of a file that came of no package' }),
    ),
    target: Type.Optional(Type.String({ description: 'Where a link leads to' })),
    hard_link: Type.Optional(Type.String({ description: 'Another path of the same file' })),
    parts: Type.Optional(Type.Array(Type.Enum([...PATH_PARTS]), { description: 'What of it was changed' })),
    attributes: Type.Optional(
      Type.Array(Type.String(), { description: 'Names of its extended attributes that differ' }),
    ),
    package: Type.Optional(
      Type.String({ description: 'The package that it came, went or was updated with' }),
    ),
    state: Type.Optional(
      Type.Boolean({ description: 'Whether programs make it for themselves, as caches are' }),
    ),
    secret: Type.Optional(Type.Boolean({ description: 'Whether nothing of its content is kept' })),
  },
  { additionalProperties: false, description: 'A path that differs' },
);
export type PathChange = Static<typeof PathChange>;

const PackageAt = {
  name: Type.String({ description: 'Name of the package' }),
  arch: Type.String({ description: 'Its architecture' }),
  version: Type.String({ description: 'Its version' }),
};

export const PackageChanges = Type.Object(
  {
    installed: Type.Array(
      Type.Object(
        {
          ...PackageAt,
          automatic: Type.Optional(
            Type.Boolean({ description: 'Whether it came because another one needs it' }),
          ),
        },
        { additionalProperties: false, description: 'A package that came' },
      ),
      { description: 'Packages that came' },
    ),
    removed: Type.Array(
      Type.Object(
        {
          ...PackageAt,
          kept_configuration: Type.Optional(
            Type.Boolean({ description: 'Whether its configuration stayed' }),
          ),
        },
        { additionalProperties: false, description: 'A package that went' },
      ),
      { description: 'Packages that went' },
    ),
    updated: Type.Array(
      Type.Object(
        { ...PackageAt, from: Type.String({ description: 'Its version before' }) },
        { additionalProperties: false, description: 'A package with another version than before' },
      ),
      { description: 'Packages with another version' },
    ),
  },
  { additionalProperties: false, description: 'What became of packages' },
);
export type PackageChanges = Static<typeof PackageChanges>;

const count = (what: string) => Type.Integer({ minimum: 0, description: `How many paths ${what}` });

export const HistoryEntry = named(
  'HistoryEntry',
  Type.Object(
    {
      image_id: Id('The image'),
      image_name: Type.String({ description: 'Its name when it was made' }),
      parent_id: Id('The image that it was made from'),
      parent_name: Type.String({ description: 'Its name at that time' }),
      job_id: Id('The job that made it'),
      created: Timestamp('When this was written'),
      ran: Type.Array(
        Type.Object(
          {
            kind: Type.Enum(['command', 'playbook'], { description: 'What it was' }),
            name: Type.String({ description: 'Its name for people' }),
          },
          { additionalProperties: false, description: 'A command or playbook of the job' },
        ),
        { description: 'Commands and playbooks of the job, in order' },
      ),
      ...sessions,
      packages: PackageChanges,
      added: count('were added'),
      changed: count('were changed'),
      removed: count('were removed'),
      paths: Type.Array(PathChange, {
        description: 'The paths; of very many those first that came of no package',
      }),
      script: Type.String({ description: 'A proposed shell script that makes the same changes again' }),
      incomplete: orNull(Type.String(), 'What is missing in this entry, and why; null when nothing is'),
    },
    { additionalProperties: false, description: 'What was done to make one image of another' },
  ),
);
export type HistoryEntry = Static<typeof HistoryEntry>;

export const ImageHistory = named(
  'ImageHistory',
  Type.Object(
    {
      entries: Type.Array(HistoryEntry, {
        minItems: 1,
        description:
          'The image itself first, then those that it was made from, as their histories were at that time',
      }),
    },
    { additionalProperties: false, description: 'How an image came to be by customizing others' },
  ),
);
export type ImageHistory = Static<typeof ImageHistory>;
