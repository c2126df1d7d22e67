/** What administrators upload recipes with, against a Kiln on its defaults: the AWS command line and boto3. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEmbeddedObjectStore } from '../../src/adapters/artifacts/embedded/index.ts';
import { MIB } from '../../src/platform/bytes.ts';
import { checkedFetch } from '../support/checked-fetch.ts';
import { run } from '../support/run.ts';
import { type InProcessService, startInProcess } from '../support/service.ts';

/** As `cray artifacts` does it: keys from the token service, then boto3 with the endpoint that came with them. */
const AS_CRAY_ARTIFACTS = `
import hashlib, json, sys, urllib.request
import boto3
url, file = sys.argv[1:]
request = urllib.request.Request(url + '/apis/sts/token', method='PUT')
keys = json.load(urllib.request.urlopen(request))['Credentials']
s3 = boto3.client(
    's3',
    aws_access_key_id=keys['AccessKeyId'],
    aws_secret_access_key=keys['SecretAccessKey'],
    aws_session_token=keys['SessionToken'],
    endpoint_url=keys['EndpointURL'],
)
md5 = hashlib.md5(open(file, 'rb').read()).hexdigest()
s3.upload_file(file, 'ims', 'recipes/boto3/recipe.tar.gz', ExtraArgs={'Metadata': {'md5sum': md5}})
head = s3.head_object(Bucket='ims', Key='recipes/boto3/recipe.tar.gz')
listed = s3.list_objects_v2(Bucket='ims', Prefix='recipes/boto3/')['Contents']
s3.download_file('ims', 'recipes/boto3/recipe.tar.gz', file + '.back')
print(json.dumps({'metadata': head['Metadata'], 'size': head['ContentLength'], 'keys': [o['Key'] for o in listed]}))
`;

describe('S3 clients', () => {
  let service: InProcessService;
  let folder: string;
  let file: string;
  const data = randomBytes(20 * MIB + 1);
  beforeAll(async () => {
    service = await startInProcess({ openStore: openEmbeddedObjectStore });
    folder = await mkdtemp(join(tmpdir(), 'kiln-s3-clients-'));
    file = join(folder, 'recipe.tar.gz');
    await writeFile(file, data);
  });
  afterAll(async () => {
    await service.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('upload as cray artifacts does', async () => {
    const answer = JSON.parse(await run('python3', ['-c', AS_CRAY_ARTIFACTS, service.url, file]));
    const md5sum = createHash('md5').update(data).digest('hex');
    expect(answer).toMatchObject({
      metadata: { md5sum },
      size: data.length,
      keys: ['recipes/boto3/recipe.tar.gz'],
    });
    expect((await readFile(`${file}.back`)).equals(data)).toBe(true);
  });

  it('upload, list, copy, fetch and delete as the AWS command line does', async () => {
    const response = await checkedFetch(`${service.url}/kiln/v1/s3/credentials`, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    const keys = (await response.json()) as Record<string, string>;
    const aws = (...words: string[]) =>
      run('aws', ['--endpoint-url', keys['endpoint'] ?? '', ...words], {
        AWS_ACCESS_KEY_ID: keys['access_key_id'] ?? '',
        AWS_SECRET_ACCESS_KEY: keys['secret_access_key'] ?? '',
        AWS_DEFAULT_REGION: keys['region'] ?? '',
      });
    expect(await aws('s3', 'ls')).toMatch(/ ims\n.* boot-images/s);
    await aws('s3', 'cp', '--no-progress', file, 's3://ims/recipes/cli/recipe.tar.gz');
    await aws('s3', 'cp', '--no-progress', 's3://ims/recipes/cli/recipe.tar.gz', 's3://boot-images/copied');
    await aws('s3', 'cp', '--no-progress', 's3://boot-images/copied', `${file}.copied`);
    expect((await readFile(`${file}.copied`)).equals(data)).toBe(true);
    expect(await aws('s3', 'ls', 's3://ims/recipes/')).toContain('PRE cli/');
    const url = (await aws('s3', 'presign', 's3://boot-images/copied')).trim();
    expect((await fetch(url)).headers.get('content-length')).toBe(String(data.length));
    await aws('s3', 'rm', '--recursive', 's3://ims/recipes/cli/');
    expect(await service.objects.head({ bucket: 'ims', key: 'recipes/cli/recipe.tar.gz' })).toBeUndefined();
  });
});
