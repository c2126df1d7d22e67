/** A real Ceph with a RADOS gateway for one test file, from Debian's packages; see `scripts/test-ceph.sh`. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { openS3ObjectStore, type S3StoreOptions } from '../../src/adapters/artifacts/s3/index.ts';
import { MIB } from '../../src/platform/bytes.ts';
import type { OpenStore } from './service.ts';

export interface Ceph {
  readonly endpoint: string;
  /** The same over TLS, with a certificate of the authority in `caFile`. */
  readonly tlsEndpoint: string;
  readonly caFile: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  stop(): Promise<void>;
}

const BUCKETS = { ims: 'ims', 'boot-images': 'boot-images' };

/** Whether Ceph is installed here; says so loudly when it is not. */
export function cephIsThere(): boolean {
  const found = spawnSync('radosgw', ['--version']).status === 0;
  if (!found) {
    console.error(
      'SKIPPED: NO TESTS AGAINST A REAL S3 SERVICE. Ceph is missing: scripts/prerequisites.sh --for test',
    );
  }
  return found;
}

/** Starts one and makes the two buckets. It ends with this process at the latest. */
export async function startCeph(): Promise<Ceph> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-ceph-'));
  const child = spawn('bash', ['scripts/test-ceph.sh', folder], { stdio: ['pipe', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk;
  });
  const exited = once(child, 'exit');
  const lines = createInterface(child.stdout);
  const [line] = (await Promise.race([once(lines, 'line'), exited])) as unknown[];
  if (typeof line !== 'string') {
    throw new Error(`Ceph does not start: ${complaints}`);
  }
  const facts = JSON.parse(line) as Omit<Ceph, 'stop'>;
  const { endpoint, ...credentials } = facts;
  const client = new S3Client({ endpoint, credentials, region: 'default', forcePathStyle: true });
  for (const Bucket of Object.values(BUCKETS)) {
    await client.send(new CreateBucketCommand({ Bucket }));
  }
  client.destroy();
  return {
    ...facts,
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}

/** Options of the adapter for this Ceph, with parts as small as S3 allows so that tests see many of them. */
export function storeOptions(
  ceph: Ceph,
  given: Pick<S3StoreOptions, 'signingKey' | 'baseUrl'>,
): S3StoreOptions {
  const { endpoint, accessKeyId, secretAccessKey } = ceph;
  return {
    ...given,
    endpoint,
    region: 'default',
    credentials: { accessKeyId, secretAccessKey },
    caFile: '',
    pathStyle: true,
    buckets: BUCKETS,
    partBytes: 5 * MIB,
    copyAtOnceBytes: 6 * MIB,
  };
}

export function cephStore(ceph: () => Ceph): OpenStore {
  return async ({ signingKey, baseUrl }) =>
    await openS3ObjectStore(storeOptions(ceph(), { signingKey, baseUrl }));
}
