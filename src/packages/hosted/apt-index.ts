/** Writes the metadata of an apt repository of one distribution and component: lists by architecture, signed. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { Signer } from '../signer.ts';
import type { BlobFolder, StoredBlob } from '../store/blobs.ts';
import type { MetadataFiles } from '../store/index.ts';
import { type AptParts, PATH_MARK } from './description.ts';

export interface AptEntry {
  readonly path: string;
  readonly parts: AptParts;
}

const COMPONENT = 'main';
/** Lists that are there even without a package for them, since apt asks for that of its own architecture. */
const ARCHITECTURES = ['amd64', 'arm64'];

export async function writeAptIndex(
  blobs: BlobFolder,
  signer: Signer,
  entries: AsyncIterable<AptEntry>,
  { distribution, date }: { distribution: string; date: Date },
): Promise<MetadataFiles> {
  const files: Record<string, StoredBlob> = {};
  const lines: string[] = [];
  const store = async (path: string, data: Buffer) => {
    files[path] = await (await blobs.receive(Readable.from([data]))).keep();
  };
  const folder = `dists/${distribution}`;
  for (const [architecture, stanzas] of await byArchitecture(entries)) {
    const list = Buffer.from(stanzas.map((stanza) => `${stanza}\n\n`).join(''));
    for (const [ending, data] of [
      ['', list],
      ['.gz', gzipSync(list, { level: 1 })],
    ] as const) {
      const name = `${COMPONENT}/binary-${architecture}/Packages${ending}`;
      const sha256 = createHash('sha256').update(data).digest('hex');
      lines.push(` ${sha256} ${data.length} ${name}`);
      await store(`${folder}/${name}`, data);
      // Whoever has the Release of before still finds the lists that it names.
      files[`${folder}/${COMPONENT}/binary-${architecture}/by-hash/SHA256/${sha256}`] = files[
        `${folder}/${name}`
      ] as StoredBlob;
    }
  }
  const architectures = lines.flatMap((line) => /binary-(\S+)\/Packages$/.exec(line)?.[1] ?? []);
  const release = `Origin: Kiln
Label: Kiln
Suite: ${distribution}
Codename: ${distribution}
Date: ${date.toUTCString().replace('GMT', 'UTC')}
Architectures: ${architectures.join(' ')}
Components: ${COMPONENT}
Acquire-By-Hash: yes
SHA256:
${lines.join('\n')}
`;
  await store(`${folder}/Release`, Buffer.from(release));
  await store(`${folder}/Release.gpg`, Buffer.from(await signer.sign(Buffer.from(release))));
  await store(`${folder}/InRelease`, Buffer.from(await signer.clearsign(release)));
  await store('key.asc', Buffer.from(signer.publicKey));
  return files;
}

async function byArchitecture(entries: AsyncIterable<AptEntry>): Promise<Map<string, string[]>> {
  const lists = new Map<string, string[]>(ARCHITECTURES.map((architecture) => [architecture, []]));
  const forAll: string[] = [];
  for await (const { path, parts } of entries) {
    const stanza = parts.stanza.replace(PATH_MARK, () => path);
    const list = parts.architecture === 'all' ? forAll : lists.get(parts.architecture);
    if (list === undefined) {
      lists.set(parts.architecture, [stanza]);
    } else {
      list.push(stanza);
    }
  }
  return new Map([...lists].map(([architecture, stanzas]) => [architecture, [...stanzas, ...forAll]]));
}
