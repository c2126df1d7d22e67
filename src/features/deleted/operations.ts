/**
 * Moves the objects of records that are deleted or taken back. The decision and its journal entry are one
 * transaction; the moves follow, and a last transaction completes them. Whoever wants to do something with a record
 * first finishes what is in the journal for it, so a crash in between is mended by the next start or the next
 * request, whichever comes first. Requests for other records never wait.
 */
import type { KeyedLock } from '../../platform/keyed-lock.ts';
import { keyedLock } from '../../platform/keyed-lock.ts';
import type { Log } from '../../platform/log.ts';
import type { Move, MoveOperation } from '../../ports/moves.ts';
import type { Records } from '../../ports/records.ts';
import type { ObjectStore } from '../objects/store.ts';

/** What becomes of the record when all objects have moved; runs in the transaction that ends the operation. */
export type Completion = (operation: MoveOperation) => Promise<(inside: Records) => Promise<void>>;

export interface Operations {
  /** Says how the operations of a noun are completed. */
  completeWith(noun: MoveOperation['noun'], kind: MoveOperation['kind'], completion: Completion): void;
  /** Runs the work alone for this record, after what is in the journal for it. */
  exclusively<T>(recordId: string, work: () => Promise<T>): Promise<T>;
  /** Finishes the journal entry of a record, if there is one. To be called by work that runs exclusively. */
  settle(recordId: string): Promise<void>;
  /** Finishes it in the background, and waits for that for a moment, so that what is quick is done at once. */
  settleSoon(recordId: string): Promise<void>;
  /** Finishes what an earlier process left in the journal. Never throws: what fails is tried again later. */
  resume(): Promise<void>;
}

const MOMENT_MS = 50;
const MOVES_AT_ONCE = 4;

export function createOperations(deps: { records: Records; objects: ObjectStore; log: Log }): Operations {
  const { records, objects, log } = deps;
  const lock: KeyedLock = keyedLock();
  const completions = new Map<string, Completion>();

  const settle = async (recordId: string): Promise<void> => {
    const operation = await records.moves.find(recordId);
    if (operation === undefined) {
      return;
    }
    await moveAll(objects, operation.moves);
    const complete = await completions.get(`${operation.noun} ${operation.kind}`)?.(operation);
    await records.transaction(async (inside) => {
      await complete?.(inside);
      await inside.moves.delete(recordId);
    });
    const { noun, kind, moves } = operation;
    log.info({ record: recordId, noun, kind, objects: moves.length }, 'objects moved');
  };
  const exclusively: Operations['exclusively'] = (recordId, work) =>
    lock(recordId, async () => {
      await settle(recordId);
      return await work();
    });
  const settleInBackground = (recordId: string): Promise<void> =>
    exclusively(recordId, async () => {}).catch((error: unknown) => {
      log.error({ err: error, record: recordId }, 'objects could not be moved; it is tried again');
    });

  return {
    completeWith(noun, kind, completion) {
      completions.set(`${noun} ${kind}`, completion);
    },
    exclusively,
    settle,
    async settleSoon(recordId) {
      let timer: NodeJS.Timeout | undefined;
      const moment = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, MOMENT_MS);
      });
      await Promise.race([settleInBackground(recordId), moment]);
      clearTimeout(timer);
    },
    async resume() {
      try {
        for (const { recordId } of await records.moves.list()) {
          await settleInBackground(recordId);
        }
      } catch (error) {
        log.error({ err: error }, 'the journal of moves could not be read');
      }
    },
  };
}

/** An object that is not at its old address was moved before a crash, or never was there. */
async function moveAll(objects: ObjectStore, moves: readonly Move[]): Promise<void> {
  const waiting = [...moves];
  const mover = async (): Promise<void> => {
    for (let move = waiting.shift(); move !== undefined; move = waiting.shift()) {
      if ((await objects.head(move.from)) !== undefined) {
        await objects.copy(move.from, move.to);
        await objects.delete(move.from);
      }
    }
  };
  await Promise.all(Array.from({ length: MOVES_AT_ONCE }, mover));
}
