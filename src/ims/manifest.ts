/**
 * The checks of a manifest in the reference's order, with its statuses. They ask less than Kiln does of manifests
 * that it writes, since images of other makers have to pass.
 */
import type { Link } from '../contract/common.ts';
import { KilnError } from '../contract/errors.ts';
import { ARTIFACT_MEDIA_TYPES } from '../contract/images.ts';
import { addressOf } from '../features/objects/index.ts';
import { problem, unprocessable, type WireError } from './answers.ts';
import type { ImsServices } from './services.ts';
import { isObject } from './validation.ts';

type Objects = ImsServices['objects'];

const LIMIT_BYTES = 1_048_576;

function refused(detail: string): WireError {
  return unprocessable(detail, { link: [detail] });
}

/** Throws 422 unless there is an object at the link. */
export async function mustBeStored(objects: Objects, { path }: Pick<Link, 'path'>): Promise<void> {
  if ((await objects.head(addressOf({ path }))) === undefined) {
    throw refused(`There is no object at ${path}.`);
  }
}

/** Content of the manifest: 422 when there is none or it is no JSON, 400 when it is too large. */
export async function readManifest(objects: Objects, { path }: Pick<Link, 'path'>): Promise<unknown> {
  const address = addressOf({ path });
  const info = await objects.head(address);
  if (info === undefined) {
    throw refused(`There is no object at ${path}.`);
  }
  if (info.sizeBytes >= LIMIT_BYTES) {
    const detail = `The manifest ${path} has ${info.sizeBytes} bytes; it must have less than ${LIMIT_BYTES}.`;
    throw problem(400, detail);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of (await objects.get(address)).data) {
    chunks.push(chunk);
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw refused(`The manifest ${path} cannot be read as JSON: ${reason}`);
  }
}

/** Whether an artifact is the root file system, by the prefix of its media type. */
export function isRootfs(artifact: object): boolean {
  const type: unknown = Reflect.get(artifact, 'type');
  return typeof type === 'string' && type.startsWith(ARTIFACT_MEDIA_TYPES.rootfs);
}

/** Throws the reference's answer to the first thing that is wrong with the manifest behind the link. */
export async function checkManifest(objects: Objects, link: Pick<Link, 'path'>): Promise<void> {
  const manifest = await readManifest(objects, link);
  if (isEmpty(manifest)) {
    return;
  }
  if (!isObject(manifest)) {
    throw refused('The manifest is no JSON object.');
  }
  const version: unknown = Reflect.get(manifest, 'version');
  if (version !== '1.0') {
    throw refused(`The version of the manifest has to be "1.0", not ${JSON.stringify(version)}.`);
  }
  const artifacts: unknown = Reflect.get(manifest, 'artifacts');
  if (!Array.isArray(artifacts) || !artifacts.every(isObject)) {
    throw refused('The manifest has to have "artifacts", a list of objects.');
  }
  for (const artifact of artifacts) {
    await mustBeStored(objects, { path: artifactPath(artifact) });
  }
  if (artifacts.some((artifact) => typeof Reflect.get(artifact, 'type') !== 'string')) {
    throw refused('Each artifact of the manifest has to have a type.');
  }
  const roots = artifacts.filter(isRootfs).length;
  if (roots !== 1) {
    throw problem(400, `The manifest lists ${roots} root file systems; it has to list exactly one.`);
  }
}

/** Throws 422 when the artifact has no link into S3. */
function artifactPath(artifact: object): string {
  const link: unknown = Reflect.get(artifact, 'link');
  const path: unknown = isObject(link) ? Reflect.get(link, 'path') : undefined;
  if (!isObject(link) || Reflect.get(link, 'type') !== 's3' || typeof path !== 'string') {
    throw refused('Each artifact of the manifest has to have a link with a path and the type s3.');
  }
  return path;
}

function isEmpty(value: unknown): boolean {
  return !value || (typeof value === 'object' && Object.keys(value).length === 0);
}

/** Path of the root file system of an image that a job starts from; what is wrong with it is a 400. */
export async function rootfsOf(objects: Objects, link: Pick<Link, 'path'>): Promise<string> {
  const manifest = await readManifest(objects, link);
  const version: unknown = isObject(manifest) ? Reflect.get(manifest, 'version') : undefined;
  if (version !== '1.0') {
    throw problem(400, `The version of the manifest has to be "1.0", not ${JSON.stringify(version)}.`);
  }
  const artifacts: unknown = isObject(manifest) ? Reflect.get(manifest, 'artifacts') : undefined;
  const roots = (Array.isArray(artifacts) ? artifacts : []).filter(isObject).filter(isRootfs);
  const [root] = roots;
  const rootLink: unknown = root === undefined ? undefined : Reflect.get(root, 'link');
  const path: unknown = isObject(rootLink) ? Reflect.get(rootLink, 'path') : undefined;
  if (roots.length !== 1 || typeof path !== 'string') {
    throw problem(400, `The manifest lists ${roots.length} root file systems; it has to link exactly one.`);
  }
  return path;
}

/** The same error for a record that a request names in its body: the reference says 400 there. */
export async function named<T>(find: Promise<T>): Promise<T> {
  try {
    return await find;
  } catch (error) {
    throw error instanceof KilnError && error.entry.status === 404 ? problem(400, error.message) : error;
  }
}
