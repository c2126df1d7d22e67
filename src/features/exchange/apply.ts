/** Brings the records of a document into the service, in one transaction. */

import { isDeepStrictEqual } from 'node:util';
import type { ExportDocument, ImportMode } from '../../contract/exchange.ts';
import type { Records } from '../../ports/records.ts';
import { nodeOf } from '../nodes/store.ts';
import { storedJob } from './jobs.ts';
import { type AnyRecord, type Collection, collectionsOf } from './records.ts';

export interface Applied {
  added: number;
  updated: number;
  unchanged: number;
  kept: number;
  readonly problems: string[];
}

export interface ApplyOptions {
  readonly mode: ImportMode;
  readonly dryRun: boolean;
}

/** Thrown inside the transaction of a dry run, so that nothing of it stays. */
export class DryRun extends Error {}

export async function applyRecords(
  inside: Records,
  document: ExportDocument,
  options: ApplyOptions,
): Promise<Applied> {
  const applied: Applied = { added: 0, updated: 0, unchanged: 0, kept: 0, problems: [] };
  for (const collection of collectionsOf(document)) {
    for (const record of collection.records) {
      await applyRecord(inside, collection, record, options, applied);
    }
  }
  for (const node of document.nodes) {
    const known = await inside.nodes.find(node.xname);
    applied[known === undefined ? 'added' : 'unchanged'] += 1;
    if (known === undefined) {
      await inside.nodes.put(nodeOf(node));
    }
  }
  for (const job of document.jobs) {
    // How a job went cannot change any more: one with the same id is the same.
    const known = await inside.jobs.find(job.id);
    applied[known === undefined ? 'added' : 'unchanged'] += 1;
    if (known === undefined) {
      await inside.jobs.insert(storedJob(job));
    }
  }
  return applied;
}

async function applyRecord(
  inside: Records,
  collection: Collection,
  record: AnyRecord,
  options: ApplyOptions,
  applied: Applied,
): Promise<void> {
  const store = collection.store(inside);
  const known = await store.find(record.id);
  if (known !== undefined && isDeepStrictEqual(known, record)) {
    applied.unchanged += 1;
    return;
  }
  const refusal = await refusalOf(inside, collection, record, options);
  if (refusal !== undefined) {
    applied.kept += 1;
    applied.problems.push(`${collection.title} ${record.id} (${record.name}) was left out: ${refusal}`);
    return;
  }
  if (known === undefined) {
    await store.insert(record);
    applied.added += 1;
  } else if (options.mode === 'add') {
    applied.kept += 1;
  } else {
    await store.update(record);
    applied.updated += 1;
  }
}

async function refusalOf(
  inside: Records,
  { store, opposite, deleted }: Collection,
  record: AnyRecord,
  { mode, dryRun }: ApplyOptions,
): Promise<string | undefined> {
  // The modes that overwrite have removed it before, unless nothing is to be changed.
  const wouldBeGone = dryRun && mode.endsWith('overwrite');
  if (!wouldBeGone && (await opposite(inside).find(record.id)) !== undefined) {
    return deleted
      ? 'it is not deleted here'
      : 'it is deleted here; take it back or purge it, then import again';
  }
  if (record.link) {
    const owner = await store(inside).findByLinkPath?.(record.link.path);
    if (owner !== undefined && owner.id !== record.id) {
      return `${record.link.path} belongs to ${owner.id}`;
    }
  }
  return undefined;
}
