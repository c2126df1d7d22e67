/** What was deleted and can be had back, or deleted for good. */
import { type Static, Type } from 'typebox';
import { named, Timestamp } from './common.ts';
import { Image } from './images.ts';
import { PublicKey } from './public-keys.ts';
import { Recipe } from './recipes.ts';

const deleted = Timestamp('When it was deleted');

export const DeletedImage = named(
  'DeletedImage',
  Type.Object(
    { ...Image.properties, deleted },
    {
      additionalProperties: false,
      description: 'A deleted image; its link is the list of its moved artifacts',
    },
  ),
);
export type DeletedImage = Static<typeof DeletedImage>;

export const DeletedRecipe = named(
  'DeletedRecipe',
  Type.Object(
    { ...Recipe.properties, deleted },
    {
      additionalProperties: false,
      description: 'A deleted recipe; its link is where its archive was moved to',
    },
  ),
);
export type DeletedRecipe = Static<typeof DeletedRecipe>;

export const DeletedPublicKey = named(
  'DeletedPublicKey',
  Type.Object(
    { ...PublicKey.properties, deleted },
    { additionalProperties: false, description: 'A deleted public key' },
  ),
);
export type DeletedPublicKey = Static<typeof DeletedPublicKey>;
