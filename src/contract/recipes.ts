/** Recipes: compressed Kiwi-NG image descriptions. */
import { type Static, Type } from 'typebox';
import { ArchitectureSchema, Id, KeyValue, Link, named, orNull, Timestamp } from './common.ts';

export const RECIPE_TYPES = ['kiwi-ng', 'packer'] as const;

const fields = {
  name: Type.String({ minLength: 1, description: 'Name for people; need not be unique' }),
  recipe_type: Type.Enum([...RECIPE_TYPES], { description: 'Kind of description' }),
  linux_distribution: Type.String({
    minLength: 1,
    pattern: '^[a-z0-9._-]+$',
    description:
      'ID of os-release and version, for example sles15, debian12, rocky9; another one is a warning',
  }),
  template_dictionary: Type.Array(KeyValue, {
    description: 'Values for the templates of the recipe; of two with the same key the last one wins',
  }),
  arch: ArchitectureSchema,
  require_dkms: Type.Boolean({ description: 'Whether kernel modules are compiled while the image is built' }),
};

export const Recipe = named(
  'Recipe',
  Type.Object(
    {
      id: Id('Identifier of the recipe'),
      created: Timestamp('When the recipe was registered'),
      ...fields,
      link: orNull(Link, 'Its archive; null until one is uploaded or linked'),
    },
    { additionalProperties: false, description: 'A registered recipe' },
  ),
);
export type Recipe = Static<typeof Recipe>;

export const RecipeCreate = named(
  'RecipeCreate',
  Type.Object(
    {
      name: fields.name,
      linux_distribution: fields.linux_distribution,
      recipe_type: Type.Optional(fields.recipe_type),
      link: Type.Optional(orNull(Link, 'An archive that is in the store already')),
      template_dictionary: Type.Optional(fields.template_dictionary),
      arch: Type.Optional(fields.arch),
      require_dkms: Type.Optional(fields.require_dkms),
    },
    { additionalProperties: false, description: 'A recipe to register' },
  ),
);
export type RecipeCreate = Static<typeof RecipeCreate>;

export const RecipeUpdate = named(
  'RecipeUpdate',
  Type.Partial(
    Type.Object({
      name: fields.name,
      linux_distribution: fields.linux_distribution,
      link: Link,
      template_dictionary: fields.template_dictionary,
      arch: fields.arch,
      require_dkms: fields.require_dkms,
    }),
    { additionalProperties: false, minProperties: 1, description: 'What to change; the rest stays' },
  ),
);
export type RecipeUpdate = Static<typeof RecipeUpdate>;
