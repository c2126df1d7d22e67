/** Writes the metadata of an rpm repository: the three lists, and repomd.xml that vouches for them, signed. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { Signer } from '../signer.ts';
import type { BlobFolder, StoredBlob } from '../store/blobs.ts';
import type { MetadataFiles } from '../store/index.ts';
import { PATH_MARK, type RpmParts } from './description.ts';

export interface RpmEntry {
  readonly path: string;
  readonly parts: RpmParts;
}

interface ListInfo {
  readonly type: keyof RpmParts;
  readonly blob: StoredBlob;
  readonly open: { readonly sha256: string; readonly size: number };
}

const LISTS = {
  primary: {
    root: 'metadata',
    names: 'xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm"',
  },
  filelists: { root: 'filelists', names: 'xmlns="http://linux.duke.edu/metadata/filelists"' },
  other: { root: 'otherdata', names: 'xmlns="http://linux.duke.edu/metadata/other"' },
} as const;

const TYPES = ['primary', 'filelists', 'other'] as const;
const CHUNK_CHARS = 65_536;
/** Lists are for the network of a site: the fastest level is the right one. */
const GZIP_LEVEL = 1;

/** Takes the entries of packages for the lists, `write` one, `add` all three of a described package. */
export interface IndexWriter {
  write(type: keyof RpmParts, entry: string): Promise<void>;
  add(entry: RpmEntry): Promise<void>;
}

/** Gives the files by path. `fill` writes the entries, of each list in the order in which they are to stand there. */
export async function writeRpmIndex(
  blobs: BlobFolder,
  signer: Signer,
  fill: (writer: IndexWriter) => Promise<void>,
  { packages, revision }: { packages: number; revision: number },
): Promise<MetadataFiles> {
  const lists = await writeLists(blobs, fill, packages);
  const repomd = Buffer.from(repomdOf(lists, revision));
  const store = async (data: Buffer | string) =>
    (await blobs.receive(Readable.from([Buffer.from(data)]))).keep();
  return {
    ...Object.fromEntries(lists.map(({ type, blob }) => [listPath(type, blob.sha256), blob])),
    'repodata/repomd.xml': await store(repomd),
    'repodata/repomd.xml.asc': await store(await signer.sign(repomd)),
    'repodata/repomd.xml.key': await store(signer.publicKey),
  };
}

async function writeLists(
  blobs: BlobFolder,
  fill: (writer: IndexWriter) => Promise<void>,
  packages: number,
): Promise<ListInfo[]> {
  const writers = TYPES.map((type) => listWriter(blobs, type, packages));
  const write: IndexWriter['write'] = async (type, entry) => {
    await writers.find((writer) => writer.type === type)?.write(entry);
  };
  try {
    await fill({
      write,
      async add({ path, parts }) {
        await write(
          'primary',
          parts.primary.replace(PATH_MARK, () => escapeXml(path)),
        );
        await write('filelists', parts.filelists);
        await write('other', parts.other);
      },
    });
    return await Promise.all(writers.map(({ end }) => end()));
  } catch (error) {
    await Promise.allSettled(writers.map(({ abandon }) => abandon(error)));
    throw error;
  }
}

/** One list on its way into a blob: compressed, and hashed before and after. */
function listWriter(blobs: BlobFolder, type: keyof RpmParts, packages: number) {
  const { root, names } = LISTS[type];
  const hash = createHash('sha256');
  const gzip = createGzip({ level: GZIP_LEVEL });
  const incoming = blobs.receive(gzip);
  // Seen by whoever ends or abandons the list; until then it is nobody's failure.
  incoming.catch(() => {});
  let size = 0;
  let text = `<?xml version="1.0" encoding="UTF-8"?>\n<${root} ${names} packages="${packages}">\n`;

  const flush = async () => {
    const chunk = Buffer.from(text);
    text = '';
    hash.update(chunk);
    size += chunk.length;
    if (!gzip.write(chunk)) {
      await Promise.race([once(gzip, 'drain'), incoming]);
    }
  };
  return {
    type,
    async write(entry: string): Promise<void> {
      text += `${entry}\n`;
      if (text.length > CHUNK_CHARS) {
        await flush();
      }
    },
    async end(): Promise<ListInfo> {
      text += `</${root}>\n`;
      await flush();
      gzip.end();
      const blob = await (await incoming).keep();
      return { type, blob, open: { sha256: hash.digest('hex'), size } };
    },
    async abandon(reason: unknown): Promise<void> {
      gzip.destroy(reason instanceof Error ? reason : new Error(String(reason)));
      await (await incoming).discard();
    },
  };
}

function repomdOf(lists: readonly ListInfo[], revision: number): string {
  const data = lists.map(
    ({ type, blob, open }) => `  <data type="${type}">
    <checksum type="sha256">${blob.sha256}</checksum>
    <open-checksum type="sha256">${open.sha256}</open-checksum>
    <location href="${listPath(type, blob.sha256)}"/>
    <timestamp>${revision}</timestamp>
    <size>${blob.size}</size>
    <open-size>${open.size}</open-size>
  </data>
`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm">
  <revision>${revision}</revision>
${data.join('')}</repomd>
`;
}

function listPath(type: string, sha256: string): string {
  return `repodata/${sha256}-${type}.xml.gz`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
