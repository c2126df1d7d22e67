/** What list_changes.py has found, parsed into a type. */
import { type Static, Type } from 'typebox';
import { PackageChanges, PathChange } from '../../contract/history.ts';

const count = Type.Integer({ minimum: 0 });
const text = Type.String();

export const ListedChanges = Type.Object({
  added: count,
  changed: count,
  removed: count,
  paths: Type.Array(PathChange),
  left_out: count,
  /** Folders that are deeper than a path can be long. */
  unreadable: count,
  packages: PackageChanges,
  /** Name of the program, null when the image has none. */
  package_manager: Type.Union([text, Type.Null()]),
  /** Contents of files, by path. */
  texts: Type.Record(text, text),
  /** The same in base64. */
  binaries: Type.Record(text, text),
  accounts: Type.Object({
    users: Type.Array(
      Type.Object({ name: text, uid: text, gid: text, comment: text, home: text, shell: text }),
    ),
    groups: Type.Array(Type.Object({ name: text, gid: text })),
    members: Type.Array(Type.Object({ group: text, user: text })),
    /** Those that were there before and are otherwise now, for people. */
    others: Type.Array(text),
  }),
});
export type ListedChanges = Static<typeof ListedChanges>;
