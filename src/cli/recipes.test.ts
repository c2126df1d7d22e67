import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { json, problem, RECIPE_ID, recipeOf, type StandIn, startStandIn } from '../client/testing/service.ts';
import { mustRun } from '../platform/exec.ts';
import { runKiln } from './testing/run-kiln.ts';

let service: StandIn;
let folder: string;
let archive: Buffer;
beforeEach(async () => {
  service = await startStandIn();
  folder = await mkdtemp(join(tmpdir(), 'kiln-recipes-'));
  archive = Buffer.alloc(0);
  service.on('POST /kiln/v1/recipes', (_asked, response) => json(response, 201, recipeOf()));
  service.on(`PUT /kiln/v1/recipes/${RECIPE_ID}/archive`, (asked, response) => {
    archive = asked.body;
    json(response, 200, recipeOf());
  });
  service.on(`DELETE /kiln/v1/recipes/${RECIPE_ID}`, (_asked, response) => response.writeHead(204).end());
});
afterEach(async () => {
  await service[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function writeRecipe(name: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, 'root', 'etc'), { recursive: true });
  await mkdir(join(path, '.git'));
  await writeFile(join(path, '.git', 'HEAD'), 'secret history');
  await writeFile(join(path, 'config.xml'), '<image/>');
  await writeFile(join(path, '.ims_recipe_template.yaml'), 'template_files: []\n');
  await writeFile(join(path, 'config.sh'), 'true\n', { mode: 0o755 });
  await writeFile(join(path, 'root', 'etc', 'motd'), 'hello\n');
  await symlink('motd', join(path, 'root', 'etc', 'issue'));
  return path;
}

const create = (...words: string[]) =>
  runKiln([
    ...['recipes', 'create', 'compute', '--linux-distribution', 'debian12'],
    ...['--server', service.url, '--format', 'json', ...words],
  ]);

const requests = () => service.asked.map(({ method, path }) => `${method} ${path.split('?')[0]}`);

describe('kiln recipes create --from FOLDER', () => {
  it('uploads an archive of everything but version control, that tar can read', async () => {
    const seen = await create('--from', await writeRecipe('one'));

    expect(seen).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(seen.stdout)).toEqual(recipeOf());
    await writeFile(join(folder, 'got.tar.gz'), archive);
    const { stdout } = await mustRun(['tar', '-tvzf', join(folder, 'got.tar.gz')]);
    const rows = stdout
      .trim()
      .split('\n')
      .map((row) => row.split(/\s+/));
    expect(rows.map((row) => row.slice(5).join(' '))).toEqual([
      '.ims_recipe_template.yaml',
      'config.sh',
      'config.xml',
      'root',
      'root/etc',
      'root/etc/issue -> motd',
      'root/etc/motd',
    ]);
    expect(rows[1]?.slice(0, 2)).toEqual(['-rwxr-xr-x', '0/0']);
  });

  it('makes the same bytes of the same content', async () => {
    await create('--from', await writeRecipe('one'));
    const first = gunzipSync(archive);
    await create('--from', await writeRecipe('two'));

    expect(gunzipSync(archive).equals(first)).toBe(true);
  });

  it('gives values of both kinds', async () => {
    await create(
      ...['--from', await writeRecipe('one'), '--value', 'A=1=2', '--value', 'B='],
      ...[
        '--template-dictionary-key',
        'C,D',
        '--template-dictionary-value',
        '3,4',
        '--require-dkms',
        'false',
      ],
    );

    expect(JSON.parse(String(service.asked[0]?.body))).toEqual({
      name: 'compute',
      linux_distribution: 'debian12',
      template_dictionary: [
        { key: 'A', value: '1=2' },
        { key: 'B', value: '' },
        { key: 'C', value: '3' },
        { key: 'D', value: '4' },
      ],
      require_dkms: false,
    });
  });

  it('removes the record again when the upload fails', async () => {
    service.on(`PUT /kiln/v1/recipes/${RECIPE_ID}/archive`, (_asked, response) =>
      problem(response, 422, 'checksum-mismatch', 'other bytes'),
    );

    const seen = await create('--from', await writeRecipe('one'));

    expect(seen.exitCode).toBe(1);
    expect(seen.stderr).toContain('other bytes');
    expect(requests().at(-1)).toBe(`DELETE /kiln/v1/recipes/${RECIPE_ID}`);
  });

  it('registers nothing for a folder that is no recipe', async () => {
    const seen = await create('--from', folder);

    expect(seen.exitCode).toBe(1);
    expect(seen.stderr).toContain('no config.xml');
    expect(service.asked).toEqual([]);
  });

  it('with --reuse gives the same recipe that is there already', async () => {
    const path = await writeRecipe('one');
    await create('--from', path);
    const etag = createHash('md5').update(archive).digest('hex');
    const same = recipeOf({ link: { path: 's3://ims/x', type: 's3', etag } });
    const others = [
      recipeOf({ id: 'a', link: { path: 's3://ims/y', type: 's3', etag: 'other' } }),
      recipeOf({ ...same, id: 'b', template_dictionary: [{ key: 'A', value: '1' }] }),
    ];
    service.on('GET /kiln/v1/recipes', (_asked, response) => json(response, 200, [...others, same]));

    const reused = await create('--from', path, '--reuse');
    const made = await create('--from', path, '--reuse', '--value', 'A=2');

    expect(JSON.parse(reused.stdout)).toEqual(same);
    expect(JSON.parse(made.stdout)).toEqual(recipeOf());
  });
});

it('warns of a distribution that nobody knows, and registers the recipe', async () => {
  const words = ['recipes', 'create', 'c', '--linux-distribution', 'myos1', '--server', service.url];
  const seen = await runKiln([...words, '--format', 'json']);

  expect([seen.exitCode, seen.stderr]).toEqual([0, expect.stringContaining('warning: Kiln does not know')]);
  expect(JSON.parse(seen.stdout)).toEqual(recipeOf());
});

describe('kiln recipes delete', () => {
  beforeEach(() => {
    service.on(`GET /kiln/v1/recipes/${RECIPE_ID}`, (_asked, response) => json(response, 200, recipeOf()));
  });

  it('says on a dry run what would go, and deletes nothing', async () => {
    const seen = await runKiln(['recipes', 'delete', RECIPE_ID, '--dry-run', '--server', service.url]);

    expect(seen).toMatchObject({ exitCode: 0, stderr: `would delete:\n  ${RECIPE_ID} compute\n` });
    expect(requests()).toEqual([`GET /kiln/v1/recipes/${RECIPE_ID}`]);
  });

  it('deletes none of several when one is not there', async () => {
    const seen = await runKiln(['recipes', 'rm', RECIPE_ID, 'nobody', '--server', service.url]);

    expect(seen.exitCode).toBe(1);
    expect(requests()).not.toContain(`DELETE /kiln/v1/recipes/${RECIPE_ID}`);
  });

  it('deletes', async () => {
    const seen = await runKiln(['recipes', 'delete', RECIPE_ID, '--yes', '--server', service.url]);

    expect(seen).toMatchObject({ exitCode: 0, stderr: `deleted recipe ${RECIPE_ID}\n` });
  });
});
