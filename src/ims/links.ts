/** Links are written once. */
import type { Link } from '../contract/common.ts';
import { KilnError } from '../contract/errors.ts';
import { sameLink } from './fields.ts';

/**
 * The link that a change sets: none when the record has the very same one already. Throws `link-is-set` when it
 * has another one, where a link with an empty etag is another one than a link without.
 */
export function linkToSet(
  record: { readonly id: string; readonly link: Link | null },
  given: Link | undefined,
): { link?: Link } {
  if (given === undefined) {
    return {};
  }
  if (record.link === null) {
    return { link: given };
  }
  if (!sameLink(record.link, given)) {
    throw new KilnError('link-is-set', `${record.id} has its object at ${record.link.path}`);
  }
  return {};
}
