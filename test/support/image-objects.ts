/** What of an image is in the object store, had as its users have it: artifacts by their addresses, the rest over S3. */
import { writeFile } from 'node:fs/promises';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import type { ArtifactName } from '../../src/contract/images.ts';
import type { RunningService } from './kiln.ts';

/** Name, version and architecture of each package. */
export async function packagesOf(
  service: RunningService,
  imageId: string,
): Promise<{ name: string; version: string; arch: string }[]> {
  const keys = await service.client.s3.createCredentials({ hours: 1 });
  const s3 = new S3Client({
    endpoint: keys.endpoint,
    region: keys.region,
    forcePathStyle: true,
    credentials: { accessKeyId: keys.access_key_id, secretAccessKey: keys.secret_access_key },
  });
  try {
    const asked = new GetObjectCommand({ Bucket: 'boot-images', Key: `${imageId}/packages.json` });
    return JSON.parse((await (await s3.send(asked)).Body?.transformToString()) ?? '');
  } finally {
    s3.destroy();
  }
}

/** Writes an artifact to a file. */
export async function fetchArtifact(
  service: RunningService,
  imageId: string,
  name: ArtifactName,
  file: string,
): Promise<void> {
  const artifacts = await service.client.images.artifacts(imageId);
  const found = artifacts.find(({ path }) => path === `s3://boot-images/${imageId}/${name}`);
  expect(found, `${name} among ${artifacts.map(({ path }) => path).join(', ')}`).toBeDefined();
  const answer = await fetch(found?.download_url ?? '');
  expect(answer.status).toBe(200);
  await writeFile(file, Buffer.from(await answer.arrayBuffer()));
}
