/** What has to be true of a service when nobody asks it for anything and all that it had to finish is finished. */
import { join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { openSqliteRecords } from '../../src/adapters/records/sqlite/index.ts';
import { ARTIFACT_MEDIA_TYPES, type ImageArtifact } from '../../src/contract/images.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { checkedFetch } from './checked-fetch.ts';
import type { TestService } from './kiln.ts';
import { ARTIFACTS, contentOf, judge, type KnownRecord, type Listed, type Snapshot } from './record-judge.ts';

/** Waits until no object is on its way and none is to be removed. */
export async function untilSettled(service: TestService): Promise<void> {
  const file = join(service.state, 'records', 'kiln.sqlite');
  let left: readonly unknown[] = [];
  await waitFor(
    async () => {
      const records = await openSqliteRecords({ file });
      try {
        left = [...(await records.moves.list()), ...(await records.cleanup.due())];
      } finally {
        await records.close();
      }
      return left.length === 0 ? true : undefined;
    },
    { timeoutMs: 60_000, describe: () => `objects to be moved and removed: ${JSON.stringify(left)}` },
  );
}

/**
 * Everything that is wrong, in words. What clients saw of the records is explained and forgotten; the artifacts of
 * those that are `looked` at are fetched.
 */
export async function whatIsWrong(
  service: TestService,
  s3: S3Client,
  records: readonly KnownRecord[],
  looked: readonly KnownRecord[],
): Promise<string[]> {
  const snapshot = await snapshotOf(service, s3);
  const wrong = judge(snapshot, records);
  for (const { id, noun, before } of looked) {
    if (before.where === 'active' && before.linked) {
      const found = noun === 'images' ? await imageContent(service, id) : await recipeContent(s3, id);
      wrong.push(...found.map((what) => `${noun} ${id}: ${what}`));
    }
  }
  return wrong;
}

async function snapshotOf(service: TestService, s3: S3Client): Promise<Snapshot> {
  const lists = async (prefix: string) => {
    const found = new Map<string, Listed>();
    for (const noun of ['images', 'recipes']) {
      const response = await checkedFetch(`${service.url}/kiln/v1/${prefix}${noun}`);
      for (const record of (await response.json()) as Listed[]) {
        found.set(record.id, record);
      }
    }
    return found;
  };
  const [active, deleted] = [await lists(''), await lists('deleted/')];
  return { active, deleted, keys: [...(await keysOf(s3, 'boot-images')), ...(await keysOf(s3, 'ims'))] };
}

async function keysOf(s3: S3Client, Bucket: string): Promise<string[]> {
  const keys: string[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.send(new ListObjectsV2Command({ Bucket, ContinuationToken }));
    keys.push(...(page.Contents ?? []).map(({ Key }) => `${Bucket} ${Key}`));
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  return keys;
}

async function imageContent(service: TestService, id: string): Promise<string[]> {
  const response = await checkedFetch(`${service.url}/kiln/v1/images/${id}/artifacts`);
  const answer: unknown = await response.json();
  if (response.status !== 200) {
    return [`its artifacts are not listed: ${JSON.stringify(answer)}`];
  }
  const listed = answer as ImageArtifact[];
  const wrong: string[] = [];
  for (const artifact of ARTIFACTS) {
    const found = listed.find(({ type }) => type === ARTIFACT_MEDIA_TYPES[artifact]);
    const fetched = found && (await fetch(found.download_url));
    const text = await fetched?.text();
    if (fetched?.status !== 200 || text !== contentOf(id, artifact)) {
      wrong.push(`${artifact} cannot be fetched: ${fetched?.status} ${text}`);
    }
  }
  return wrong;
}

async function recipeContent(s3: S3Client, id: string): Promise<string[]> {
  const Key = `recipes/${id}/recipe.tar.gz`;
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'ims', Key }));
  const text = await Body?.transformToString();
  return text === contentOf(id, 'recipe.tar.gz') ? [] : [`its archive is ${text}`];
}
