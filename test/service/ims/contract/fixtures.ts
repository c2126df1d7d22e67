/** Records and objects as clients of the reference make them. */
import { randomUUID } from 'node:crypto';
import type { WireClient } from './client.ts';

export const ROOTFS = 'application/vnd.cray.image.rootfs.squashfs';
export const KERNEL = 'application/vnd.cray.image.kernel';
export const INITRD = 'application/vnd.cray.image.initrd';

export interface Artifact {
  type?: unknown;
  md5?: unknown;
  link?: unknown;
}

/** An image's objects in the store: its artifacts and a manifest that lists them. */
export interface Uploaded {
  readonly link: { path: string; etag: string; type: 's3' };
  /** Of the artifacts, in the order of the manifest. */
  readonly paths: string[];
}

/** Uploads a rootfs, a kernel and an initrd with their manifest below a folder of their own. */
export async function uploadImage(client: WireClient, change: (artifacts: Artifact[]) => void = () => {}) {
  const folder = `s3://boot-images/${randomUUID()}`;
  const artifacts: Artifact[] = [];
  const paths: string[] = [];
  for (const [name, type] of [
    ['rootfs', ROOTFS],
    ['kernel', KERNEL],
    ['initrd', INITRD],
  ] as const) {
    const path = `${folder}/${name}`;
    const info = await client.put(path, `${name} of ${folder}`, { 'x-shasta-ims-image-name': 'an image' });
    artifacts.push({ type, md5: info.md5, link: { path, etag: info.etag, type: 's3' } });
    paths.push(path);
  }
  change(artifacts);
  const manifest = { version: '1.0', created: '2026-01-02 03:04:05.678901', artifacts };
  const uploaded: Uploaded = { link: await uploadManifest(client, manifest, folder), paths };
  return uploaded;
}

/** Uploads this text, or value as JSON, as a manifest. */
export async function uploadManifest(
  client: WireClient,
  manifest: unknown,
  folder = `s3://boot-images/${randomUUID()}`,
) {
  const path = `${folder}/manifest.json`;
  const text =
    typeof manifest === 'string' || Buffer.isBuffer(manifest) ? manifest : JSON.stringify(manifest);
  const { etag } = await client.put(path, text);
  return { path, etag, type: 's3' as const };
}

/** Uploads an archive; gives the link to it. */
export async function uploadRecipe(client: WireClient) {
  const path = `s3://ims/recipes/${randomUUID()}/recipe.tar.gz`;
  const { etag } = await client.put(path, `an archive at ${path}`);
  return { path, etag, type: 's3' as const };
}

export const RECIPE = { name: 'a recipe', recipe_type: 'kiwi-ng', linux_distribution: 'sles15' };
export const PUBLIC_KEY = { name: 'a key', public_key: 'ssh-ed25519 AAAA somebody@somewhere\n' };

/** What a create job needs: a recipe with its archive, and a key. */
export async function readyForJobs(client: WireClient, recipe: object = {}) {
  const link = await uploadRecipe(client);
  const made = await client.make('/v3/recipes', { ...RECIPE, link, ...recipe });
  const key = await client.make('/v3/public-keys', PUBLIC_KEY);
  return {
    job_type: 'create',
    artifact_id: made.id,
    public_key_id: key.id,
    image_root_archive_name: 'an image',
  };
}
