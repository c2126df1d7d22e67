/**
 * Groups: several rpm repositories as one. Of two packages with the same name, version and architecture, or at the
 * same path, the one of the earlier member counts.
 */
import { text } from 'node:stream/consumers';
import { type Clock, timestamp } from '../../platform/clock.ts';
import { writeRpmIndex } from '../hosted/rpm-index.ts';
import { textOf } from '../proxy/decompress.ts';
import { parseRepomd } from '../repomd.ts';
import type { Signer } from '../signer.ts';
import type { PackageStore, Revision } from '../store/index.ts';

export interface GroupDeps {
  readonly store: PackageStore;
  readonly signer: Signer;
  readonly clock: Clock;
}

type ListType = 'primary' | 'filelists' | 'other';

/** The revision of a group over these revisions of its members; the latest one when it is of the same. */
export async function mergeGroup(
  deps: GroupDeps,
  name: string,
  members: readonly Revision[],
): Promise<Revision> {
  const { store, signer, clock } = deps;
  const latest = await store.revisions.latest(name);
  const key = (list: Revision['members']) =>
    list.map((member) => `${member.name} ${member.revision}`).join('\n');
  const of = members.map(({ repository, number }) => ({ name: repository, revision: number }));
  if (latest !== undefined && key(latest.members) === key(of)) {
    return latest;
  }
  const winners = await chooseWinners(store, members);
  const packages = winners.reduce((sum, chosen) => sum + chosen.size, 0);
  const metadata = await writeRpmIndex(
    store.blobs,
    signer,
    async ({ write }) => {
      for (const type of ['primary', 'filelists', 'other'] as const) {
        for (const [index, member] of members.entries()) {
          const chosen = new Set(winners[index]);
          for await (const entry of entriesOf(store, member, type)) {
            // Each of them once, however often a list has it.
            if (chosen.delete(pkgidOf(entry))) {
              await write(type, entry);
            }
          }
        }
      }
    },
    { packages, revision: (latest?.number ?? 0) + 1 },
  );
  const created = timestamp(clock.now());
  return await store.revisions.merge({ repository: name, created, packages, metadata, members: of });
}

/** For each member the packages of it that count, by their pkgid. */
async function chooseWinners(store: PackageStore, members: readonly Revision[]): Promise<Set<string>[]> {
  const taken = new Set<string>();
  const winners: Set<string>[] = [];
  for (const member of members) {
    const chosen = new Set<string>();
    for await (const entry of entriesOf(store, member, 'primary')) {
      const [path, identity] = [`/${pathOf(entry)}`, identityOf(entry)];
      if (!taken.has(path) && !taken.has(identity)) {
        taken.add(path).add(identity);
        chosen.add(pkgidOf(entry));
      }
    }
    winners.push(chosen);
  }
  return winners;
}

/** The entries of one list of a repository, as they stand in it. */
async function* entriesOf(store: PackageStore, revision: Revision, type: ListType): AsyncGenerator<string> {
  const repomd = revision.metadata['repodata/repomd.xml'];
  if (repomd === undefined) {
    return;
  }
  const lists = parseRepomd(await text(store.blobs.read(repomd.sha256)));
  const path = lists.find((list) => list.type === type)?.path ?? '';
  const list = revision.metadata[path];
  if (list === undefined) {
    return;
  }
  let rest = '';
  for await (const piece of textOf(path, store.blobs.path(list.sha256))) {
    rest += piece;
    for (let end = rest.indexOf(END); end >= 0; end = rest.indexOf(END)) {
      const start = rest.indexOf('<package ');
      yield rest.slice(start, end + END.length);
      rest = rest.slice(end + END.length);
    }
  }
}

const END = '</package>';

function pkgidOf(entry: string): string {
  return (
    /^<package [^>]*pkgid=["']([0-9a-f]+)["']/.exec(entry)?.[1] ??
    /<checksum [^>]*pkgid=["']YES["'][^>]*>\s*([0-9a-f]+)/.exec(entry)?.[1] ??
    ''
  );
}

function pathOf(entry: string): string {
  return /<location [^>]*href=["']([^"']+)["']/.exec(entry)?.[1] ?? '';
}

function identityOf(entry: string): string {
  const field = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(entry)?.[1] ?? '';
  const version = /<version ([^>]*)\/>/.exec(entry)?.[1] ?? '';
  const part = (name: string) => new RegExp(`\\b${name}=["']([^"']*)["']`).exec(version)?.[1] ?? '';
  return [field('name'), field('arch'), part('epoch'), part('ver'), part('rel')].join(' ');
}
