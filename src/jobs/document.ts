/** The document that tells a runner all it has to know about its job. */
import type { Secrets } from '../contract/customizations.ts';
import { KilnError } from '../contract/errors.ts';
import { RECORDINGS } from '../contract/history.ts';
import type { ArtifactName } from '../contract/images.ts';
import type { JobDocument } from '../contract/runner.ts';
import type { ObjectAddress, ObjectInfo, ObjectStore } from '../features/objects/store.ts';
import type { Clock } from '../platform/clock.ts';
import type { Sealer } from '../platform/seal.ts';
import type { JobRecords } from '../ports/records.ts';
import { addressOf, type ImageCompanion, imageObject, pathOf } from './addresses.ts';
import { type JobsConfig, limitsOf } from './config.ts';
import { archivesOf, shellOf } from './customizations.ts';
import { rootOfImage } from './image-source.ts';
import { recordObject } from './record.ts';
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
  /** Address of an object at the door for runners on build nodes. */
  readonly doorAddress: (method: 'GET' | 'PUT', address: ObjectAddress, expires: Date) => string;
  /** Of the secrets of jobs. */
  readonly sealer: Sealer;
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
export async function makeDocument(given: DocumentDeps, input: DocumentInput): Promise<JobDocument> {
  const deps: Deps = { ...given, presign: presignFor(given, input.job) };
  const { config } = deps;
  const { request, snapshot, reservedImageId } = input.job;
  const { source, archive } = await findSource(deps, input.job);
  const expires = new Date(deps.clock.now().getTime() + config.urlSeconds * 1000);
  const uploadTo = async (address: ObjectAddress) => ({
    url: await deps.presign('PUT', address, expires),
    path: pathOf(address),
  });
  const upload = (name: ArtifactName | 'manifest.json' | ImageCompanion) =>
    uploadTo(imageObject(reservedImageId, name));
  const shell = await openedShell(deps, input.job);
  const uploadsOf = (address: (number: number) => ObjectAddress) =>
    Promise.all(
      Array.from({ length: shell === null ? 0 : RECORDINGS }, (_, index) => uploadTo(address(index + 1))),
    );
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
    api: { url: deps.apiUrl(), socket: null, token: input.token, grace_seconds: config.graceSeconds },
    job_type: request.job_type,
    changes: [...input.job.customization.changes],
    secrets: await secretsOf(deps, input.job),
    secret_names: [...input.job.customization.secretNames],
    archives: await Promise.all(
      archivesOf(input.job.customization).map((path) => archiveOf(deps, path, expires)),
    ),
    shell,
    record:
      shell === null
        ? null
        : {
            sessions: await uploadTo(recordObject(request.id, 'sessions.json')),
            recordings: await uploadsOf((number) => recordObject(request.id, `${number}.cast`)),
          },
    resume:
      input.job.retry.of === null || input.job.retry.resume === null
        ? null
        : { job_id: input.job.retry.of, ...input.job.retry.resume },
    node: input.job.place,
    image_cache_bytes: config.imageCacheBytes,
    ...(input.job.inspection === null
      ? {}
      : { inspection: await inspectionOf(deps, input.job, input.job.inspection, expires) }),
    source: {
      ...source,
      ...(await fetched(deps, archive, expires)),
      history: request.job_type === 'customize' ? await historyOf(deps, request.artifact_id, expires) : null,
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
        history: await upload('history.json'),
        recordings: await uploadsOf((number) => imageObject(reservedImageId, `recordings/${number}.cast`)),
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

type Deps = DocumentDeps & { readonly presign: ObjectStore['presign'] };

/** A runner on a build node has no way to the store but the door of the service. */
function presignFor({ objects, doorAddress }: DocumentDeps, { place }: StoredJob): ObjectStore['presign'] {
  return place === null ? (...asked) => objects.presign(...asked) : async (...asked) => doorAddress(...asked);
}

/** How the image that is customized came to be; null when it was not customized itself. */
async function historyOf({ objects, presign }: Deps, imageId: string, expires: Date): Promise<string | null> {
  const address = imageObject(imageId, 'history.json');
  const isThere = (await objects.head(address)) !== undefined;
  return isThere ? await presign('GET', address, expires) : null;
}

async function fetched(deps: Deps, object: ObjectInfo, expires: Date) {
  return {
    url: await deps.presign('GET', object, expires),
    size_bytes: object.sizeBytes,
    md5: object.md5,
    sha256: object.sha256,
  };
}

async function archiveOf(deps: Deps, path: string, expires: Date) {
  const object = await deps.objects.head(addressOf(path));
  if (object === undefined) {
    throw new KilnError('object-not-found', `the archive ${path} is not in the store any more`);
  }
  return { path, ...(await fetched(deps, object, expires)) };
}

async function secretsOf(deps: Deps, { request }: StoredJob): Promise<Secrets> {
  const sealed = await deps.records.jobs.secrets(request.id);
  if (sealed === undefined) {
    return {};
  }
  try {
    return JSON.parse(deps.sealer.unseal(sealed));
  } catch (cause) {
    throw new KilnError('secrets-missing', 'the key of the service has changed since they were given', {
      cause,
    });
  }
}

interface Found {
  readonly source: Pick<JobDocument['source'], 'id' | 'name' | 'template_dictionary' | 'is_checked'>;
  readonly archive: ObjectInfo;
}

async function findSource(deps: Deps, { request, inspection }: StoredJob): Promise<Found> {
  const id = request.artifact_id;
  if (request.job_type === 'import') {
    return await findRoot(deps, id);
  }
  if (request.job_type === 'customize') {
    const { name, object, isChecked } = await rootOfImage(deps, id);
    return { source: { id, name, template_dictionary: [], is_checked: isChecked }, archive: object };
  }
  if (inspection === null) {
    return await findRecipe(deps, id);
  }
  const { archive: address, values } = inspection;
  const found = address === null ? await findRecipe(deps, id) : await findUpload(deps, id, address);
  const { template_dictionary } = found.source;
  return { ...found, source: { ...found.source, template_dictionary: [...template_dictionary, ...values] } };
}

async function openedShell(deps: Deps, { request, customization }: StoredJob): Promise<JobDocument['shell']> {
  const asked = shellOf(request, customization);
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
    authorized_keys: `${key.public_key.trim()}\n`,
    host: shells.host,
    door: { listen: shells.listen, first_port: shells.firstPort, last_port: shells.lastPort },
    idle_seconds: shells.idleSeconds,
    total_seconds: shells.totalSeconds,
  };
}

async function findUpload(deps: Deps, id: string, address: ObjectAddress): Promise<Found> {
  const archive = await deps.objects.head(address);
  if (archive === undefined) {
    throw new KilnError('object-not-found', `the archive ${pathOf(address)} is not in the store`);
  }
  return { source: { id, name: 'an uploaded recipe', template_dictionary: [], is_checked: false }, archive };
}

/** With the packages of the last image that was made from the recipe, when that is known. */
async function inspectionOf(
  deps: Deps,
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
        : { image_id, url: await deps.presign('GET', list, expires) },
  };
}

async function findRecipe(deps: Deps, id: string): Promise<Found> {
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
  return { source: { id, name, template_dictionary, is_checked: false }, archive };
}

/** The root file system that was uploaded for an image to be. */
async function findRoot(deps: Deps, id: string): Promise<Found> {
  const image = await deps.records.images.find(id);
  if (image === undefined) {
    throw new KilnError('image-not-found', `there is no image ${id} any more`);
  }
  const archive = await deps.objects.head(imageObject(id, 'import'));
  if (archive === undefined) {
    throw new KilnError('object-not-found', `no root file system was uploaded for image ${id}`);
  }
  return { source: { id, name: image.name, template_dictionary: [], is_checked: false }, archive };
}
