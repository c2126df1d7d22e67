/**
 * Where this host gets its packages from: reads the two formats of apt's sources, one line per source and deb822
 * stanzas, and picks the Debian mirror that a builder root can come from as well.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface AptSource {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
}

/** Sources of binary packages in the format of `*.list`; lines that are no source are passed over. */
export function parseOneLineSources(text: string): AptSource[] {
  return text.split('\n').flatMap((line) => {
    const source = /^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+([^\s#]+)\s*([^#]*)/.exec(line);
    const [, uri, suite, components] = source ?? [];
    return uri === undefined || suite === undefined ? [] : [{ uri, suite, components: words(components) }];
  });
}

/** Sources of binary packages in the format of `*.sources`, disabled ones left out. */
export function parseStanzaSources(text: string): AptSource[] {
  return text
    .split(/\n[ \t]*(?:\n|$)/)
    .map(parseFields)
    .filter((fields) => words(fields.get('types')).includes('deb') && !isNo(fields.get('enabled')))
    .flatMap((fields) =>
      words(fields.get('uris')).flatMap((uri) =>
        words(fields.get('suites')).map((suite) => ({
          uri,
          suite,
          components: words(fields.get('components')),
        })),
      ),
    );
}

function parseFields(stanza: string): Map<string, string> {
  const fields = new Map<string, string>();
  let name = '';
  for (const line of stanza.split('\n')) {
    if (line.startsWith('#')) {
      continue;
    }
    const field = /^([^\s:]+):(.*)$/.exec(line);
    if (field) {
      name = (field[1] ?? '').toLowerCase();
      fields.set(name, field[2] ?? '');
    } else if (name !== '') {
      fields.set(name, `${fields.get(name)} ${line}`);
    }
  }
  return fields;
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}

function isNo(value: string | undefined): boolean {
  return /^\s*(no|false|without|off|disable)\s*$/i.test(value ?? '');
}

/**
 * The mirror among these sources that has Debian's main archive: the one of the host's own release, or else one
 * whose path says so. Undefined when there is none.
 */
export function pickMirror(sources: readonly AptSource[], codename: string | undefined): string | undefined {
  const archives = sources.filter(
    (source) => /^https?:\/\//.test(source.uri) && source.components.includes('main'),
  );
  const found =
    archives.find((source) => source.suite === codename) ??
    archives.find((source) => /\/debian\/?$/.test(source.uri));
  return found?.uri.replace(/\/+$/, '');
}

/** The mirror that the apt of the host below `root` is set up for, if it is a Debian mirror. */
export async function findHostMirror(root = '/'): Promise<string | undefined> {
  const folder = join(root, 'etc/apt/sources.list.d');
  const names = (await readFolder(folder)).sort();
  const sources = parseOneLineSources(await readText(join(root, 'etc/apt/sources.list')));
  for (const name of names) {
    const text = await readText(join(folder, name));
    sources.push(
      ...(name.endsWith('.sources') ? parseStanzaSources(text) : []),
      ...(name.endsWith('.list') ? parseOneLineSources(text) : []),
    );
  }
  const release = await readText(join(root, 'etc/os-release'));
  const isDebian = /^ID="?debian"?$/m.test(release);
  const codename = /^VERSION_CODENAME="?([\w.-]+)"?$/m.exec(release)?.[1];
  return pickMirror(sources, isDebian ? codename : undefined);
}

async function readText(file: string): Promise<string> {
  return await orWhenMissing(readFile(file, 'utf8'), '');
}

async function readFolder(folder: string): Promise<string[]> {
  return await orWhenMissing(readdir(folder), []);
}

async function orWhenMissing<T>(reading: Promise<T>, substitute: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return substitute;
    }
    throw error;
  }
}
