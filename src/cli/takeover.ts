/**
 * The data of an IMS as the archive that the service reads: documents first, then objects. It comes as the folder of
 * data files of that service, or as a backup of the CSM scripts, packed or unpacked.
 */
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Pack, pack } from 'tar-stream';
import { UsageError } from './context.ts';
import { type ImportSource, plainTar } from './import-source.ts';

const CSM_EXPORT = 'export.json';
const CSM_OBJECTS = 's3_artifacts/';
const DATA_FILE = /^v\d+(\.\d+)?_\w+\.json$/;

/** Throws `UsageError` for what is neither. */
export async function takeoverArchive(source: string): Promise<ImportSource> {
  const about = await stat(source).catch(() => undefined);
  if (about === undefined) {
    throw new UsageError(`there is no folder or archive ${source}`);
  }
  const fill = about.isDirectory() ? await ofFolder(source) : await ofArchive(source);
  const archive = pack();
  fill(archive).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  return { data: Readable.from(archive, { objectMode: false }), sizeBytes: about.size };
}

type Fill = (archive: Pack) => Promise<void>;

async function ofFolder(folder: string): Promise<Fill> {
  const names = await readdir(folder);
  const documents = names.filter((name) => name === CSM_EXPORT || DATA_FILE.test(name)).sort();
  if (documents.length === 0) {
    throw new UsageError(
      `${folder} has neither data files of an IMS (such as v2.1_images.json) nor ${CSM_EXPORT}`,
    );
  }
  return async (archive) => {
    for (const name of documents) {
      await addText(archive, name, await readFile(join(folder, name)));
    }
    if (names.includes('s3_artifacts')) {
      await addObjects(archive, join(folder, 's3_artifacts'), '');
    }
  };
}

async function addObjects(archive: Pack, folder: string, prefix: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      await addObjects(archive, path, `${prefix}${entry.name}/`);
    } else if (entry.isFile()) {
      const { size } = await stat(path);
      await pipeline(createReadStream(path), archive.entry({ name: `objects/${prefix}${entry.name}`, size }));
    }
  }
}

/** Read twice: the document may be anywhere in it, and has to come first. */
async function ofArchive(file: string): Promise<Fill> {
  const document = await documentIn(file);
  return async (archive) => {
    await addText(archive, CSM_EXPORT, document);
    for await (const entry of await entriesOf(file)) {
      const place = entry.header.name.indexOf(CSM_OBJECTS);
      if (entry.header.type === 'file' && (place === 0 || entry.header.name[place - 1] === '/')) {
        const name = `objects/${entry.header.name.slice(place + CSM_OBJECTS.length)}`;
        await pipeline(entry, archive.entry({ name, size: entry.header.size ?? 0 }));
      } else {
        entry.resume();
      }
    }
  };
}

async function documentIn(file: string): Promise<Buffer> {
  for await (const entry of await entriesOf(file)) {
    if (entry.header.type === 'file' && entry.header.name.split('/').at(-1) === CSM_EXPORT) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry as AsyncIterable<Buffer>) {
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    }
    entry.resume();
  }
  throw new UsageError(`${file} has no ${CSM_EXPORT}; it is no backup of the CSM scripts`);
}

async function entriesOf(file: string) {
  const tar = extract();
  pipeline(await plainTar(file), tar).catch(() => undefined);
  return tar;
}

async function addText(archive: Pack, name: string, text: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    archive.entry({ name }, text, (error) => (error ? reject(error) : resolve()));
  });
}
