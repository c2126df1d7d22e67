/** Packages of Debian as packages of rpm, seen as a whole: relations depend on what else there is. */
import type { DebianPackage } from './control.ts';
import { ADDITIONS, type Addition, LEFT_OUT } from './package-set.ts';
import {
  conflictsOf,
  formatRelation,
  obsoletesOf,
  parseRelations,
  type Relation,
  type Universe,
} from './relations.ts';
import type { RpmPackage } from './spec.ts';
import { toRpmVersion } from './versions.ts';

/** Directories and links that every path goes through, users, groups: first in every image. */
const FILE_SYSTEM = 'filesystem';

export function convert(debian: readonly DebianPackage[], architecture: string): RpmPackage[] {
  const taken = debian.filter((each) => !LEFT_OUT.has(each.name));
  const universe = universeOf(taken);
  return taken.map((each) => convertOne(each, universe, architecture));
}

function universeOf(packages: readonly DebianPackage[]): Universe {
  const providers = new Map<string, Set<string>>();
  const unversioned = new Set<string>();
  for (const each of packages) {
    for (const { name, operator } of relations(each, 'provides').flat()) {
      providers.set(name, (providers.get(name) ?? new Set()).add(each.name));
      if (operator === undefined) {
        unversioned.add(name);
      }
    }
  }
  return { packages: new Set(packages.map((each) => each.name)), providers, unversioned };
}

function convertOne(debian: DebianPackage, universe: Universe, architecture: string): RpmPackage {
  const additions = ADDITIONS.filter((each) => each.packages.test(debian.name));
  const provided = relations(debian, 'provides').flat();
  const names = new Set(provided.map((each) => each.name));
  const conflicts = relations(debian, 'conflicts').flat();
  const excluded = [...conflicts, ...relations(debian, 'breaks').flat()];
  const replaced = relations(debian, 'replaces').flat();
  return {
    name: debian.name,
    version: toRpmVersion(debian.version),
    architecture: debian.architecture === 'all' ? 'noarch' : architecture,
    summary: debian.summary,
    description: debian.description,
    homepage: debian.homepage,
    requires: needs(debian, 'depends'),
    preRequires: [
      FILE_SYSTEM,
      ...needs(debian, 'pre-depends'),
      ...additions.flatMap(({ requires = [] }) => requires),
    ],
    provides: [
      ...provided.map((each) => formatRelation([each])),
      ...additions.flatMap(({ provides = [] }) => provides),
    ],
    conflicts: conflictsOf(debian.name, names, excluded, universe).map((each) => formatRelation([each])),
    obsoletes: obsoletesOf(replaced, conflicts, universe).map((each) => formatRelation([each])),
    post: linesOf(additions, debian.name, (each) => each.post),
    archive: debian.file,
    files: linesOf(additions, debian.name, (each) => each.files),
    conffiles: [...debian.conffiles, ...additions.flatMap(({ conffiles = [] }) => conffiles)],
  };
}

function relations(debian: DebianPackage, field: string): Relation[][] {
  return parseRelations(debian.relations[field] ?? '');
}

function needs(debian: DebianPackage, field: string): string[] {
  return relations(debian, field)
    .filter((alternatives) => !alternatives.some(({ name }) => LEFT_OUT.has(name)))
    .map(formatRelation);
}

function linesOf(
  additions: readonly Addition[],
  name: string,
  lines: (addition: Addition) => string | undefined,
): string {
  return additions
    .flatMap((each) => {
      const found = each.packages.exec(name)?.[1] ?? '';
      return lines(each)?.replaceAll('$NAME', found) ?? [];
    })
    .join('\n');
}
