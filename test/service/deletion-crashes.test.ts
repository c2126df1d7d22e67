/**
 * Deleting, taking back and purging with the process dying at any point: random sequences of requests on a few images
 * and recipes, each with a crash after a random number of writes to the store. After a restart over the same folders
 * every record is in one place, whole, and no object is lost or belongs to nobody.
 * KILN_SEQUENCES sets how many sequences there are; 60 unless set.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KilnError } from '../../src/contract/errors.ts';
import type { ObjectStore } from '../../src/features/objects/store.ts';
import { type Nouns, openNouns } from '../support/nouns.ts';

class Crash extends Error {}

/** A store that dies before its write number `fuse`, and with it every write after that. */
function mortal(store: ObjectStore, fuse: { left: number }): ObjectStore {
  const writes = new Set(['put', 'copy', 'delete']);
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') {
        return value;
      }
      return (...args: unknown[]) => {
        if (writes.has(String(name)) && fuse.left-- <= 0) {
          return Promise.reject(new Crash(`${String(name)} after the crash`));
        }
        return value.apply(target, args);
      };
    },
  });
}

const request = fc.record({
  noun: fc.constantFrom('image' as const, 'recipe' as const),
  which: fc.nat({ max: 1 }),
  what: fc.constantFrom('bury' as const, 'undelete' as const, 'purge' as const),
  crashAfter: fc.option(fc.nat({ max: 8 }), { nil: undefined, freq: 3 }),
});

/** Errors that a request may answer with; anything else is a bug. A crash is no answer. */
async function answered(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof Crash) && !(error instanceof KilnError && error.code.endsWith('-not-found'))) {
      throw error;
    }
  }
}

async function expectWhole(nouns: Nouns, made: { images: string[]; recipes: string[] }): Promise<void> {
  const expected: string[] = [];
  for (const id of made.images) {
    const [active, deleted] = [
      await nouns.records.images.find(id),
      await nouns.records.deletedImages.find(id),
    ];
    expect(active === undefined || deleted === undefined, `image ${id} is in one collection`).toBe(true);
    const names = ['rootfs', 'kernel', 'initrd', 'manifest.json'];
    if (active !== undefined) {
      expected.push(...names.map((name) => `boot-images ${id}/${name}`));
      expect(active.link?.path).toBe(`s3://boot-images/${id}/manifest.json`);
    } else if (deleted !== undefined) {
      expected.push(
        ...[...names, 'deleted_manifest.json'].map((name) => `boot-images deleted/${id}/${name}`),
      );
    }
  }
  for (const id of made.recipes) {
    const [active, deleted] = [
      await nouns.records.recipes.find(id),
      await nouns.records.deletedRecipes.find(id),
    ];
    expect(active === undefined || deleted === undefined, `recipe ${id} is in one collection`).toBe(true);
    const key = `recipes/${id}/recipe.tar.gz`;
    if (active !== undefined) {
      expected.push(`ims ${key}`);
      expect(active.link?.path).toBe(`s3://ims/${key}`);
    } else if (deleted !== undefined) {
      expected.push(`ims deleted/${key}`);
      expect(deleted.link?.path).toBe(`s3://ims/deleted/${key}`);
    }
  }
  const found = [
    ...(await nouns.keys('boot-images')).map((key) => `boot-images ${key}`),
    ...(await nouns.keys('ims')).map((key) => `ims ${key}`),
  ];
  // A list of moved artifacts that a crash left beside an active image is written anew when the image is deleted
  // again, and goes when it is purged.
  const leftLists = made.images.map((id) => `boot-images deleted/${id}/deleted_manifest.json`);
  const rest = found.filter((each) => expected.includes(each) || !leftLists.includes(each));
  expect(rest.sort()).toEqual(expected.sort());
  expect(await nouns.records.moves.list()).toEqual([]);
}

describe('deleted records survive a crash at any point', () => {
  it('whatever the sequence of requests', { timeout: 3_600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 6 }), async (requests) => {
        const folder = await mkdtemp(join(tmpdir(), 'kiln-crashes-'));
        try {
          const first = { left: Number.POSITIVE_INFINITY };
          let fuse = first;
          let nouns = await openNouns(folder, (store) => mortal(store, first));
          const images = [(await nouns.makeImage('a', {})).id, (await nouns.makeImage('b', {})).id];
          const recipes = [await nouns.makeRecipe('a'), await nouns.makeRecipe('b')];
          for (const { noun, which, what, crashAfter } of requests) {
            fuse.left = crashAfter ?? Number.POSITIVE_INFINITY;
            const { deletedImages, deletedRecipes } = nouns.features;
            const id = (noun === 'image' ? images : recipes)[which] ?? '';
            await answered(
              noun === 'image'
                ? deletedImages[what](id)
                : what === 'bury'
                  ? deletedRecipes.bury(id, { unlessUsed: false })
                  : deletedRecipes[what](id),
            );
            if (crashAfter !== undefined) {
              // What the old process still has in hand stays dead: the next one has a fuse of its own.
              fuse.left = 0;
              await nouns.close();
              const next = { left: Number.POSITIVE_INFINITY };
              fuse = next;
              nouns = await openNouns(folder, (store) => mortal(store, next));
              await nouns.features.resume();
            }
          }
          await nouns.features.resume();
          await expectWhole(nouns, { images, recipes });
          await nouns.close();
        } finally {
          await rm(folder, { recursive: true, force: true });
        }
      }),
      { numRuns: Number(process.env['KILN_SEQUENCES'] ?? 60) },
    );
  });
});
