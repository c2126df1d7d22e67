/**
 * What is wrong with records and their objects, given all that clients asked of them: used by the tests that crash a
 * service inside their own process, and by those that kill a real one.
 */
import { contradiction, type Operation } from './history.ts';

export interface RecordState {
  readonly where: 'active' | 'deleted' | 'gone';
  readonly name: string;
  /** An entry of the metadata; recipes have none. */
  readonly mark: string;
  readonly linked: boolean;
}

export const GONE: RecordState = { where: 'gone', name: '', mark: '', linked: false };

export interface KnownRecord {
  readonly noun: 'images' | 'recipes';
  readonly id: string;
  before: RecordState;
  operations: Operation<RecordState>[];
}

export const ARTIFACTS = ['initrd', 'kernel', 'rootfs'] as const;
/** What the tests store as an artifact or archive. */
export const contentOf = (id: string, artifact: string): string => `${artifact} of ${id}`;

/** A record as lists have it. */
export interface Listed {
  readonly id: string;
  readonly name: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly link: { readonly path: string } | null;
}

export interface Snapshot {
  readonly active: ReadonlyMap<string, Listed>;
  readonly deleted: ReadonlyMap<string, Listed>;
  /** Of all objects: bucket, a space, key. */
  readonly keys: readonly string[];
}

/**
 * Everything that is wrong, in words, of records that nobody works on. What clients saw of them is explained and
 * forgotten.
 */
export function judge(snapshot: Snapshot, records: readonly KnownRecord[]): string[] {
  const wrong = strangers(snapshot, records);
  for (const record of records) {
    const { id, noun, before, operations } = record;
    const after = stateOf(snapshot, id);
    const reason =
      operations.length === 0 && sameState(before, after)
        ? undefined
        : contradiction(before, operations, after);
    if (reason !== undefined) {
      wrong.push(`${noun} ${id}: this cannot have happened:\n${reason}`);
    }
    const story = operations.map(({ name }) => name).join('; ');
    wrong.push(...objectsOf(record, after, snapshot).map((what) => `${noun} ${id}: ${what}; ${story}`));
    record.before = after;
    record.operations = [];
  }
  return wrong;
}

function stateOf({ active, deleted }: Snapshot, id: string): RecordState {
  const found = active.get(id) ?? deleted.get(id);
  return found === undefined
    ? GONE
    : {
        where: active.has(id) ? 'active' : 'deleted',
        name: found.name,
        mark: found.metadata?.['mark'] ?? '',
        linked: found.link !== null,
      };
}

function sameState(a: RecordState, b: RecordState): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Records that are there twice or that nobody made, and objects that belong to no record. */
function strangers({ active, deleted, keys }: Snapshot, records: readonly KnownRecord[]): string[] {
  const known = new Set(records.map(({ id }) => id));
  return [
    ...[...active.keys()].filter((id) => deleted.has(id)).map((id) => `${id} is active and deleted`),
    ...[...active.keys(), ...deleted.keys()].filter((id) => !known.has(id)).map((id) => `nobody made ${id}`),
    ...keys
      .filter((key) => !known.has(/[0-9a-f-]{36}/.exec(key)?.[0] ?? ''))
      .map((key) => `${key} belongs to nobody`),
  ];
}

/** The objects of a record that are missing or too many. */
function objectsOf(
  { noun, id }: KnownRecord,
  state: RecordState,
  { active, deleted, keys }: Snapshot,
): string[] {
  const home = noun === 'images' ? `${id}/` : `recipes/${id}/`;
  const bucket = noun === 'images' ? 'boot-images' : 'ims';
  const names = noun === 'images' ? [...ARTIFACTS, 'manifest.json'] : ['recipe.tar.gz'];
  const list = noun === 'images' ? ['deleted_manifest.json'] : [];
  const here = names.map((name) => home + name);
  const lists = list.map((name) => `deleted/${home}${name}`);
  const moved = [...names.map((name) => `deleted/${home}${name}`), ...lists];
  const isMoved = state.where === 'deleted';
  const wanted = state.linked ? (isMoved ? moved : here) : [];
  // What was uploaded and not linked yet stays where it is. A list of what was moved may be left beside an image that
  // was taken back.
  const harmless = { active: state.linked ? lists : here, deleted: state.linked ? [] : here, gone: [] };
  const allowed: readonly string[] = harmless[state.where];
  const found = keys
    .filter((key) => key.startsWith(`${bucket} ${home}`) || key.startsWith(`${bucket} deleted/${home}`))
    .map((key) => key.slice(bucket.length + 1));
  const link = (active.get(id) ?? deleted.get(id))?.link?.path;
  return [
    ...wanted.filter((key) => !found.includes(key)).map((key) => `${state.where} without ${key}`),
    ...found
      .filter((key) => !wanted.includes(key) && !allowed.includes(key))
      .map((key) => `${state.where}, and yet there is ${key}`),
    ...(link === undefined || link === `s3://${bucket}/${wanted.at(-1)}`
      ? []
      : [`${state.where} with the link ${link}`]),
  ];
}
