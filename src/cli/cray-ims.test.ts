/** The command lines of the CSM manuals, with `cray ims` replaced by `kiln`, and the requests that they become. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IMAGE_ID, JOB_ID, problem, RECIPE_ID } from '../client/testing/service.ts';
import {
  KEY_ID,
  KEY_TEXT,
  METADATA,
  RECORDS,
  type Request,
  startWorld,
  type World,
} from './testing/world.ts';

const ETAG = 'dd95e38bf328dd31d83d661877df8fcf';
const ARCHIVE = `s3://ims/recipes/${RECIPE_ID}/recipe.tar.gz`;
const MANIFEST = `s3://boot-images/${IMAGE_ID}/manifest.json`;

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

/** A line, and the requests that it becomes, each with its body. */
type Row = [line: string, ...requests: Request[]];

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
    [`PATCH ${imagePath}`, { arch: 'x86_64', metadata: METADATA }],
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
        shell: { name: 'shell', jail: true },
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
        shell: { jail: false },
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
    const seen = await world.run(line);

    expect(seen.stderr).not.toContain('error');
    expect(seen.exitCode).toBe(0);
    expect(world.requests()).toEqual(expected);
  });

  it('gets the error of the service where the service cannot do it yet', async () => {
    world.service.on('POST /kiln/v1/jobs', (_asked, response) =>
      problem(response, 422, 'job-type-not-supported', 'jobs of type "customize" cannot be run'),
    );

    const seen = await world.run(
      `cray ims jobs create --job-type customize --image-root-archive-name mine --artifact-id ${IMAGE_ID}`,
    );

    expect(seen.exitCode).toBe(1);
    expect(seen.stderr).toContain('jobs of type "customize" cannot be run');
  });
});
