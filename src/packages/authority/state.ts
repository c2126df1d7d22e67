/**
 * What the authority remembers: which roots there are, what each is for, and which server certificate is in use. One
 * JSON file that names the others; changes of it are functions from state to state, and nothing here knows a clock.
 */
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { KilnError } from '../../contract/errors.ts';
import type { AuthorityFiles } from './files.ts';

export const STATE_FILE = 'authority.json';

const Root = Type.Object({
  id: Type.String({ pattern: '^[0-9a-f]{16}$' }),
  role: Type.Enum(['current', 'given', 'next', 'previous']),
});
export type Root = Static<typeof Root>;

const State = Type.Object({
  version: Type.Literal(1),
  roots: Type.Array(Root),
  server: Type.Union([
    Type.Null(),
    Type.Object({
      id: Type.String({ pattern: '^[0-9a-f]{16}$' }),
      /** The root that signed it. */
      issuer: Type.String(),
      names: Type.Array(Type.String()),
    }),
  ]),
});
export type State = Static<typeof State>;

export const certificateFile = (kind: 'root' | 'server', id: string) => `${kind}-${id}.crt`;
export const keyFile = (kind: 'root' | 'server', id: string) => `${kind}-${id}.key`;

/** Throws `config-invalid` when the file is not what this version writes. */
export async function readState(files: AuthorityFiles): Promise<State> {
  const text = await files.read(STATE_FILE);
  if (text === undefined) {
    return { version: 1, roots: [], server: null };
  }
  const state = parseJson(text);
  if (!Value.Check(State, state)) {
    throw new KilnError(
      'config-invalid',
      `${files.folder}/${STATE_FILE} is not what this version of Kiln writes; take it back from a backup`,
    );
  }
  return state;
}

export async function writeState(files: AuthorityFiles, state: State): Promise<void> {
  await files.write(STATE_FILE, `${JSON.stringify(state, null, 2)}\n`);
}

/** The files that a state needs; all others are left from changes that were not finished, or over. */
export function filesOf({ roots, server }: State): Set<string> {
  const names = [STATE_FILE, ...roots.map(({ id }) => certificateFile('root', id))];
  for (const { id, role } of roots) {
    // A root that signs no more needs no key; that of a given one stays where the administrator has it.
    if (role === 'current' || role === 'next') {
      names.push(keyFile('root', id));
    }
  }
  if (server !== null) {
    names.push(certificateFile('server', server.id), keyFile('server', server.id));
  }
  return new Set(names);
}

export function rootOf({ roots }: State, ...roles: Root['role'][]): Root | undefined {
  return roots.find(({ role }) => roles.includes(role));
}

export function withNext(state: State, id: string): State {
  return { ...state, roots: [...state.roots, { id, role: 'next' }] };
}

/** The root signs from now on; the one that did stays trusted. A next one that is passed over goes. */
export function withSigning(state: State, id: string, role: 'current' | 'given'): State {
  const others = state.roots
    .filter((root) => root.id !== id && root.role !== 'next')
    .map((root): Root => ({ id: root.id, role: 'previous' }));
  return { ...state, roots: [{ id, role }, ...others] };
}

/** The configuration gives no root any more: the one that it gave stays trusted. */
export function withoutGiven(state: State): State {
  return {
    ...state,
    roots: state.roots.map((root) => (root.role === 'given' ? { ...root, role: 'previous' } : root)),
  };
}

export function withoutRoot(state: State, id: string): State {
  return { ...state, roots: state.roots.filter((root) => root.id !== id) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
