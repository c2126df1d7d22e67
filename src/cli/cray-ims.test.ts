/** The command lines of the CSM manuals, with `cray ims` replaced by `kiln`, and the requests that they become. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  IMAGE_ID,
  JOB_ID,
  jobOf,
  json,
  problem,
  RECIPE_ID,
  recipeOf,
  type StandIn,
  startStandIn,
} from '../client/testing/service.ts';
import { runKiln } from './testing/run-kiln.ts';

const KEY_ID = '5c2e0000-0000-4000-8000-000000000004';
const ETAG = 'dd95e38bf328dd31d83d661877df8fcf';
const ARCHIVE = `s3://ims/recipes/${RECIPE_ID}/recipe.tar.gz`;
const MANIFEST = `s3://boot-images/${IMAGE_ID}/manifest.json`;
const KEY_TEXT = 'ssh-ed25519 AAAA admin@ncn-m001\n';

const created = '2026-01-01T00:00:00.000Z';
const metadata = { owner: 'ops', 'sbps-project': 'false' };
const image = { id: IMAGE_ID, created, name: 'sles', arch: 'x86_64', metadata, link: null, job_id: null };
const key = { id: KEY_ID, created, name: 'admin', public_key: KEY_TEXT };
const RECORDS = {
  recipes: recipeOf(),
  images: image,
  'public-keys': key,
  jobs: jobOf({ state: 'succeeded', status: 'success' }),
};

let service: StandIn;
let folder: string;
beforeEach(async () => {
  service = await startStandIn();
  folder = await mkdtemp(join(tmpdir(), 'kiln-cray-'));
  await writeFile(join(folder, 'id_rsa.pub'), KEY_TEXT);
  vi.stubEnv('KILN_SERVER', service.url);
  for (const [noun, record] of Object.entries(RECORDS)) {
    answer(`/kiln/v1/${noun}`, record);
    answer(`/kiln/v1/deleted/${noun}`, { ...record, deleted: created });
  }
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await service[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function answer(path: string, record: { id: string }): void {
  const one = `${path}/${record.id}`;
  service.on(`GET ${path}`, (_asked, response) => json(response, 200, [record]));
  service.on(`POST ${path}`, (_asked, response) => json(response, 201, record));
  service.on(`GET ${one}`, (_asked, response) => json(response, 200, record));
  service.on(`PATCH ${one}`, (_asked, response) => json(response, 200, record));
  service.on(`DELETE ${one}`, (_asked, response) => response.writeHead(204).end());
  service.on(`POST ${one}/undelete`, (_asked, response) => json(response, 200, record));
}

/** Runs a line as a shell would that knows double quotes and `FOLDER`. */
function run(line: string) {
  const words = line
    .replace(/^cray ims/, 'kiln')
    .replaceAll('FOLDER', folder)
    .match(/"[^"]*"|\S+/g);
  const [program, ...rest] = (words ?? []).map((word) => word.replaceAll('"', ''));
  expect(program).toBe('kiln');
  return runKiln(rest);
}

const requests = () =>
  service.asked.map(({ method, path, body }) =>
    body.length === 0 ? [`${method} ${path}`] : [`${method} ${path}`, JSON.parse(String(body))],
  );

/** A line, and the requests that it becomes, each with its body. */
type Row = [line: string, ...requests: [string, object?][]];

