/** `kiln load` with manifests of the reference's bulk loader, against a real service. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { openEmbeddedObjectStore } from '../../src/adapters/artifacts/embedded/index.ts';
import { createProgram } from '../../src/cli/program.ts';
import { createClient, type KilnClient } from '../../src/client/index.ts';
import { ARTIFACT_MEDIA_TYPES } from '../../src/contract/images.ts';
import { checkedFetch } from '../support/checked-fetch.ts';
import { type InProcessService, startInProcess } from '../support/service.ts';

const md5Of = (text: string) => createHash('md5').update(text).digest('hex');

let service: InProcessService;
let client: KilnClient;
let folder: string;
let web: Server;
let base: string;
beforeEach(async () => {
  service = await startInProcess({ openStore: openEmbeddedObjectStore });
  client = createClient({ baseUrl: service.url, fetch: checkedFetch });
  folder = await mkdtemp(join(tmpdir(), 'kiln-load-test-'));
  web = createServer((request, response) => {
    response.statusCode = request.url === '/missing' ? 404 : 200;
    response.end(`the web's ${request.url}`);
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  await writeFile(join(folder, 'recipe.tar.gz'), 'a recipe');
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(async () => {
  vi.restoreAllMocks();
  web.close();
  await service.close();
  await rm(folder, { recursive: true, force: true });
});

async function load(manifest: string, ...words: string[]): Promise<void> {
  await writeFile(join(folder, 'manifest.yaml'), manifest);
  const never = () => Promise.reject(new Error('not in this test'));
  const program = createProgram({
    version: '0',
    serve: never,
    describePackages: never,
    builderRoots: () => ({}) as never,
  });
  const argv = ['node', 'kiln', 'load', join(folder, 'manifest.yaml'), '--server', service.url, ...words];
  await program.parseAsync(argv);
}

const MANIFEST = () => `
version: 1.1.0
images:
  compute:
    arch: aarch64
    artifacts:
      - link: { path: ${base}/rootfs, type: http }
        md5: ${md5Of("the web's /rootfs")}
        type: ${ARTIFACT_MEDIA_TYPES.rootfs}
      - link: { path: ${base}/kernel, type: http }
        md5: ${md5Of("the web's /kernel")}
        type: ${ARTIFACT_MEDIA_TYPES.kernel}
recipes:
  barebones:
    link: { path: recipe.tar.gz, type: file }
    md5: ${md5Of('a recipe')}
    linux_distribution: sles15
    recipe_type: kiwi-ng
    template_dictionary: { CSM_VERSION: 1.6, NAME: x }
`;

describe('kiln load', () => {
  it('registers the recipes and images, and writes their ids', async () => {
    await load(MANIFEST(), '--results', join(folder, 'records.yaml'));
    const [image] = await client.images.list();
    const [recipe] = await client.recipes.list();
    expect(image).toMatchObject({ name: 'compute', arch: 'aarch64' });
    expect((await client.images.artifacts(image?.id ?? '')).map(({ md5 }) => md5)).toEqual([
      md5Of("the web's /rootfs"),
      md5Of("the web's /kernel"),
    ]);
    expect(recipe).toMatchObject({
      name: 'barebones',
      require_dkms: false,
      template_dictionary: [
        { key: 'CSM_VERSION', value: '1.6' },
        { key: 'NAME', value: 'x' },
      ],
    });
    expect(parse(await readFile(join(folder, 'records.yaml'), 'utf8'))).toEqual({
      images: { compute: image?.id },
      recipes: { barebones: recipe?.id },
    });
  });

  it('loads nothing twice, unless it is told to', async () => {
    await load(MANIFEST());
    await load(MANIFEST());
    expect([(await client.images.list()).length, (await client.recipes.list()).length]).toEqual([1, 1]);
    await load(MANIFEST(), '--again');
    expect([(await client.images.list()).length, (await client.recipes.list()).length]).toEqual([2, 2]);
  });

  it('changes nothing when it is only to say what it would do', async () => {
    await load(MANIFEST(), '--dry-run');
    expect([await client.images.list(), await client.recipes.list()]).toEqual([[], []]);
  });

  it('fills in placeholders', async () => {
    await writeFile(join(folder, 'values.yaml'), 'site: { name: north }\n');
    const manifest = MANIFEST().replace('barebones:', 'barebones-{{ site.name }}:');
    await load(manifest, '--values', join(folder, 'values.yaml'));
    expect((await client.recipes.list()).map(({ name }) => name)).toEqual(['barebones-north']);
    const missing = load(
      MANIFEST().replace('barebones:', '{{ site.other }}:'),
      '--values',
      join(folder, 'values.yaml'),
    );
    await expect(missing).rejects.toThrow(/manifest.yaml:\d+: \{\{ site.other \}\} has no value/);
  });

  it.each([
    [
      'a checksum that is not that of the data',
      () => MANIFEST().replace(md5Of("the web's /kernel"), '0'.repeat(32)),
      /md5/,
    ],
    ['an address that is not there', () => MANIFEST().replace('/kernel,', '/missing,'), /404/],
    ['a type that nobody knows', () => MANIFEST().replace('image.kernel', 'image.other'), /of the type/],
    ['another version', () => MANIFEST().replace('1.1.0', '2.0.0'), /version/],
    ['a link of another kind', () => MANIFEST().replaceAll('type: http', 'type: ftp'), /type/],
  ])('leaves no image behind for %s', async (_name, manifest, message) => {
    await expect(load(manifest())).rejects.toThrow(message);
    expect(await client.images.list()).toEqual([]);
  });
});
