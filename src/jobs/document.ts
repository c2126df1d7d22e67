/** The document that tells a runner all it has to know about its job. */
import { KilnError } from '../contract/errors.ts';
import type { ArtifactName } from '../contract/images.ts';
import type { JobDocument } from '../contract/runner.ts';
import type { ObjectAddress, ObjectInfo, ObjectStore } from '../features/objects/store.ts';
import type { Clock } from '../platform/clock.ts';
import type { JobRecords } from '../ports/records.ts';
import { addressOf, imageObject, pathOf } from './addresses.ts';
import { type JobsConfig, limitsOf } from './config.ts';
import { rootOfImage } from './image-source.ts';
import type { InspectionNotes, StoredJob } from './store.ts';

export interface BuilderRootOnHost {
  readonly digest: string;
  readonly path: string;
}

export interface DocumentDeps {
  readonly records: JobRecords;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly config: JobsConfig;
  /** Base address under which runners reach the service, known once it listens. */
  readonly apiUrl: () => string;
  /** Where builds find packages under the platform's own names. */
  readonly packages: {
    readonly names: readonly string[];
    readonly address: string | null;
    readonly signing_key: string | null;
  } | null;
  /** PEM certificates that builds and images trust at the moment. */
  readonly trustedCertificates: () => readonly string[];
  /** PEM certificates of the object store. */
  readonly storeCertificates: readonly string[];
}

export interface DocumentInput {
  readonly job: StoredJob;
  readonly token: string;
  readonly builderRoot: BuilderRootOnHost;
  /** Folder of the job where it will run. */
  readonly workspace: string;
}

/** Throws `recipe-not-found`, `recipe-without-archive` or `object-not-found` when the recipe is gone. */
export async function makeDocument(deps: DocumentDeps, input: DocumentInput): Promise<JobDocument> {
  const { config } = deps;
  const { request, snapshot, reservedImageId } = input.job;
  const { source, archive } = await findSource(deps, input.job);
  const expires = new Date(deps.clock.now().getTime() + config.urlSeconds * 1000);
  const upload = async (name: ArtifactName | 'manifest.json' | 'packages.json') => {
    const address = imageObject(reservedImageId, name);
    return { url: await deps.objects.presign('PUT', address, expires), path: pathOf(address) };
  };
  return {
    version: 1,
    job_id: request.id,
    attempt: snapshot.attempt,
    image_name: request.image_root_archive_name,
    arch: request.arch,
    enable_debug: request.enable_debug,
    require_dkms: request.require_dkms,
    kernel_file_name: request.kernel_file_name,
    initrd_file_name: request.initrd_file_name,
    kernel_parameters_file_name: request.kernel_parameters_file_name,
    api: { url: deps.apiUrl(), token: input.token, grace_seconds: config.graceSeconds },
    job_type: request.job_type,
    changes: [...input.job.customization.changes],
    shell: await shellOf(deps, input.job),
    resume:
      input.job.retry.of === null || input.job.retry.resume === null
        ? null
        : { job_id: input.job.retry.of, ...input.job.retry.resume },
    image_cache_bytes: config.imageCacheBytes,
    ...(input.job.inspection === null
      ? {}
      : { inspection: await inspectionOf(deps, input.job, input.job.inspection, expires) }),
    source: {
      ...source,
      url: await deps.objects.presign('GET', archive, expires),
      size_bytes: archive.sizeBytes,
      md5: archive.md5,
      sha256: archive.sha256,
    },
    image: {
      id: reservedImageId,
      uploads: {
        rootfs: await upload('rootfs'),
        kernel: await upload('kernel'),
        initrd: await upload('initrd'),
        boot_parameters: await upload('boot_parameters'),
        manifest: await upload('manifest.json'),
        packages: await upload('packages.json'),
      },
    },
    builder_root: input.builderRoot,
    workspace: input.workspace,
    cache: config.cacheFolder,
    limits: limitsOf(config, input.job),
    deadlines: { ...config.deadlines },
    repository_wait_seconds: config.repositoryWaitSeconds,
    squashfs_zstd_level: config.squashfsZstdLevel,
    signing_keys: (await deps.records.signingKeys.list()).map(({ name, fingerprint, public_key }) => ({
      name,
      fingerprint,
      public_key,
    })),
    packages: deps.packages === null ? null : { ...deps.packages, names: [...deps.packages.names] },
    trusted_certificates: [...deps.trustedCertificates()],
    store_certificates: [...deps.storeCertificates],
  };
}

