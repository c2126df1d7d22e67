/** Artifacts on a real S3 service, a Ceph RADOS gateway: the store alone, and the reference's wire over it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openS3ObjectStore } from '../../src/adapters/artifacts/s3/index.ts';
import { imsContractSuite } from '../service/ims/contract/index.ts';
import { type Ceph, cephIsThere, cephStore, startCeph, storeOptions } from '../support/ceph.ts';
import { objectStoreSuite } from '../support/object-store-suite.ts';

describe.skipIf(!cephIsThere())('on Ceph', () => {
  let ceph: Ceph;
  const given = { signingKey: Buffer.alloc(32), baseUrl: () => '' };
  beforeAll(async () => {
    ceph = await startCeph();
  });
  afterAll(() => ceph.stop());

  objectStoreSuite(cephStore(() => ceph));
  imsContractSuite(cephStore(() => ceph));

  it('speaks TLS with a certificate of the authority that the settings name, and with no other', async () => {
    const options = { ...storeOptions(ceph, given), endpoint: ceph.tlsEndpoint };
    await expect(openS3ObjectStore({ ...options, caFile: ceph.caFile })).resolves.toBeDefined();
    await expect(openS3ObjectStore(options)).rejects.toMatchObject({
      code: 'store-unreachable',
      message: expect.stringMatching(/certificate/),
    });
  });

  it.each([
    ['nobody listens', 'store-unreachable', { endpoint: 'http://127.0.0.1:9' }],
    [
      'the bucket is missing',
      'store-bucket-missing',
      { buckets: { ims: 'nowhere', 'boot-images': 'nowhere' } },
    ],
    [
      'the key is wrong',
      'store-refused',
      { credentials: { accessKeyId: 'kiln-test', secretAccessKey: 'wrong' } },
    ],
    [
      'nobody knows the key',
      'store-refused',
      { credentials: { accessKeyId: 'nobody', secretAccessKey: 'wrong' } },
    ],
  ])('says when it opens that %s, without a secret', async (_name, code, change) => {
    const opening = openS3ObjectStore({ ...storeOptions(ceph, given), ...change });
    await expect(opening).rejects.toMatchObject({ code, message: expect.not.stringContaining('wrong') });
  });
});
