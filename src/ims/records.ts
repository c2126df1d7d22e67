/** Records as this wire shows them: exactly the reference's keys, whatever else Kiln knows about them. */
import type { Link } from '../contract/common.ts';
import type { Image } from '../contract/images.ts';
import type { PublicKey } from '../contract/public-keys.ts';
import type { Recipe } from '../contract/recipes.ts';
import { wireDate } from './dates.ts';

/** A record of one of the deleted collections. */
type Deleted<T> = T & { readonly deleted: string };

function linkOf(link: Link | null) {
  return link === null ? null : { path: link.path, type: link.type, etag: link.etag ?? '' };
}

export function wireImage(image: Image) {
  return {
    id: image.id,
    created: wireDate(image.created),
    name: image.name,
    link: linkOf(image.link),
    arch: image.arch,
    metadata: image.metadata,
  };
}

export function wireRecipe(recipe: Recipe) {
  return {
    id: recipe.id,
    created: wireDate(recipe.created),
    recipe_type: recipe.recipe_type,
    linux_distribution: recipe.linux_distribution,
    name: recipe.name,
    link: linkOf(recipe.link),
    template_dictionary: recipe.template_dictionary,
    arch: recipe.arch,
    require_dkms: recipe.require_dkms,
  };
}

export function wirePublicKey(key: PublicKey) {
  return { id: key.id, created: wireDate(key.created), name: key.name, public_key: key.public_key };
}

/** The same with the time of deletion. */
export function deletedForm<T, W extends object>(present: (record: T) => W) {
  return (record: Deleted<T>) => ({ ...present(record), deleted: wireDate(record.deleted) });
}
