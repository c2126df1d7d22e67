/** The recipes that ship with Kiln: the folders of `recipes/`, and what each one's `.kiln-recipe.yaml` says of it. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { parse } from 'yaml';
import { type Architecture, ArchitectureSchema, type KeyValue } from '../contract/common.ts';
import { packageFile } from '../platform/package-root.ts';
import { UsageError } from './context.ts';

export const ABOUT_FILE = '.kiln-recipe.yaml';

const About = Type.Object(
  {
    linux_distribution: Type.String(),
    architectures: Type.Array(ArchitectureSchema, { minItems: 1 }),
    /** Values of its templates unless others are given; `{arch}` stands for the architecture. */
    values: Type.Record(Type.String(), Type.String()),
  },
  { additionalProperties: false },
);

export interface ShippedRecipe {
  /** Name of its folder. */
  readonly name: string;
  readonly folder: string;
  readonly about: Static<typeof About>;
}

/** All of them by name, or the named ones. Throws `UsageError` for a name that none has. */
export async function shippedRecipes(names: readonly string[]): Promise<ShippedRecipe[]> {
  const root = packageFile('recipes');
  const entries = await readdir(root, { withFileTypes: true });
  const all = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0) {
    throw new UsageError(
      `no recipe ${unknown.join(', ')} ships with Kiln; there are ${all.sort().join(', ')}`,
    );
  }
  const wanted = names.length === 0 ? all : [...new Set(names)];
  return await Promise.all(
    wanted.sort().map(async (name) => {
      const folder = join(root, name);
      const about = await aboutOf(folder);
      if (about === undefined) {
        throw new UsageError(`${folder} has no ${ABOUT_FILE}`);
      }
      return { name, folder, about };
    }),
  );
}

/** What the folder of a recipe says of itself; undefined when it says nothing. Throws `UsageError`. */
export async function aboutOf(folder: string): Promise<ShippedRecipe['about'] | undefined> {
  const file = join(folder, ABOUT_FILE);
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) {
    return undefined;
  }
  const about: unknown = parse(text);
  if (!Value.Check(About, about)) {
    const [problem] = Value.Errors(About, about);
    throw new UsageError(`${file}${problem?.instancePath ?? ''}: ${problem?.message}`);
  }
  return about;
}

/** The values for one architecture; those that are given replace the recipe's own, and others are left out. */
export function valuesFor(
  about: ShippedRecipe['about'],
  arch: Architecture,
  given: ReadonlyMap<string, string>,
): KeyValue[] {
  return Object.entries(about.values).map(([key, value]) => ({
    key,
    value: (given.get(key) ?? value).replaceAll('{arch}', arch),
  }));
}