const recipePath = `/kiln/v1/recipes/${RECIPE_ID}`;
const RECIPES: Row[] = [
  [
    'cray ims recipes create --name "My Recipe" --recipe-type kiwi-ng --linux-distribution sles15',
    ['POST /kiln/v1/recipes', { name: 'My Recipe', recipe_type: 'kiwi-ng', linux_distribution: 'sles15' }],
  ],
  [
    'cray ims recipes create --name r --recipe-type kiwi-ng --linux-distribution sles15 --arch aarch64 ' +
      '--require-dkms False --template-dictionary-key USS_VERSION,COS_VERSION ' +
      `--template-dictionary-value 1.1.2-1,3.1.2-1 --link-type s3 --link-path ${ARCHIVE} --link-etag ${ETAG}`,
    [
      'POST /kiln/v1/recipes',
      {
        name: 'r',
        recipe_type: 'kiwi-ng',
        linux_distribution: 'sles15',
        arch: 'aarch64',
        require_dkms: false,
        template_dictionary: [
          { key: 'USS_VERSION', value: '1.1.2-1' },
          { key: 'COS_VERSION', value: '3.1.2-1' },
        ],
        link: { type: 's3', path: ARCHIVE, etag: ETAG },
      },
    ],
  ],
  [
    `cray ims recipes update ${RECIPE_ID} --link-type s3 --link-path ${ARCHIVE}`,
    [`PATCH ${recipePath}`, { link: { type: 's3', path: ARCHIVE } }],
    [`GET ${recipePath}`],
  ],
  [
    `cray ims recipes update ${RECIPE_ID} --link-type s3 --link-etag ${ETAG} --link-path ${ARCHIVE} ` +
      '--arch x86_64 --require-dkms True --template-dictionary-key "A, B" --template-dictionary-value 1,2',
    [
      `PATCH ${recipePath}`,
      {
        link: { type: 's3', path: ARCHIVE, etag: ETAG },
        arch: 'x86_64',
        require_dkms: true,
        template_dictionary: [
          { key: 'A', value: '1' },
          { key: 'B', value: '2' },
        ],
      },
    ],
    [`GET ${recipePath}`],
  ],
  [
    `cray ims recipes update --require-dkms false ${RECIPE_ID} --format json`,
    [`PATCH ${recipePath}`, { require_dkms: false }],
    [`GET ${recipePath}`],
  ],
  ['cray ims recipes list --format json', ['GET /kiln/v1/recipes']],
  [`cray ims recipes describe ${RECIPE_ID} --format json`, [`GET ${recipePath}`]],
  [`cray ims recipes delete ${RECIPE_ID}`, [`GET ${recipePath}`], [`DELETE ${recipePath}`]],
];

const imagePath = `/kiln/v1/images/${IMAGE_ID}`;
const IMAGES: Row[] = [
  ['cray ims images create --name sles --format toml', ['POST /kiln/v1/images', { name: 'sles' }]],
  [
    `cray ims images create --name sles --arch aarch64 --link-type s3 --link-path ${MANIFEST} ` +
      `--link-etag ${ETAG} --metadata-key sbps-project --metadata-value true`,
    [
      'POST /kiln/v1/images',
      {
        name: 'sles',
        arch: 'aarch64',
        link: { type: 's3', path: MANIFEST, etag: ETAG },
        metadata: { 'sbps-project': 'true' },
      },
    ],
  ],
  [
    `cray ims images update ${IMAGE_ID} --link-type s3 --link-path ${MANIFEST} --link-etag ${ETAG}`,
    [`PATCH ${imagePath}`, { link: { type: 's3', path: MANIFEST, etag: ETAG } }],
  ],
  [`cray ims images update --arch aarch64 ${IMAGE_ID}`, [`PATCH ${imagePath}`, { arch: 'aarch64' }]],
  [
    `cray ims images update ${IMAGE_ID} --metadata-operation set --metadata-key sbps-project --metadata-value true`,
    [`GET ${imagePath}`],
    [`PATCH ${imagePath}`, { metadata: { owner: 'ops', 'sbps-project': 'true' } }],
  ],
  [
    `cray ims images update ${IMAGE_ID} --metadata-operation remove --metadata-key sbps-project`,
    [`GET ${imagePath}`],
    [`PATCH ${imagePath}`, { metadata: { owner: 'ops' } }],
  ],
  [
    `cray ims images update ${IMAGE_ID} --arch x86_64 --metadata-operation remove --metadata-key x --metadata-value y`,
    [`GET ${imagePath}`],
    [`PATCH ${imagePath}`, { arch: 'x86_64', metadata }],
  ],
  ['cray ims images list', ['GET /kiln/v1/images']],
  [`cray ims images describe ${IMAGE_ID}`, [`GET ${imagePath}`]],
  [`cray ims images delete ${IMAGE_ID}`, [`GET ${imagePath}`], [`DELETE ${imagePath}`]],
];

const keyPath = `/kiln/v1/public-keys/${KEY_ID}`;
const KEYS: Row[] = [
  [
    'cray ims public-keys create --name "username public key" --public-key FOLDER/id_rsa.pub',
    ['POST /kiln/v1/public-keys', { name: 'username public key', public_key: KEY_TEXT }],
  ],
  ['cray ims public-keys list', ['GET /kiln/v1/public-keys']],
  [`cray ims public-keys describe ${KEY_ID}`, [`GET ${keyPath}`]],
  [`cray ims public-keys delete ${KEY_ID}`, [`GET ${keyPath}`], [`DELETE ${keyPath}`]],
];