interface Found {
  readonly source: Pick<JobDocument['source'], 'id' | 'name' | 'template_dictionary'>;
  readonly archive: ObjectInfo;
}

async function findSource(deps: DocumentDeps, { request, inspection }: StoredJob): Promise<Found> {
  const id = request.artifact_id;
  if (request.job_type === 'import') {
    return await findRoot(deps, id);
  }
  if (request.job_type === 'customize') {
    const { name, object } = await rootOfImage(deps, id);
    return { source: { id, name, template_dictionary: [] }, archive: object };
  }
  if (inspection === null) {
    return await findRecipe(deps, id);
  }
  const { archive: address, values } = inspection;
  const found = address === null ? await findRecipe(deps, id) : await findUpload(deps, id, address);
  const { template_dictionary } = found.source;
  return { ...found, source: { ...found.source, template_dictionary: [...template_dictionary, ...values] } };
}

/** A build that fails opens one only when it was asked to be kept. */
async function shellOf(
  deps: DocumentDeps,
  { request, customization }: StoredJob,
): Promise<JobDocument['shell']> {
  const debug = request.job_type === 'create' && request.enable_debug;
  const asked = customization.shell ?? (debug ? { name: 'debug', jail: false } : null);
  if (asked === null || request.public_key_id === null) {
    return null;
  }
  const key = await deps.records.publicKeys.find(request.public_key_id);
  if (key === undefined) {
    throw new KilnError('public-key-not-found', `there is no public key ${request.public_key_id} any more`);
  }
  const { shells } = deps.config;
  return {
    ...asked,
    always: request.job_type === 'customize',
    authorized_keys: `${key.public_key.trim()}\n`,
    listen: shells.listen,
    host: shells.host,
    first_port: shells.firstPort,
    last_port: shells.lastPort,
    idle_seconds: shells.idleSeconds,
    total_seconds: shells.totalSeconds,
  };
}

async function findUpload(deps: DocumentDeps, id: string, address: ObjectAddress): Promise<Found> {
  const archive = await deps.objects.head(address);
  if (archive === undefined) {
    throw new KilnError('object-not-found', `the archive ${pathOf(address)} is not in the store`);
  }
  return { source: { id, name: 'an uploaded recipe', template_dictionary: [] }, archive };
}

/** With the packages of the last image that was made from the recipe, when that is known. */
async function inspectionOf(
  deps: DocumentDeps,
  { request }: StoredJob,
  { schemaOnly, plan }: InspectionNotes,
  expires: Date,
): Promise<NonNullable<JobDocument['inspection']>> {
  const builds = plan
    ? (await deps.records.jobs.list()).filter((job) => job.request.artifact_id === request.artifact_id)
    : [];
  const image_id = builds.findLast((job) => job.snapshot.resultantImageId !== null)?.snapshot
    .resultantImageId;
  const list = image_id == null ? undefined : imageObject(image_id, 'packages.json');
  const known = list !== undefined && (await deps.objects.head(list)) !== undefined;
  return {
    schema_only: schemaOnly,
    plan,
    previous:
      image_id == null || list === undefined || !known
        ? null
        : { image_id, url: await deps.objects.presign('GET', list, expires) },
  };
}

async function findRecipe(deps: DocumentDeps, id: string): Promise<Found> {
  const recipe = await deps.records.recipes.find(id);
  if (recipe === undefined) {
    throw new KilnError('recipe-not-found', `there is no recipe ${id} any more`);
  }
  if (recipe.link === null) {
    throw new KilnError('recipe-without-archive', `"${recipe.name}" has no archive`);
  }
  const archive = await deps.objects.head(addressOf(recipe.link.path));
  if (archive === undefined) {
    throw new KilnError('object-not-found', `the archive ${recipe.link.path} is not in the store`);
  }
  const { name, template_dictionary } = recipe;
  return { source: { id, name, template_dictionary }, archive };
}

/** The root file system that was uploaded for an image to be. */
async function findRoot(deps: DocumentDeps, id: string): Promise<Found> {
  const image = await deps.records.images.find(id);
  if (image === undefined) {
    throw new KilnError('image-not-found', `there is no image ${id} any more`);
  }
  const archive = await deps.objects.head(imageObject(id, 'import'));
  if (archive === undefined) {
    throw new KilnError('object-not-found', `no root file system was uploaded for image ${id}`);
  }
  return { source: { id, name: image.name, template_dictionary: [] }, archive };
}
