/**
 * Suites of an apt upstream. What a Release lists can be asked for; what the lists of packages in it name is learned
 * when such a list is fetched, since a suite has many that nobody here wants.
 */
import { text } from 'node:stream/consumers';
import { KilnError } from '../../contract/errors.ts';
import type { RepositoryRecord } from '../../features/repositories/store.ts';
import { isInside } from '../repomd.ts';
import type { StoredBlob } from '../store/blobs.ts';
import type { Revision } from '../store/index.ts';
import type { ListedFile } from '../store/revisions.ts';
import type { RefreshDeps } from './rpm.ts';

/** The suite that a path is the Release of, for example `dists/noble`. */
export function suiteOf(path: string): string | undefined {
  return /^(dists\/.+)\/(?:InRelease|Release|Release\.gpg)$/.exec(path)?.[1];
}

/** Gives undefined when nothing has changed since the validators were taken. */
export async function refreshSuite(
  { store, upstream, now }: RefreshDeps,
  { name }: RepositoryRecord,
  suite: string,
  validators: Readonly<Record<string, string>>,
): Promise<{ revision: Revision; validators: Record<string, string> } | undefined> {
  const { blobs } = store;
  const latest = await store.revisions.latest(name);
  const tags: Record<string, string> = {};
  const metadata: Record<string, StoredBlob> = {};
  const fetch = async (file: string): Promise<'data' | 'unchanged' | 'missing'> => {
    const path = `${suite}/${file}`;
    const answer = await upstream.get(path, { etag: validators[path] });
    if (answer.kind === 'data') {
      metadata[path] = await (await blobs.receive(answer.data)).keep();
      if (answer.etag !== undefined) {
        tags[path] = answer.etag;
      }
    }
    return answer.kind;
  };
  const inRelease = await fetch('InRelease');
  if (inRelease === 'unchanged') {
    return undefined;
  }
  if ((await fetch('Release')) === 'data') {
    await fetch('Release.gpg');
  }
  const release = metadata[`${suite}/InRelease`] ?? metadata[`${suite}/Release`];
  if (release === undefined) {
    throw new KilnError('upstream-unreachable', `there is no ${suite}/InRelease and no ${suite}/Release`);
  }
  const files = parseRelease(suite, await text(blobs.read(release.sha256)));
  const others = Object.entries(latest?.metadata ?? {}).filter(([path]) => suiteOf(path) !== suite);
  const revision = await store.revisions.replace(
    () => ({
      repository: name,
      created: now(),
      packages: latest?.packages ?? 0,
      metadata: { ...Object.fromEntries(others), ...metadata },
    }),
    files,
    { keep: true },
  );
  const kept = Object.entries(validators).filter(([path]) => suiteOf(path) !== suite);
  return { revision, validators: { ...Object.fromEntries(kept), ...tags } };
}

/** The files that a Release vouches for by SHA-256, each at its path and at its name by hash. */
export function parseRelease(suite: string, release: string): ListedFile[] {
  const section = /^SHA256:[ \t]*\n((?:[ \t]+\S.*\n?)+)/m.exec(release)?.[1];
  if (section === undefined) {
    throw new KilnError('upstream-invalid', `${suite}/Release has no SHA-256 of what it lists`);
  }
  return section.split('\n').flatMap((line) => {
    const [, digest, size, name] = /^\s+([0-9a-f]{64})\s+(\d+)\s+(\S+)\s*$/.exec(line) ?? [];
    if (digest === undefined || name === undefined || !isInside(name)) {
      return [];
    }
    const folder = name.includes('/') ? name.slice(0, name.lastIndexOf('/') + 1) : '';
    const vouched = { size: Number(size), checksum: `sha256:${digest}` };
    return [
      { path: `${suite}/${name}`, ...vouched },
      { path: `${suite}/${folder}by-hash/SHA256/${digest}`, ...vouched },
    ];
  });
}

/** Whether a file lists packages, plain or compressed. By hash it does not say, so its name has to. */
export function listsPackages(path: string): boolean {
  return /\/binary-[^/]+\/(?:Packages(?:\.[a-z0-9]+)?|by-hash\/SHA256\/[0-9a-f]{64})$/.test(path);
}

/** The packages of such a list. */
export async function* packagesOfList(lines: AsyncIterable<string>): AsyncGenerator<ListedFile> {
  let rest = '';
  for await (const piece of lines) {
    const stanzas = (rest + piece).split(/\n{2,}/);
    rest = stanzas.pop() ?? '';
    yield* stanzas.flatMap(packageOf);
  }
  yield* packageOf(rest);
}

function packageOf(stanza: string): ListedFile[] {
  const field = (name: string) => new RegExp(`^${name}: (\\S+)\\s*$`, 'm').exec(stanza)?.[1];
  const [path, size, digest] = [field('Filename'), Number(field('Size')), field('SHA256')];
  if (path === undefined || digest === undefined || !Number.isSafeInteger(size)) {
    return [];
  }
  const inside = path.replace(/^\.\//, '');
  return isInside(inside) ? [{ path: inside, size, checksum: `sha256:${digest}` }] : [];
}
