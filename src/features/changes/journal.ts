/**
 * Writes every change of a record into the journal, in the transaction that makes it, so that whoever follows the
 * journal misses none. Services know nothing of it: it lies between them and the records.
 */
import type { ChangedNoun, ChangeKind } from '../../contract/events.ts';
import { type Clock, timestamp } from '../../platform/clock.ts';
import type { Records } from '../../ports/records.ts';

type Deed = 'inserted' | 'updated' | 'removed' | 'buried' | 'exhumed';

interface Note {
  readonly noun: ChangedNoun;
  readonly id: string;
  readonly deeds: Set<Deed>;
}

/** `announce` is called after each transaction that changed something. */
export function journaled(records: Records, clock: Clock, announce: () => void): Records {
  return {
    ...records,
    async transaction(work) {
      let changed = false;
      const result = await records.transaction(async (inside) => {
        const notes = new Map<string, Note>();
        const result = await work(noting(inside, notes));
        const at = timestamp(clock.now());
        const changes = [...notes.values()].map(({ noun, id, deeds }) => ({
          at,
          noun,
          id,
          kind: kindOf(deeds),
        }));
        await inside.changes.append(changes);
        changed = changes.length > 0;
        return result;
      });
      if (changed) {
        announce();
      }
      return result;
    },
  };
}

function kindOf(deeds: ReadonlySet<Deed>): ChangeKind {
  if (deeds.has('buried')) {
    return 'deleted';
  }
  if (deeds.has('exhumed')) {
    return deeds.has('inserted') ? 'undeleted' : 'purged';
  }
  if (deeds.has('removed')) {
    return deeds.has('inserted') ? 'updated' : 'purged';
  }
  return deeds.has('inserted') ? 'created' : 'updated';
}

/** The same records, whose stores note what is done through them. */
function noting(inside: Records, notes: Map<string, Note>): Records {
  const note = (noun: ChangedNoun, id: string, deed: Deed): void => {
    const key = `${noun} ${id}`;
    const known = notes.get(key) ?? { noun, id, deeds: new Set() };
    notes.set(key, known);
    known.deeds.add(deed);
  };
  const active = <S extends ActiveStore>(noun: ChangedNoun, store: S): S => ({
    ...store,
    async insert(record: { id: string }) {
      await store.insert(record as never);
      note(noun, record.id, 'inserted');
    },
    async update(record: { id: string }) {
      const found = await store.update(record as never);
      if (found) {
        note(noun, record.id, 'updated');
      }
      return found;
    },
    async delete(id: string) {
      const found = await store.delete(id);
      if (found) {
        note(noun, id, 'removed');
      }
      return found;
    },
  });
  const deleted = <S extends ActiveStore>(noun: ChangedNoun, store: S): S => ({
    ...store,
    async insert(record: { id: string }) {
      await store.insert(record as never);
      note(noun, record.id, 'buried');
    },
    async delete(id: string) {
      const found = await store.delete(id);
      if (found) {
        note(noun, id, 'exhumed');
      }
      return found;
    },
  });
  return {
    ...inside,
    images: active('image', inside.images),
    recipes: active('recipe', inside.recipes),
    publicKeys: active('public_key', inside.publicKeys),
    deletedImages: deleted('image', inside.deletedImages),
    deletedRecipes: deleted('recipe', inside.deletedRecipes),
    deletedPublicKeys: deleted('public_key', inside.deletedPublicKeys),
    nodes: {
      ...inside.nodes,
      async put(node) {
        const known = await inside.nodes.find(node.xname);
        await inside.nodes.put(node);
        note('node', node.xname, known === undefined ? 'inserted' : 'updated');
      },
      async delete(xname) {
        const found = await inside.nodes.delete(xname);
        if (found) {
          note('node', xname, 'removed');
        }
        return found;
      },
    },
    jobs: {
      ...inside.jobs,
      async insert(job) {
        await inside.jobs.insert(job);
        note('job', job.request.id, 'inserted');
      },
      async advance(id, expected, next, also) {
        const advanced = await inside.jobs.advance(id, expected, next, also);
        if (advanced) {
          note('job', id, 'updated');
        }
        return advanced;
      },
      async delete(id) {
        const found = await inside.jobs.delete(id);
        if (found) {
          note('job', id, 'removed');
        }
        return found;
      },
    },
  };
}

interface ActiveStore {
  insert(record: never): Promise<void>;
  update(record: never): Promise<boolean>;
  delete(id: string): Promise<boolean>;
}
