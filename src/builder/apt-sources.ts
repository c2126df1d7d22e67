/** The package mirror that this host uses, read from its own apt sources in both of their formats. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Addresses of the binary packages of one text in the deb822 format (`*.sources`). */
export function parseDeb822(text: string): string[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = new Map<string, string>();
    let last = '';
    for (const line of stanza.split('\n')) {
      if (line.startsWith('#')) {
        continue;
      }
      if (/^\s/.test(line) && last !== '') {
        fields.set(last, `${fields.get(last)} ${line.trim()}`);
        continue;
      }
      const [, name, value] = /^([A-Za-z0-9-]+):\s*(.*)$/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) {
        last = name.toLowerCase();
        fields.set(last, value.trim());
      }
    }
    const usable =
      fields.get('types')?.split(/\s+/).includes('deb') && fields.get('enabled')?.toLowerCase() !== 'no';
    return usable ? (fields.get('uris') ?? '').split(/\s+/).filter(isHttp) : [];
  });
}

/** The same for the one-line format (`*.list`). */
export function parseOneLine(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const [, uri] = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+\S+/.exec(line) ?? [];
    return uri !== undefined && isHttp(uri) ? [uri] : [];
  });
}

function isHttp(uri: string): boolean {
  return /^https?:\/\/[^/\s]/.test(uri);
}

/** The first mirror of the distribution itself, not of its security updates; undefined when there is none. */
export async function hostMirror(aptFolder = '/etc/apt'): Promise<string | undefined> {
  const parts = await readdir(join(aptFolder, 'sources.list.d')).catch(() => []);
  const files = ['sources.list', ...parts.sort().map((name) => join('sources.list.d', name))];
  const uris: string[] = [];
  for (const file of files.filter((name) => /\.(list|sources)$/.test(name))) {
    const text = await readFile(join(aptFolder, file), 'utf8').catch(() => '');
    uris.push(...(file.endsWith('.sources') ? parseDeb822(text) : parseOneLine(text)));
  }
  const mirror =
    uris.find((uri) => /\/debian\/?$/.test(uri)) ?? uris.find((uri) => !/security/.test(uri)) ?? uris[0];
  return mirror?.replace(/\/+$/, '');
}
