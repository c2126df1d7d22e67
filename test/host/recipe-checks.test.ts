/**
 * What a recipe that is wrong is told before anything is built: unpack, render, validate and repositories, run for
 * real in a workspace, over archives that tests make. Each error names the place and what would have been right.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Workspace } from '../../src/builder/sandbox.ts';
import { openWorkspace } from '../../src/builder/workspace.ts';
import type { KilnError } from '../../src/contract/errors.ts';
import { GIB } from '../../src/platform/bytes.ts';
import { packageFile } from '../../src/platform/package-root.ts';
import type { StepContext } from '../../src/runner/step.ts';
import { ARCHIVE_FOLDER, ARCHIVE_NAME } from '../../src/runner/steps/fetch.ts';
import { render } from '../../src/runner/steps/render.ts';
import { repositories } from '../../src/runner/steps/repositories.ts';
import { unpack } from '../../src/runner/steps/unpack.ts';
import { validate } from '../../src/runner/steps/validate.ts';
import { unattended } from '../../src/runner/testing/context.ts';
import { testDocument } from '../../src/runner/testing/document.ts';
import { testBuilderRoot } from '../support/builder-root.ts';
import { KIWI_REFUSES } from '../support/descriptions.ts';

let folder: string;
let workspace: Workspace;
const said: string[] = [];
let serial = 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-checks-'));
  serial += 1;
  workspace = await openWorkspace({
    jobId: `checks-${process.pid}-${serial}`,
    folder: join(folder, 'workspace'),
    builderRoot: (await testBuilderRoot()).path,
    limits: { diskBytes: GIB, memoryBytes: 2 * GIB, cpus: 2, pids: 256 },
    trustedCertificates: [],
  });
  said.length = 0;
});
afterEach(async () => {
  await workspace.close();
  await rm(folder, { recursive: true, force: true });
});

type Entry = Partial<Header> & { name: string; data?: string };

async function tar(...entries: Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { data, ...header } of entries) {
    archive.entry(header as Header, data ?? '');
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

const config = (data: string): Entry => ({ name: 'config.xml', data });

function contextOf(values: Record<string, string> = {}): StepContext {
  const document = testDocument();
  return {
    workspace,
    document: {
      ...document,
      source: {
        ...document.source,
        template_dictionary: Object.entries(values).map(([key, value]) => ({ key, value })),
      },
    },
    signal: new AbortController().signal,
    log: (text) => void said.push(text),
    note: (text) => void said.push(text),
    progress: () => {},
    ...unattended(testDocument()),
  };
}

async function unpacked(archive: Buffer, values: Record<string, string> = {}): Promise<StepContext> {
  const context = contextOf(values);
  await workspace.makeFolder(ARCHIVE_FOLDER);
  await workspace.writeFile(ARCHIVE_FOLDER, ARCHIVE_NAME, archive);
  await unpack.run(context, undefined);
  return context;
}

async function refusal(work: Promise<unknown>): Promise<KilnError> {
  try {
    await work;
  } catch (error) {
    return error as KilnError;
  }
  throw new Error(`it was accepted; it said: ${said.join('; ')}`);
}

const DESCRIPTION = `<?xml version="1.0" encoding="utf-8"?>
<image schemaversion="8.5" name="test">
    <description type="system">
        <author>A</author>
        <contact>a@example.org</contact>
        <specification>S</specification>
    </description>
    <preferences>
        <type image="tbz"/>
        <version>1.0.0</version>
        <packagemanager>apt</packagemanager>
    </preferences>
    <repository type="apt-deb" alias="one" distribution="stable" components="main">
        <source path="http://packages.invalid/debian"/>
    </repository>
    <packages type="bootstrap">
        <package name="base-files"/>
    </packages>
</image>
`;

describe('an archive', () => {
  it.each([
    ['is text', Buffer.from('this is no archive at all'), /no tar|damaged/],
    ['is empty', Buffer.alloc(0), /empty/],
    ['is a zip', Buffer.from('PK\u0003\u0004rest of it'), /zip/],
    ['is a gzip of text', gzipSync('hello'), /no tar|damaged/],
  ])('that %s is told so', async (_, data, message) => {
    const error = await refusal(unpacked(data));

    expect(error).toMatchObject({ code: 'recipe-not-an-archive' });
    expect(error.message).toMatch(message);
  });

  it.each<[string, Entry]>([
    ['a path that climbs out', { name: '../evil', data: 'x' }],
    ['an absolute path', { name: '/etc/evil', data: 'x' }],
    ['a link that climbs out', { name: 'out', type: 'symlink', linkname: '../../etc' }],
    ['an absolute link', { name: 'out', type: 'symlink', linkname: '/etc/passwd' }],
    ['a hard link to a file of the host', { name: 'out', type: 'link', linkname: '/etc/passwd' }],
    ['a device', { name: 'disk', type: 'block-device', devmajor: 8, devminor: 0 }],
    ['a pipe', { name: 'pipe', type: 'fifo' }],
  ])('with %s is refused, and the entry named', async (_, entry) => {
    const error = await refusal(unpacked(await tar(config(DESCRIPTION), entry)));

    expect(error).toMatchObject({ code: 'recipe-archive-hostile', items: [{ file: entry.name }] });
    expect(await readdir(workspace.hostPath('recipe'))).toEqual([]);
  });

  it('that writes through a link is refused', async () => {
    const error = await refusal(
      unpacked(
        await tar(
          config(DESCRIPTION),
          { name: 'root', type: 'directory' },
          { name: 'root/etc', type: 'symlink', linkname: '/etc' },
          { name: 'root/etc/evil', data: 'x' },
        ),
      ),
    );

    expect(error).toMatchObject({ code: 'recipe-archive-hostile', items: [{ file: 'root/etc/evil' }] });
  });

  it('that unpacks to more than is allowed is stopped', async () => {
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));

    expect(await refusal(unpacked(bomb))).toMatchObject({ code: 'recipe-not-an-archive' });
    const large = gzipSync(
      await tar(config(DESCRIPTION), { name: 'large', data: 'x'.repeat(100 * 1024 * 1024) }),
    );
    expect(await refusal(unpack.run(await replaced(large), undefined))).toMatchObject({
      code: 'recipe-archive-too-large',
    });
  });

  async function replaced(archive: Buffer): Promise<StepContext> {
    await workspace.removeFolder('recipe');
    await workspace.writeFile(ARCHIVE_FOLDER, ARCHIVE_NAME, archive);
    return contextOf();
  }

  it('without a config.xml at its top says where one is', async () => {
    const error = await refusal(unpacked(await tar({ name: 'mine/config.xml', data: DESCRIPTION })));

    expect(error).toMatchObject({ code: 'recipe-no-config' });
    expect(error.message).toContain('mine/config.xml');
  });

  it('may name its description as it likes, so long as it ends in .kiwi and is the only one', async () => {
    const context = await unpacked(await tar({ name: 'node.kiwi', data: DESCRIPTION }));
    expect(await validate.run(context, undefined)).toMatchObject({ package_manager: 'apt' });

    const two = await tar({ name: 'a.kiwi', data: DESCRIPTION }, { name: 'b.kiwi', data: DESCRIPTION });
    const error = await refusal(unpack.run(await replaced(two), undefined));
    expect(error).toMatchObject({ code: 'recipe-no-config' });
    expect(error.message).toContain('a.kiwi, b.kiwi');
  });

  it('keeps links into the image, executable scripts, and drops set-user-id', async () => {
    await unpacked(
      await tar(
        { name: './', type: 'directory' },
        { name: './config.xml', data: DESCRIPTION },
        { name: './config.sh', mode: 0o4755, data: '#!/bin/sh\n' },
        { name: './root/etc', type: 'directory' },
        { name: './root/etc/localtime', type: 'symlink', linkname: '/usr/share/zoneinfo/UTC' },
      ),
    );

    const listing = await workspace.run({
      argv: ['sh', '-c', 'stat -c %a /r/config.sh; readlink /r/root/etc/localtime'],
      binds: [{ folder: 'recipe', at: '/r', writable: false }],
      network: 'none',
    });
    expect(listing.stdout).toBe('755\n/usr/share/zoneinfo/UTC\n');
  });
});

describe('templates', () => {
  const list: Entry = { name: '.ims_recipe_template.yaml', data: 'template_files:\n  - config.xml\n' };

  it('are rendered in place, once it is said which files they are', async () => {
    const context = await unpacked(
      await tar(
        list,
        config('one {{ A }}\n{% if B is defined %}b{% else %}no b{% endif %} {{ C | default("c") }}\n'),
      ),
      { A: 'first' },
    );

    await render.run(context, undefined);

    expect(await readFile(join(workspace.hostPath('recipe'), 'config.xml'), 'utf8')).toBe(
      'one first\nno b c',
    );
  });

  it('that print what has no value are told all of it, with file and line', async () => {
    const context = await unpacked(await tar(list, config('one\n{{ RELEASE }}\n{{ A }}\n\n{{ OTHER }}\n')), {
      A: 'a',
    });

    const error = await refusal(render.run(context, undefined));

    expect(error).toMatchObject({
      code: 'recipe-template-invalid',
      items: [
        { file: 'config.xml', line: 2, message: '"RELEASE" has no value' },
        { file: 'config.xml', line: 5, message: '"OTHER" has no value' },
      ],
    });
  });

  it.each<[string, string, object]>([
    ['YAML that is not valid', 'template_files:\n  - [a', { file: '.ims_recipe_template.yaml', line: 2 }],
    ['no list', 'files: 3', { file: '.ims_recipe_template.yaml' }],
    [
      'a file that is not there',
      'template_files: [nope.xml]',
      { message: expect.stringContaining('nope.xml') },
    ],
    ['a file outside', 'template_files: [../x]', { message: expect.stringContaining('outside') }],
  ])('listed by %s are an error', async (_, data, item) => {
    const context = await unpacked(await tar(config('x'), { name: '.ims_recipe_template.yaml', data }));

    expect(await refusal(render.run(context, undefined))).toMatchObject({
      code: 'recipe-template-invalid',
      items: [item],
    });
  });

  it('cannot run code, and cannot run for ever', async () => {
    const hostile = await unpacked(await tar(list, config('{{ "".__class__.__mro__[1].__subclasses__() }}')));

    expect(await refusal(render.run(hostile, undefined))).toMatchObject({ code: 'recipe-template-invalid' });
  });

  it('that are not closed are told the line', async () => {
    const context = await unpacked(await tar(list, config('a\nb\n{% if A %}\n')));

    expect(await refusal(render.run(context, undefined))).toMatchObject({
      code: 'recipe-template-invalid',
      items: [{ file: 'config.xml', line: expect.any(Number) }],
    });
  });
});

describe('a description', () => {
  const validated = async (text: string) => validate.run(await unpacked(await tar(config(text))), undefined);
  const lineOf = (text: string, part: string) => text.slice(0, text.indexOf(part)).split('\n').length;

  it('that is right is summed up', async () => {
    expect(await validated(DESCRIPTION)).toMatchObject({
      name: 'test',
      package_manager: 'apt',
      repositories: [{ alias: 'one', type: 'apt-deb', line: 14 }],
    });
  });

  it('of an older schema version is upgraded as Kiwi does', async () => {
    expect(await validated(DESCRIPTION.replace('schemaversion="8.5"', 'schemaversion="7.5"'))).toMatchObject({
      name: 'test',
    });
  });

  it('that is not well-formed is told the line', async () => {
    const error = await refusal(validated(DESCRIPTION.replace('</preferences>', '</preference>')));

    expect(error).toMatchObject({ code: 'recipe-xml-malformed', items: [{ file: 'config.xml', line: 12 }] });
  });

  it('with an entity bomb is refused', async () => {
    const bomb = KIWI_REFUSES['an entity that grows without end']?.files['config.xml'] ?? '';

    expect(await refusal(validated(bomb))).toMatchObject({
      code: 'recipe-xml-malformed',
    });
  });

  it.each([
    ['a value', 'image="tbz"', 'image="floppy"', 'floppy', 'tbz'],
    ['an attribute', 'alias="one"', 'alias="one" colour="red"', 'colour', 'alias'],
    [
      'an element',
      '<version>1.0.0</version>',
      '<version>1.0.0</version><size>3</size>',
      '<size>',
      'timezone',
    ],
  ])(
    'with %s that the schema does not know is told the line and what is allowed',
    async (_, from, to, wrong, allowed) => {
      const text = DESCRIPTION.replace(from, to);

      const error = await refusal(validated(text));

      expect(error.code).toBe('recipe-schema-invalid');
      const item = error.items.find((each) => each.message.includes(wrong));
      expect(item, JSON.stringify(error.items)).toMatchObject({ file: 'config.xml', line: lineOf(text, to) });
      expect(item?.expected).toContain(allowed);
    },
  );

  it.each([
    ['a locale that no package brings', '<version>', '<locale>de_DE</locale><version>', 'de_DE'],
    ['a package manager that is not there', '>apt<', '>pacman<', 'pacman'],
    [
      'a repository on the host',
      'http://packages.invalid/debian',
      'file:///srv/debian',
      'file:///srv/debian',
    ],
  ])('with %s is told before the build', async (_, from, to, named) => {
    const error = await refusal(validated(DESCRIPTION.replace(from, to)));

    expect(error.code).toBe('recipe-unbuildable');
    expect(error.items[0]?.message).toContain(named);
    expect(error.items[0]?.line).toBeGreaterThan(1);
  });
});

describe('repositories', () => {
  it('that cannot be reached are named with their line', async () => {
    const error = await refusal(
      repositories.run(contextOf(), [
        {
          alias: 'one',
          type: 'rpm-md',
          url: 'http://user:secret@packages.invalid/one',
          distribution: null,
          package_gpgcheck: null,
          repository_gpgcheck: null,
          components: null,
          line: 7,
        },
      ]),
    );

    expect(error).toMatchObject({ code: 'repository-unreachable', items: [{ file: 'config.xml', line: 7 }] });
    expect(error.message).toContain('cannot be resolved');
    expect(error.message + said.join()).not.toContain('secret');
  });

  it('inside the recipe need no network', async () => {
    await repositories.run(contextOf(), [
      {
        alias: 'one',
        type: 'rpm-md',
        url: 'this://rpms',
        distribution: null,
        package_gpgcheck: null,
        repository_gpgcheck: null,
        components: null,
        line: 7,
      },
    ]);

    expect(said).toContain('none to wait for');
  });
});

it('the recipe that ships passes', async () => {
  const source = packageFile('recipes', 'debian-barebones');
  const entries = await Promise.all(
    (await readdir(source)).map(async (name) => ({ name, data: await readFile(join(source, name), 'utf8') })),
  );
  const context = await unpacked(await tar(...entries), { DEBIAN_MIRROR: 'http://packages.invalid/debian' });

  await render.run(context, undefined);

  expect(await validate.run(context, undefined)).toMatchObject({
    name: 'debian-barebones',
    package_manager: 'apt',
  });
});
