/** How lists are asked for a part of them: filters, order and pages. */
import { type Static, Type } from 'typebox';

export const PAGE_LIMIT = 1000;

/** Query of every list. Without `limit` it is the whole list, as the reference service gives it. */
export const listQuery = {
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: PAGE_LIMIT,
      description: 'At most this many records; all unless given',
    }),
  ),
  cursor: Type.Optional(
    Type.String({
      description: 'Where the page begins: what the header x-next-cursor of the page before said',
    }),
  ),
  name: Type.Optional(
    Type.String({
      description: 'Glob that the name has to match: * any text, ? one character, [a-c] one of these',
    }),
  ),
  sort: Type.Optional(
    Type.Enum(['created', '-created', 'name', '-name'], {
      description: 'Order; with a minus the other way around. That of registration unless given',
    }),
  ),
};

export const ListQuery = Type.Object(listQuery);
export type ListQuery = Static<typeof ListQuery>;

/** Header that names the cursor of the next page; it is not there on the last one. */
export const NEXT_CURSOR = 'x-next-cursor';