const jobPath = `/kiln/v1/jobs/${JOB_ID}`;
const JOBS: Row[] = [
  [
    `cray ims jobs create --job-type create --image-root-archive-name sles --artifact-id ${RECIPE_ID} ` +
      `--public-key-id ${KEY_ID} --enable-debug False`,
    [
      'POST /kiln/v1/jobs',
      {
        job_type: 'create',
        image_root_archive_name: 'sles',
        artifact_id: RECIPE_ID,
        public_key_id: KEY_ID,
        enable_debug: false,
      },
    ],
  ],
  [
    `cray ims jobs create --job-type create --image-root-archive-name sles --artifact-id ${RECIPE_ID} ` +
      `--public-key-id ${KEY_ID} --enable-debug True --build-env-size 30 --kernel-file-name vmlinuz ` +
      '--initrd-file-name initrd --kernel-parameters-file-name kernel-parameters --require-dkms True',
    [
      'POST /kiln/v1/jobs',
      {
        job_type: 'create',
        image_root_archive_name: 'sles',
        artifact_id: RECIPE_ID,
        public_key_id: KEY_ID,
        enable_debug: true,
        build_env_size: 30,
        kernel_file_name: 'vmlinuz',
        initrd_file_name: 'initrd',
        kernel_parameters_file_name: 'kernel-parameters',
        require_dkms: true,
      },
    ],
  ],
  [
    `cray ims jobs create --job-type customize --image-root-archive-name mine --artifact-id ${IMAGE_ID} ` +
      `--public-key-id ${KEY_ID} --ssh-containers-name shell --ssh-containers-jail True`,
    [
      'POST /kiln/v1/jobs',
      {
        job_type: 'customize',
        image_root_archive_name: 'mine',
        artifact_id: IMAGE_ID,
        public_key_id: KEY_ID,
        ssh_containers: [{ name: 'shell', jail: true }],
      },
    ],
  ],
  [
    `cray ims jobs create --job-type customize --image-root-archive-name mine --artifact-id ${IMAGE_ID} ` +
      `--public-key-id ${KEY_ID} --ssh-containers-jail False`,
    [
      'POST /kiln/v1/jobs',
      {
        job_type: 'customize',
        image_root_archive_name: 'mine',
        artifact_id: IMAGE_ID,
        public_key_id: KEY_ID,
        ssh_containers: [{ jail: false }],
      },
    ],
  ],
  ['cray ims jobs list', ['GET /kiln/v1/jobs']],
  [`cray ims jobs describe ${JOB_ID}`, [`GET ${jobPath}`]],
  [`cray ims jobs delete ${JOB_ID}`, [`GET ${jobPath}`], [`DELETE ${jobPath}`]],
  ['cray ims jobs deleteall', ['GET /kiln/v1/jobs'], [`DELETE ${jobPath}`]],
  [
    'cray ims jobs deleteall --status success --job-type create --age 3d',
    ['GET /kiln/v1/jobs'],
    [`DELETE ${jobPath}`],
  ],
];

const DELETED: Row[] = (['recipes', 'images', 'public-keys'] as const).flatMap((noun): Row[] => {
  const { id } = RECORDS[noun];
  const path = `/kiln/v1/deleted/${noun}`;
  return [
    [`cray ims deleted ${noun} list`, [`GET ${path}`]],
    [`cray ims deleted ${noun} describe ${id}`, [`GET ${path}/${id}`]],
    [`cray ims deleted ${noun} update ${id} --operation undelete`, [`POST ${path}/${id}/undelete`]],
    [`cray ims deleted ${noun} delete ${id}`, [`GET ${path}/${id}`], [`DELETE ${path}/${id}`]],
  ];
});

