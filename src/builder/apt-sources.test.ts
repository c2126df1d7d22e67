import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostMirror, parseDeb822, parseOneLine } from './apt-sources.ts';

describe('deb822 sources', () => {
  it('gives the addresses of binary packages, and neither comments, sources nor disabled stanzas', () => {
    const text = `# a comment
Types: deb deb-src
URIs: http://one.example.org/debian
 https://two.example.org/debian
Suites: bookworm

Types: deb-src
URIs: http://src.example.org/debian

Types: deb
URIs: http://off.example.org/debian
Enabled: no
`;

    expect(parseDeb822(text)).toEqual(['http://one.example.org/debian', 'https://two.example.org/debian']);
  });
});

describe('one-line sources', () => {
  it('gives the addresses of binary packages, with and without options', () => {
    const text = `deb http://a.example.org/debian bookworm main
# deb http://no.example.org/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] https://b.example.org/debian bookworm main
deb-src http://src.example.org/debian bookworm main
deb cdrom:[Debian]/ bookworm main`;

    expect(parseOneLine(text)).toEqual(['http://a.example.org/debian', 'https://b.example.org/debian']);
  });
});

it('never throws and gives only http addresses, whatever the text', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const uri of [...parseDeb822(text), ...parseOneLine(text)]) {
        expect(uri).toMatch(/^https?:\/\//);
      }
    }),
  );
});

describe('the mirror of a host', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kiln-apt-'));
    await mkdir(join(folder, 'sources.list.d'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is that of the distribution, not of its security updates', async () => {
    await writeFile(
      join(folder, 'sources.list.d', 'a.list'),
      'deb http://m.example.org/debian-security bookworm main\n',
    );
    await writeFile(
      join(folder, 'sources.list.d', 'b.sources'),
      'Types: deb\nURIs: http://m.example.org/debian/\n',
    );

    expect(await hostMirror(folder)).toBe('http://m.example.org/debian');
  });

  it('is undefined where there is none', async () => {
    expect(await hostMirror(folder)).toBeUndefined();
  });
});
