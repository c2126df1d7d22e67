/**
 * The manifest of the reference's bulk loader, versions 1.0.0 and 1.1.0: images and recipes by name, with where
 * their parts are.
 */
import { type Static, Type } from 'typebox';
import { ArchitectureSchema } from './common.ts';

const LoadLink = Type.Object({
  type: Type.Enum(['http', 'file'], { description: 'Where the path leads' }),
  path: Type.String({ minLength: 1, description: 'Address, or path of a file' }),
});
const md5 = Type.Optional(Type.String({ pattern: '^[0-9a-fA-F]{32}$', description: 'MD5 of the data' }));

export const LoadArtifact = Type.Object({
  link: LoadLink,
  md5,
  type: Type.String({ description: 'Media type' }),
});
export type LoadArtifact = Static<typeof LoadArtifact>;

export const LoadRecipe = Type.Object({
  link: LoadLink,
  md5,
  linux_distribution: Type.String(),
  recipe_type: Type.Optional(Type.Literal('kiwi-ng')),
  template_dictionary: Type.Optional(
    Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
  ),
  arch: Type.Optional(ArchitectureSchema),
  require_dkms: Type.Optional(Type.Boolean()),
});
export type LoadRecipe = Static<typeof LoadRecipe>;

export const LoadManifest = Type.Object({
  version: Type.Enum(['1.0.0', '1.1.0'], { description: 'Version of the manifest' }),
  images: Type.Optional(
    Type.Union([
      Type.Record(
        Type.String(),
        Type.Object({ arch: Type.Optional(ArchitectureSchema), artifacts: Type.Array(LoadArtifact) }),
      ),
      Type.Null(),
    ]),
  ),
  recipes: Type.Optional(Type.Union([Type.Record(Type.String(), LoadRecipe), Type.Null()])),
});
export type LoadManifest = Static<typeof LoadManifest>;
