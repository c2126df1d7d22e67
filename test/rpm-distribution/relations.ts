/**
 * Relations between packages: Debian's Depends, Provides, Conflicts, Breaks and Replaces as rpm's Requires, Provides,
 * Conflicts and Obsoletes. Multiarch qualifiers are dropped: the distribution has one architecture.
 */
import { toRpmRelationVersion } from './versions.ts';

export interface Relation {
  readonly name: string;
  /** Of rpm: <, <=, =, >= or >. */
  readonly operator?: string;
  /** Of rpm. */
  readonly version?: string;
}

const OPERATORS: Readonly<Record<string, string>> = {
  '<<': '<',
  '<=': '<=',
  '=': '=',
  '>=': '>=',
  '>>': '>',
};
const RELATION = /^([a-z0-9][a-z0-9+.-]*)(?::[a-z0-9-]+)?\s*(?:\(\s*(<<|<=|=|>=|>>)\s*([^\s)]+)\s*\))?$/;

/** All that has to hold, each as the alternatives of which one is enough. Throws on anything else. */
export function parseRelations(field: string): Relation[][] {
  return field
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
    .map((each) => each.split('|').map((alternative) => parseRelation(alternative.trim())));
}

function parseRelation(text: string): Relation {
  const [, name, sign, version] = RELATION.exec(text) ?? [];
  if (name === undefined) {
    throw new Error(`"${text}" is no relation of Debian`);
  }
  const operator = sign === undefined ? undefined : OPERATORS[sign];
  if (operator === undefined || version === undefined) {
    return { name };
  }
  // Without a revision, 1.2-1 is later than 1.2 to Debian and the same to rpm, which compares what is written.
  const meant = operator === '>' && !version.includes('-') ? '>=' : operator;
  return { name, operator: meant, version: toRpmRelationVersion(version) };
}

/** As a spec file has it; of several alternatives a rich dependency. */
export function formatRelation(alternatives: readonly Relation[]): string {
  const words = alternatives.map(({ name, operator, version }) =>
    operator === undefined || version === undefined ? name : `${name} ${operator} ${version}`,
  );
  return words.length === 1 ? words.join('') : `(${words.join(' or ')})`;
}

/** The packages of one distribution, by what others may call them. */
export interface Universe {
  readonly packages: ReadonlySet<string>;
  /** Names of packages by a virtual name that they provide. */
  readonly providers: ReadonlyMap<string, ReadonlySet<string>>;
  /** Virtual names that somebody provides without a version. */
  readonly unversioned: ReadonlySet<string>;
}

/**
 * What a package excludes. Debian's packages may exclude a name that they provide themselves, which means all others
 * that provide it; rpm has no such rule, so the others are named. To Debian a name that is provided without a version
 * is in no range of versions, to rpm it is in all of them; such an exclusion is dropped.
 */
export function conflictsOf(
  own: string,
  provided: ReadonlySet<string>,
  excluded: readonly Relation[],
  universe: Universe,
): Relation[] {
  const effective = excluded.filter(
    ({ name, operator }) => operator === undefined || !universe.unversioned.has(name),
  );
  return effective.flatMap((relation) => {
    if (relation.name !== own && !provided.has(relation.name)) {
      return [relation];
    }
    const others = [...(universe.providers.get(relation.name) ?? [])].filter((name) => name !== own);
    return others.sort().map((name) => ({ name }));
  });
}

/**
 * The packages that one takes the place of: those that it both replaces and conflicts with, as Debian's policy has
 * it, unless the distribution has them. Replaces alone is about files that moved, which rpm needs no word for.
 */
export function obsoletesOf(
  replaces: readonly Relation[],
  conflicts: readonly Relation[],
  universe: Universe,
): Relation[] {
  const conflicting = new Set(conflicts.map((relation) => relation.name));
  return replaces.filter(
    ({ name }) => conflicting.has(name) && !universe.packages.has(name) && !universe.providers.has(name),
  );
}
