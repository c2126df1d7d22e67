/** Images: what a compute node boots, and the manifest that lists its parts. */
import { type Static, Type } from 'typebox';
import { ArchitectureSchema, Id, Link, named, orNull, Timestamp } from './common.ts';

/** Media types of the artifacts of an image; the reference's boot services look for exactly these. */
export const ARTIFACT_MEDIA_TYPES = {
  rootfs: 'application/vnd.cray.image.rootfs.squashfs',
  kernel: 'application/vnd.cray.image.kernel',
  initrd: 'application/vnd.cray.image.initrd',
  boot_parameters: 'application/vnd.cray.image.parameters.boot',
} as const;
/** Name of an artifact, which is also the last part of its key in the bucket `boot-images`. */
export type ArtifactName = keyof typeof ARTIFACT_MEDIA_TYPES;
export const ARTIFACT_NAMES = [
  'rootfs',
  'kernel',
  'initrd',
  'boot_parameters',
] as const satisfies ArtifactName[];

/** Artifacts that images from elsewhere may have besides. */
export const MEDIA_TYPES = {
  ...ARTIFACT_MEDIA_TYPES,
  debug_kernel: 'application/vnd.cray.image.debug.kernel',
} as const;

/** What can be uploaded for an image; `import` is a whole root file system that a job makes an image of. */
export const UPLOADABLE = [...ARTIFACT_NAMES, 'debug_kernel', 'import'] as const;
export type UploadName = (typeof UPLOADABLE)[number];

const fields = {
  name: Type.String({ minLength: 1, description: 'Name for people; need not be unique' }),
  arch: ArchitectureSchema,
  metadata: Type.Record(Type.String(), Type.String(), {
    description: 'Free notes for people and boot services',
  }),
};

export const Image = named(
  'Image',
  Type.Object(
    {
      id: Id('Identifier of the image'),
      created: Timestamp('When the image was registered'),
      ...fields,
      link: orNull(Link, 'Its manifest; null until one is linked'),
      job_id: orNull(Id('A job'), 'The job that made the image, when one did'),
      parent: Type.Optional(Id('The image that this one was made of, when it was customized')),
    },
    { additionalProperties: false, description: 'A registered image' },
  ),
);
export type Image = Static<typeof Image>;

export const ImageCreate = named(
  'ImageCreate',
  Type.Object(
    {
      name: fields.name,
      arch: Type.Optional(fields.arch),
      link: Type.Optional(orNull(Link, 'A manifest that is in the store already')),
      metadata: Type.Optional(fields.metadata),
    },
    { additionalProperties: false, description: 'An image to register' },
  ),
);
export type ImageCreate = Static<typeof ImageCreate>;

export const ImageUpdate = named(
  'ImageUpdate',
  Type.Partial(Type.Object({ name: fields.name, arch: fields.arch, link: Link, metadata: fields.metadata }), {
    additionalProperties: false,
    minProperties: 1,
    description: 'What to change; the rest stays. Metadata is replaced as a whole',
  }),
);
export type ImageUpdate = Static<typeof ImageUpdate>;

export const ManifestArtifact = named(
  'ManifestArtifact',
  Type.Object(
    {
      type: Type.String({ minLength: 1, description: 'Media type of the artifact' }),
      md5: Type.Optional(Type.String({ description: 'MD5 digest, hexadecimal' })),
      sha256: Type.Optional(
        Type.String({ description: 'SHA-256 digest, hexadecimal; Kiln always writes it' }),
      ),
      size_bytes: Type.Optional(Type.Integer({ minimum: 0, description: 'Size; Kiln always writes it' })),
      link: Link,
    },
    { description: 'One artifact of an image' },
  ),
);
export type ManifestArtifact = Static<typeof ManifestArtifact>;

export const Manifest = named(
  'Manifest',
  Type.Object(
    {
      version: Type.Literal('1.0', { description: 'Version of the manifest; always 1.0' }),
      created: Type.String({ description: 'When it was written: YYYY-MM-DD HH:MM:SS.ffffff, UTC' }),
      artifacts: Type.Array(ManifestArtifact, {
        description: 'The artifacts; exactly one is a root file system',
      }),
    },
    { description: 'Manifest of an image, version 1.0' },
  ),
);
export type Manifest = Static<typeof Manifest>;

export const ImageArtifact = named(
  'ImageArtifact',
  Type.Object(
    {
      type: Type.String({ description: 'Media type' }),
      path: Type.String({ description: 'Address: s3://BUCKET/KEY' }),
      size_bytes: Type.Integer({ description: 'Size in bytes' }),
      md5: orNull(Type.String(), 'MD5 digest, hexadecimal; null when nobody said it'),
      sha256: orNull(Type.String(), 'SHA-256 digest, hexadecimal; null when nobody said it'),
      etag: Type.String({ description: 'Entity tag in the store' }),
      download_url: Type.String({ description: 'Where it can be fetched with a plain GET until expires' }),
      expires: Timestamp('When download_url stops working'),
    },
    { additionalProperties: false, description: 'An artifact as it is in the store now' },
  ),
);
export type ImageArtifact = Static<typeof ImageArtifact>;

export const ImageCopy = named(
  'ImageCopy',
  Type.Object(
    { name: fields.name, metadata: Type.Optional(fields.metadata) },
    {
      additionalProperties: false,
      description: 'Name of the copy; metadata is that of the original unless given',
    },
  ),
);
export type ImageCopy = Static<typeof ImageCopy>;

export const UploadedArtifact = named(
  'UploadedArtifact',
  Type.Object(
    {
      path: Type.String({ description: 'Address: s3://BUCKET/KEY' }),
      size_bytes: Type.Integer({ description: 'Size in bytes' }),
      md5: Type.String({ description: 'MD5 digest, hexadecimal' }),
      sha256: Type.String({ description: 'SHA-256 digest, hexadecimal' }),
      etag: Type.String({ description: 'Entity tag in the store' }),
    },
    { additionalProperties: false, description: 'An artifact that was stored' },
  ),
);
export type UploadedArtifact = Static<typeof UploadedArtifact>;
