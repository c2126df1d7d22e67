/** Flags that have a spelling of ours and one of `cray ims`: both are understood, and what cannot be meant is not. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IMAGE_ID, RECIPE_ID } from '../client/testing/service.ts';
import { KEY_TEXT, type Request, startWorld, type World } from './testing/world.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

describe('what was typed before', () => {
  it.each<[line: string, ...requests: Request[]]>([
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
      [`GET /kiln/v1/images/${IMAGE_ID}`],
      [
        `PATCH /kiln/v1/images/${IMAGE_ID}`,
        { name: 'new', metadata: { 'sbps-project': 'false', a: '1', b: '2' } },
      ],
    ],
    [
      `kiln jobs create --artifact-id ${RECIPE_ID} --image-root-archive-name x --enable-debug`,
      [
        'POST /kiln/v1/jobs',
        { job_type: 'create', artifact_id: RECIPE_ID, image_root_archive_name: 'x', enable_debug: true },
      ],
    ],
  ])('is understood still: %s', async (line, ...expected) => {
    expect(await world.run(line)).toMatchObject({ exitCode: 0 });
    expect(world.requests()).toEqual(expected);
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
    [
      `kiln images create x --link-path s3://boot-images/x --link-type http`,
      '--link-type http: it is one of s3',
    ],
    ['kiln images create x --metadata-value v', '--metadata-value needs --metadata-key'],
    [`kiln images update ${IMAGE_ID}`, 'say what to change'],
    [`kiln images update ${IMAGE_ID} --metadata-key k --metadata-value v`, 'go together'],
    [`kiln images update ${IMAGE_ID} --metadata-operation set`, 'go together'],
    [
      `kiln images update ${IMAGE_ID} --metadata-operation add --metadata-key k`,
      '--metadata-operation add: it is one of set, remove',
    ],
    [`kiln recipes update ${RECIPE_ID} --from FOLDER --link-path s3://ims/x.tgz`, 'cannot be used with'],
    [`kiln recipes update ${RECIPE_ID} --template-dictionary-key A,B`, '2 template keys and 0 values'],
    [`kiln recipes update ${RECIPE_ID} --require-dkms maybe`, '--require-dkms maybe: it is one of'],
    [`${job} --enable-debug maybe`, '--enable-debug maybe: it is one of'],
    [`${job} --ssh-containers-name a,b --ssh-containers-jail True`, '2 names and 1 jails'],
    [`${job} --ssh-containers-jail maybe`, '--ssh-containers-jail maybe: it is one of'],
    [`kiln deleted images update ${IMAGE_ID} --operation purge`, 'there is only undelete'],
  ])('%s', async (line, message) => {
    const seen = await world.run(line);

    expect(seen).toMatchObject({ exitCode: 2, stdout: '' });
    expect(seen.stderr).toContain(message);
    expect(world.requests()).toEqual([]);
  });
});
