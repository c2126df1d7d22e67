/** Everything that a service keeps, as one document: what an archive of `kiln export` begins with. */
import { type Static, Type } from 'typebox';
import { named, orNull } from './common.ts';
import { DeletedImage, DeletedPublicKey, DeletedRecipe } from './deleted.ts';
import { Image } from './images.ts';
import { Job } from './jobs.ts';
import { BuildNodeCreate } from './nodes.ts';
import { PublicKey } from './public-keys.ts';
import { Recipe } from './recipes.ts';

/** Nouns with an id; each can be active or deleted. */
export const EXCHANGED_NOUNS = ['public_keys', 'recipes', 'images'] as const;
export type ExchangedNoun = (typeof EXCHANGED_NOUNS)[number];

/** A job that is over, with the shell that was asked for. */
const { shell: _shell, checkpoint: _checkpoint, retry_of: _retryOf, ...exported } = Job.properties;

export const ExportedJob = Type.Object(
  {
    ...exported,
    // Archives from before there were customize jobs have none of these.
    changes: Type.Optional(Job.properties.changes),
    secret_names: Type.Optional(Job.properties.secret_names),
    place: Type.Optional(Job.properties.place),
    node: Type.Optional(Job.properties.node),
    node_labels: Type.Optional(Job.properties.node_labels),
    ssh_container: orNull(
      Type.Object({ name: Type.String(), jail: Type.Boolean() }, { additionalProperties: false }),
      'The shell that was asked for',
    ),
  },
  { additionalProperties: false },
);
export type ExportedJob = Static<typeof ExportedJob>;

export const ExportedObject = Type.Object(
  {
    bucket: Type.String({ description: 'Bucket' }),
    key: Type.String({ description: 'Key' }),
    size_bytes: Type.Integer({ minimum: 0, description: 'Size in bytes' }),
    md5: orNull(Type.String(), 'MD5 digest, hexadecimal'),
    sha256: orNull(Type.String(), 'SHA-256 digest, hexadecimal'),
    content_type: Type.String({ description: 'Media type' }),
    metadata: Type.Record(Type.String(), Type.String(), { description: 'User metadata' }),
  },
  { additionalProperties: false },
);
export type ExportedObject = Static<typeof ExportedObject>;

export const ExportDocument = named(
  'ExportDocument',
  Type.Object(
    {
      version: Type.Literal(1),
      created: Type.String(),
      images: Type.Array(Image),
      recipes: Type.Array(Recipe),
      public_keys: Type.Array(PublicKey),
      deleted: Type.Object({
        images: Type.Array(DeletedImage),
        recipes: Type.Array(DeletedRecipe),
        public_keys: Type.Array(DeletedPublicKey),
      }),
      nodes: Type.Array(BuildNodeCreate),
      jobs: Type.Array(ExportedJob),
      objects: Type.Array(ExportedObject),
    },
    { additionalProperties: false, description: 'All records of a service, and the objects in its archive' },
  ),
);
export type ExportDocument = Static<typeof ExportDocument>;

export const IMPORT_MODES = ['add', 'update', 'overwrite', 'soft_overwrite'] as const;
export type ImportMode = (typeof IMPORT_MODES)[number];

const count = (description: string) => Type.Integer({ minimum: 0, description });

export const ImportReport = named(
  'ImportReport',
  Type.Object(
    {
      dry_run: Type.Boolean({ description: 'Whether nothing was changed' }),
      mode: Type.Enum([...IMPORT_MODES], { description: 'How what is there already was treated' }),
      added: count('Records that were not there'),
      updated: count('Records that were there and are as in the archive now'),
      unchanged: count('Records that were there just like that'),
      kept: count('Records that were there and stayed as they were'),
      removed: count('Records that were not in the archive and are deleted now'),
      objects_written: count('Objects that were stored'),
      bytes_written: count('Their size in bytes'),
      objects_kept: count('Objects of the archive that were there already'),
      problems: Type.Array(Type.String(), {
        description: 'What was left out, or has to be looked at, and why',
      }),
    },
    { additionalProperties: false, description: 'What an import did' },
  ),
);
export type ImportReport = Static<typeof ImportReport>;