describe('a line of the manuals', () => {
  it.each([...RECIPES, ...IMAGES, ...KEYS, ...JOBS, ...DELETED])('%s', async (line, ...expected) => {
    const seen = await run(line);

    expect(seen.stderr).not.toContain('error');
    expect(seen.exitCode).toBe(0);
    expect(requests()).toEqual(expected);
  });

  it('gets the error of the service where the service cannot do it yet', async () => {
    service.on('POST /kiln/v1/jobs', (_asked, response) =>
      problem(response, 422, 'job-type-not-supported', 'jobs of type "customize" cannot be run'),
    );

    const seen = await run(
      `cray ims jobs create --job-type customize --image-root-archive-name mine --artifact-id ${IMAGE_ID}`,
    );

    expect(seen.exitCode).toBe(1);
    expect(seen.stderr).toContain('jobs of type "customize" cannot be run');
  });
});

describe('what was typed before', () => {
  it.each<Row>([
    [
      'kiln recipes create mine --linux-distribution sles15 --require-dkms',
      ['POST /kiln/v1/recipes', { name: 'mine', linux_distribution: 'sles15', require_dkms: true }],
    ],
    ['kiln images create mine', ['POST /kiln/v1/images', { name: 'mine' }]],
    [
      'kiln public-keys create mine --public-key FOLDER/id_rsa.pub',
      ['POST /kiln/v1/public-keys', { name: 'mine', public_key: KEY_TEXT }],
    ],
    [
      `kiln images update ${IMAGE_ID} --set a=1 --set b=2 --unset owner --name new`,
      [`GET ${imagePath}`],
      [`PATCH ${imagePath}`, { name: 'new', metadata: { 'sbps-project': 'false', a: '1', b: '2' } }],
    ],
    [
      `kiln jobs create --artifact-id ${RECIPE_ID} --image-root-archive-name x --enable-debug`,
      [
        'POST /kiln/v1/jobs',
        { job_type: 'create', artifact_id: RECIPE_ID, image_root_archive_name: 'x', enable_debug: true },
      ],
    ],
  ])('is understood still: %s', async (line, ...expected) => {
    expect(await run(line)).toMatchObject({ exitCode: 0 });
    expect(requests()).toEqual(expected);
  });
});

describe('a line that cannot be meant', () => {
  const job = `kiln jobs create --artifact-id ${RECIPE_ID} --image-root-archive-name x`;
  it.each([
    ['kiln recipes create --linux-distribution sles15', 'the name is missing'],
    ['kiln recipes create one --name two --linux-distribution sles15', 'two names, one and --name two'],
    ['kiln images create', 'the name is missing'],
    ['kiln images create one --name two', 'two names'],
    ['kiln public-keys create --public-key FOLDER/id_rsa.pub', 'the name is missing'],
    ['kiln public-keys create one --name two --public-key FOLDER/id_rsa.pub', 'two names'],
    ['kiln images create x --link-type s3', '--link-path is missing'],
    ['kiln images create x --link-etag e', '--link-path is missing'],
    [`kiln images create x --link-path ${MANIFEST} --link-type http`, '--link-type http: it is one of s3'],
    ['kiln images create x --metadata-value v', '--metadata-value needs --metadata-key'],
    [`kiln images update ${IMAGE_ID}`, 'say what to change'],
    [`kiln images update ${IMAGE_ID} --metadata-key k --metadata-value v`, 'go together'],
    [`kiln images update ${IMAGE_ID} --metadata-operation set`, 'go together'],
    [
      `kiln images update ${IMAGE_ID} --metadata-operation add --metadata-key k`,
      '--metadata-operation add: it is one of set, remove',
    ],
    [`kiln recipes update ${RECIPE_ID} --from FOLDER --link-path ${ARCHIVE}`, 'cannot be used with'],
    [`kiln recipes update ${RECIPE_ID} --template-dictionary-key A,B`, '2 template keys and 0 values'],
    [`kiln recipes update ${RECIPE_ID} --require-dkms maybe`, '--require-dkms maybe: it is one of'],
    [`${job} --enable-debug maybe`, '--enable-debug maybe: it is one of'],
    [`${job} --ssh-containers-name a,b --ssh-containers-jail True`, '2 names and 1 jails'],
    [`${job} --ssh-containers-jail maybe`, '--ssh-containers-jail maybe: it is one of'],
    [`kiln deleted images update ${IMAGE_ID} --operation purge`, 'there is only undelete'],
  ])('%s', async (line, message) => {
    const seen = await run(line);

    expect(seen).toMatchObject({ exitCode: 2, stdout: '' });
    expect(seen.stderr).toContain(message);
    expect(service.asked).toEqual([]);
  });
});
