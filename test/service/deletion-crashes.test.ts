/**
 * Records that are made, changed, deleted, taken back and purged by two clients at the same time, with the process
 * dying after any number of writes to the store. The next one over the same folders takes requests while it still
 * mends what the last one left. In the end every record is where some order of the requests puts it, whole, and no
 * object is lost or belongs to nobody.
 * KILN_SEQUENCES sets how many sequences there are; 200 unless set.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KilnError } from '../../src/contract/errors.ts';
import { Crash, die, mortal, newFuse } from '../support/mortal-store.ts';
import { type Nouns, openNouns } from '../support/nouns.ts';
import {
  ARTIFACTS,
  GONE,
  judge,
  type KnownRecord,
  type Listed,
  type RecordState,
} from '../support/record-judge.ts';

const request = fc.record({
  what: fc.constantFrom('bury', 'undelete', 'purge', 'rename', 'bury', 'undelete', 'create'),
  noun: fc.constantFrom('images', 'recipes'),
  which: fc.nat({ max: 2 }),
});
type Request = typeof request extends fc.Arbitrary<infer T> ? T : never;

/** Two clients at the same time, until both are done or the process dies. */
const round = fc.record({
  clients: fc.tuple(fc.array(request, { minLength: 1, maxLength: 4 }), fc.array(request, { maxLength: 3 })),
  crashAfter: fc.option(fc.nat({ max: 14 }), { nil: undefined, freq: 4 }),
});

interface Deed {
  readonly needs: 'active' | 'deleted';
  readonly effect: (state: RecordState) => RecordState;
  readonly work: () => Promise<unknown>;
}

const linking = (state: RecordState): RecordState => ({ ...state, linked: true });

function deedOf({ features }: Nouns, { noun, id }: KnownRecord, what: Request['what'], value: string): Deed {
  const deleted = noun === 'images' ? features.deletedImages : features.deletedRecipes;
  switch (what) {
    case 'bury':
      return {
        needs: 'active',
        effect: (state) => ({ ...state, where: 'deleted' }),
        work: () =>
          noun === 'images'
            ? features.deletedImages.bury(id)
            : features.deletedRecipes.bury(id, { unlessUsed: false }),
      };
    case 'undelete':
      return {
        needs: 'deleted',
        effect: (state) => ({ ...state, where: 'active' }),
        work: () => deleted.undelete(id),
      };
    case 'purge':
      return { needs: 'deleted', effect: () => GONE, work: () => deleted.purge(id) };
    default:
      return {
        needs: 'active',
        effect: (state) => ({ ...state, name: value }),
        work: () => features[noun].update(id, { name: value }),
      };
  }
}

/** Carries it out and notes it. False when it was refused or the process died. */
async function carryOut(record: KnownRecord, name: string, { needs, effect, work }: Deed): Promise<boolean> {
  const asked = performance.now();
  const outcome = await work().then(
    () => 'done' as const,
    (error: unknown) => {
      if (error instanceof Crash) {
        return 'crash' as const;
      }
      if (error instanceof KilnError && error.code.endsWith('-not-found')) {
        return 'missing' as const;
      }
      throw error;
    },
  );
  record.operations.push({
    name: `${name} → ${outcome}`,
    asked,
    answered: outcome === 'crash' ? undefined : performance.now(),
    apply(state) {
      if ((state.where === needs) === (outcome === 'missing')) {
        return undefined;
      }
      return outcome === 'missing' ? state : effect(state);
    },
  });
  return outcome === 'done';
}

/** Others know the record from the first moment on. */
async function create(nouns: Nouns, records: KnownRecord[], noun: KnownRecord['noun']): Promise<void> {
  const { features } = nouns;
  const { id, name } = await (noun === 'images'
    ? features.images.create({ name: 'new' })
    : features.recipes.create({ name: 'new', linux_distribution: 'debian12' }));
  const record: KnownRecord = {
    noun,
    id,
    before: { where: 'active', name, mark: '', linked: false },
    operations: [],
  };
  records.push(record);
  const data = () => Readable.from([Buffer.from(`of ${id}`)]);
  if (noun === 'recipes') {
    const work = () => features.recipes.uploadArchive(id, data(), {});
    await carryOut(record, 'upload', { needs: 'active', effect: linking, work });
    return;
  }
  for (const artifact of ARTIFACTS) {
    const work = () => features.imageContent.upload(id, artifact, data(), {});
    if (!(await carryOut(record, artifact, { needs: 'active', effect: (state) => state, work }))) {
      return;
    }
  }
  const work = () => features.imageContent.publish(id);
  await carryOut(record, 'publish', { needs: 'active', effect: linking, work });
}

