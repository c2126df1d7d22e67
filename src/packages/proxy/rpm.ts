/** One revision of an rpm upstream: its metadata, fetched whole and verified, and the packages that it lists. */
import { text } from 'node:stream/consumers';
import { KilnError } from '../../contract/errors.ts';
import type { RepositoryRecord } from '../../features/repositories/store.ts';
import { parseRepomd, type RepomdList } from '../repomd.ts';
import type { StoredBlob } from '../store/blobs.ts';
import type { PackageStore, Revision } from '../store/index.ts';
import type { ListedFile } from '../store/revisions.ts';
import { textOf } from './decompress.ts';
import { fetchVerified } from './fetch.ts';
import { packagesOf } from './primary.ts';
import type { Upstream } from './upstream.ts';

export const REPOMD = 'repodata/repomd.xml';
const SIGNATURES = [`${REPOMD}.asc`, `${REPOMD}.key`];
/** Lists that package managers of today do not ask for; they are fetched when somebody does. */
const LAZY = /_db$|_zck$|^prestodelta$|^deltainfo$/;

export interface RefreshDeps {
  readonly store: PackageStore;
  readonly upstream: Upstream;
  readonly now: () => string;
}

/** Gives undefined when nothing has changed since the validators were taken. */
export async function refreshRpm(
  { store, upstream, now }: RefreshDeps,
  { name }: RepositoryRecord,
  validators: Readonly<Record<string, string>>,
): Promise<{ revision: Revision; validators: Record<string, string> } | undefined> {
  const { blobs } = store;
  const answer = await upstream.get(REPOMD, { etag: validators[REPOMD] });
  if (answer.kind === 'unchanged') {
    return undefined;
  }
  if (answer.kind === 'missing') {
    throw new KilnError('upstream-unreachable', `there is no ${REPOMD}: it is no rpm repository`);
  }
  const incoming = await blobs.receive(answer.data);
  const repomd = await incoming.keep();
  const lists = parseRepomd(await text(blobs.read(repomd.sha256)));
  const primary = lists.find(({ type }) => type === 'primary');
  if (primary === undefined) {
    throw new KilnError('upstream-invalid', `${REPOMD} names no primary list`);
  }
  const metadata: Record<string, StoredBlob> = { [REPOMD]: repomd };
  await Promise.all([
    ...lists
      .filter(({ type }) => !LAZY.test(type))
      .map(async (list) => {
        metadata[list.path] = await fetchList({ store, upstream }, list);
      }),
    ...SIGNATURES.map(async (path) => {
      const signature = await upstream.get(path);
      if (signature.kind === 'data') {
        metadata[path] = await (await blobs.receive(signature.data)).keep();
      }
    }),
  ]);
  const files = listedFiles(store, lists, primary, metadata);
  const packages = { count: 0 };
  const revision = await store.revisions.replace(
    () => ({ repository: name, created: now(), packages: packages.count, metadata }),
    counted(files, packages),
    { keep: false },
  );
  return { revision, validators: answer.etag === undefined ? {} : { [REPOMD]: answer.etag } };
}

/** A list that has not changed is not fetched again. */
async function fetchList(
  { store, upstream }: Pick<RefreshDeps, 'store' | 'upstream'>,
  { path, checksum, size }: RepomdList,
): Promise<StoredBlob> {
  const [type, digest = ''] = checksum.split(':');
  if (type === 'sha256' && size !== undefined && (await store.blobs.has(digest))) {
    return { sha256: digest, size };
  }
  return await fetchVerified(upstream, store.blobs, { path, checksum, size });
}

async function* listedFiles(
  { blobs }: PackageStore,
  lists: readonly RepomdList[],
  primary: RepomdList,
  metadata: Readonly<Record<string, StoredBlob>>,
): AsyncGenerator<ListedFile> {
  for (const { type, path, checksum, size } of lists) {
    if (LAZY.test(type) && size !== undefined) {
      yield { path, checksum, size };
    }
  }
  yield* packagesOf(textOf(primary.path, blobs.path(metadata[primary.path]?.sha256 ?? '')));
}

async function* counted(files: AsyncIterable<ListedFile>, packages: { count: number }) {
  for await (const file of files) {
    packages.count += file.path.endsWith('.rpm') ? 1 : 0;
    yield file;
  }
}