let values = 0;

async function runClient(nouns: Nouns, records: KnownRecord[], requests: readonly Request[]): Promise<void> {
  for (const { what, noun, which } of requests) {
    const known = records.filter((record) => record.noun === noun);
    const record = known[which % known.length];
    if (what === 'create' || record === undefined) {
      await create(nouns, records, noun);
    } else {
      values += 1;
      const value = String(values);
      await carryOut(record, `${what} ${value}`, deedOf(nouns, record, what, value));
    }
  }
}

async function expectWhole(nouns: Nouns, records: readonly KnownRecord[]): Promise<void> {
  const { images, recipes, deletedImages, deletedRecipes, moves, cleanup } = nouns.records;
  const byId = <T extends { id: string }>(...lists: T[][]) =>
    new Map(lists.flat().map((record) => [record.id, record]));
  const snapshot = {
    active: byId<Listed>(await images.list(), await recipes.list()),
    deleted: byId<Listed>(await deletedImages.list(), await deletedRecipes.list()),
    keys: [
      ...(await nouns.keys('boot-images')).map((key) => `boot-images ${key}`),
      ...(await nouns.keys('ims')).map((key) => `ims ${key}`),
    ],
  };
  expect(judge(snapshot, records)).toEqual([]);
  expect([await moves.list(), await cleanup.due()]).toEqual([[], []]);
}

describe('records survive a crash at any point', () => {
  it('whatever two clients ask for', { timeout: 3_600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 3 }), async (rounds) => {
        const folder = await mkdtemp(join(tmpdir(), 'kiln-crashes-'));
        try {
          let fuse = newFuse();
          let nouns = await openNouns(folder, (store) => mortal(store, fuse));
          const records: KnownRecord[] = [];
          await create(nouns, records, 'images');
          await create(nouns, records, 'recipes');
          let mending = Promise.resolve();
          for (const { clients, crashAfter } of rounds) {
            fuse.left = crashAfter ?? Number.POSITIVE_INFINITY;
            const { features } = nouns;
            const running = nouns;
            await Promise.all(clients.map((requests) => runClient(running, records, requests)));
            if (crashAfter !== undefined) {
              // What the old process still has in hand stays dead: the next one has a fuse of its own.
              await Promise.allSettled([mending, die(fuse)]);
              await nouns.close();
              const next = newFuse();
              fuse = next;
              nouns = await openNouns(folder, (store) => mortal(store, next));
              mending = nouns.features.resume();
            } else {
              await mending;
              await features.resume();
              await expectWhole(nouns, records);
            }
          }
          await mending;
          await nouns.features.resume();
          await expectWhole(nouns, records);
          await nouns.close();
        } finally {
          await rm(folder, { recursive: true, force: true });
        }
      }),
      { numRuns: Number(process.env['KILN_SEQUENCES'] ?? 200) },
    );
  });

  it('with an archive that is stored and not linked, which goes with its recipe', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kiln-crashes-'));
    try {
      const nouns = await openNouns(folder);
      const { deletedRecipes, recipes } = nouns.features;
      for (const remove of ['hardDelete', 'purge'] as const) {
        const { id } = await recipes.create({ name: 'crashed', linux_distribution: 'debian12' });
        await nouns.put('ims', `recipes/${id}/recipe.tar.gz`, 'archive');
        if (remove === 'purge') {
          await deletedRecipes.bury(id, { unlessUsed: false });
        }
        await deletedRecipes[remove](id, { cascade: true });
        expect(await nouns.keys('ims'), remove).toEqual([]);
      }
      await nouns.close();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
