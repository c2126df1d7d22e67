/**
 * What an existing service of the reference keeps, as a document that Kiln imports: the JSON files of its data
 * folder, or the `export.json` of a backup that the CSM scripts made. Records that Kiln could not keep are left out,
 * each with its reason.
 */
import type { TSchema } from 'typebox';
import { Errors } from 'typebox/value';
import { DeletedImage, DeletedPublicKey, DeletedRecipe } from '../contract/deleted.ts';
import { ERROR_CATALOGUE, KilnError } from '../contract/errors.ts';
import { type ExportDocument, ExportedJob } from '../contract/exchange.ts';
import { Image } from '../contract/images.ts';
import { BuildNodeCreate } from '../contract/nodes.ts';
import { PublicKey } from '../contract/public-keys.ts';
import { Recipe } from '../contract/recipes.ts';
import type { Converted } from '../features/exchange/index.ts';

type Raw = Readonly<Record<string, unknown>>;

interface RawData {
  readonly images: readonly unknown[];
  readonly recipes: readonly unknown[];
  readonly publicKeys: readonly unknown[];
  readonly deletedImages: readonly unknown[];
  readonly deletedRecipes: readonly unknown[];
  readonly deletedPublicKeys: readonly unknown[];
  readonly jobs: readonly unknown[];
  readonly nodes: readonly unknown[];
}

/** Names of the data files, without their version: `v2.1_images.json`, `v3.2_deleted_recipes.json`. */
const DATA_FILES: Readonly<Record<string, keyof RawData>> = {
  images: 'images',
  recipes: 'recipes',
  public_keys: 'publicKeys',
  deleted_images: 'deletedImages',
  deleted_recipes: 'deletedRecipes',
  deleted_public_keys: 'deletedPublicKeys',
  jobs: 'jobs',
  remote_build_nodes: 'nodes',
};
const CSM_EXPORT = 'export.json';

/** Undefined when the files are neither. Throws `import-unreadable` when they are and cannot be read. */
export function convertTakeover(files: ReadonlyMap<string, string>): Converted | undefined {
  const data = ofCsmExport(files) ?? ofDataFolder(files);
  return data && convert(data);
}

function ofDataFolder(files: ReadonlyMap<string, string>): RawData | undefined {
  const newest = new Map<keyof RawData, { version: number; value: readonly unknown[] }>();
  for (const [name, text] of files) {
    const [, version, rest = ''] = /^v(\d+(?:\.\d+)?)_(.+)\.json$/.exec(name) ?? [];
    const field = DATA_FILES[rest];
    // Upgrades leave files of older versions behind.
    if (field !== undefined && Number(version) >= (newest.get(field)?.version ?? 0)) {
      newest.set(field, { version: Number(version), value: listOf(parse(name, text), name) });
    }
  }
  return newest.size === 0 ? undefined : dataFrom((field) => newest.get(field)?.value);
}

function ofCsmExport(files: ReadonlyMap<string, string>): RawData | undefined {
  const text = files.get(CSM_EXPORT);
  if (text === undefined) {
    return undefined;
  }
  const ims = objectOf(objectOf(parse(CSM_EXPORT, text))['ims_data']);
  const deleted = objectOf(ims['deleted']);
  const of: Readonly<Partial<Record<keyof RawData, unknown>>> = {
    images: ims['images'],
    recipes: ims['recipes'],
    publicKeys: ims['public_keys'],
    jobs: ims['jobs'],
    deletedImages: deleted['images'],
    deletedRecipes: deleted['recipes'],
    deletedPublicKeys: deleted['public_keys'],
  };
  return dataFrom((field) => (of[field] === undefined ? undefined : listOf(of[field], CSM_EXPORT)));
}

function dataFrom(listFor: (field: keyof RawData) => readonly unknown[] | undefined): RawData {
  return Object.fromEntries(
    Object.values(DATA_FILES).map((field) => [field, listFor(field) ?? []]),
  ) as unknown as RawData;
}

function convert(data: RawData): Converted {
  const problems: string[] = [];
  const take = <T>(title: string, schema: TSchema, list: readonly unknown[], form: (raw: Raw) => unknown) =>
    list.flatMap((each): T[] => {
      const raw = objectOf(each);
      const record = form(raw);
      const [error] = Errors(schema, record);
      if (error === undefined) {
        return [record as T];
      }
      const name = String(raw['id'] ?? raw['xname'] ?? '(without id)');
      problems.push(`${title} ${name} was left out: ${error.instancePath} ${error.message}`);
      return [];
    });
  const over = data.jobs.filter((job) => {
    const { id, status } = objectOf(job);
    const isOver = status === 'success' || status === 'error';
    if (!isOver) {
      problems.push(`job ${String(id)} was left out: it is ${String(status)}, and goes on where it is`);
    }
    return isOver;
  });
  const document: ExportDocument = {
    version: 1,
    created: new Date(0).toISOString(),
    images: take('image', Image, data.images, imageOf),
    recipes: take('recipe', Recipe, data.recipes, recipeOf),
    public_keys: take('public key', PublicKey, data.publicKeys, publicKeyOf),
    deleted: {
      images: take('deleted image', DeletedImage, data.deletedImages, deletedForm(imageOf)),
      recipes: take('deleted recipe', DeletedRecipe, data.deletedRecipes, deletedForm(recipeOf)),
      public_keys: take(
        'deleted public key',
        DeletedPublicKey,
        data.deletedPublicKeys,
        deletedForm(publicKeyOf),
      ),
    },
    nodes: take('remote build node', BuildNodeCreate, data.nodes, ({ xname }) => ({ xname })),
    jobs: take('job', ExportedJob, over, jobOf),
    objects: [],
  };
  return { document, problems };
}

function imageOf(raw: Raw) {
  return {
    id: raw['id'],
    created: dateOf(raw['created']),
    name: raw['name'],
    arch: raw['arch'] ?? 'x86_64',
    metadata: raw['metadata'] ?? {},
    link: linkOf(raw['link']),
    job_id: null,
  };
}

function recipeOf(raw: Raw) {
  return {
    id: raw['id'],
    created: dateOf(raw['created']),
    name: raw['name'],
    recipe_type: raw['recipe_type'] ?? 'kiwi-ng',
    linux_distribution: raw['linux_distribution'],
    template_dictionary: raw['template_dictionary'] ?? [],
    arch: raw['arch'] ?? 'x86_64',
    require_dkms: raw['require_dkms'] ?? true,
    link: linkOf(raw['link']),
  };
}

function publicKeyOf(raw: Raw) {
  return { id: raw['id'], created: dateOf(raw['created']), name: raw['name'], public_key: raw['public_key'] };
}

function deletedForm(form: (raw: Raw) => object) {
  return (raw: Raw) => ({ ...form(raw), deleted: dateOf(raw['deleted']) });
}

function jobOf(raw: Raw) {
  const succeeded = raw['status'] === 'success';
  const [shell] = Array.isArray(raw['ssh_containers']) ? raw['ssh_containers'].map(objectOf) : [];
  const created = dateOf(raw['created']);
  return {
    id: raw['id'],
    created,
    job_type: raw['job_type'],
    artifact_id: raw['artifact_id'],
    image_root_archive_name: raw['image_root_archive_name'],
    public_key_id: raw['public_key_id'] ?? null,
    enable_debug: raw['enable_debug'] ?? false,
    build_env_size: raw['build_env_size'],
    job_mem_size: raw['job_mem_size'] ?? 8,
    kernel_file_name: raw['kernel_file_name'] || null,
    initrd_file_name: raw['initrd_file_name'] || null,
    kernel_parameters_file_name: raw['kernel_parameters_file_name'] ?? 'kernel-parameters',
    require_dkms: raw['require_dkms'] ?? true,
    arch: raw['arch'] ?? 'x86_64',
    status: raw['status'],
    state: succeeded ? 'succeeded' : 'failed',
    started: null,
    finished: created,
    heartbeat: null,
    steps: [],
    log_lines: 0,
    reason: succeeded ? null : FAILED_ELSEWHERE,
    resultant_image_id: raw['resultant_image_id'] ?? null,
    ssh_container: shell === undefined ? null : { name: String(shell['name']), jail: shell['jail'] === true },
  };
}

const FAILED_ELSEWHERE = {
  code: 'job-failed-elsewhere',
  title: ERROR_CATALOGUE['job-failed-elsewhere'].title,
  detail: 'That service keeps no reason.',
  hint: ERROR_CATALOGUE['job-failed-elsewhere'].hint,
  step: null,
};

/** The reference writes an empty etag where it knows none, and old versions of it wrote no type. */
function linkOf(value: unknown) {
  if (value === null || value === undefined) {
    return null;
  }
  const { path, etag, type } = objectOf(value);
  return { path, type: type ?? 's3', ...(typeof etag === 'string' ? { etag } : {}) };
}

/** Dates of the reference have microseconds or no fraction, and an offset or none, which means UTC. */
function dateOf(value: unknown): unknown {
  if (typeof value !== 'string') {
    return value;
  }
  const text = value.replace(' ', 'T').replace(/(\.\d{3})\d+/, '$1');
  const time = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  return Number.isNaN(time) ? value : new Date(time).toISOString();
}

function parse(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new KilnError('import-unreadable', `${name} is not JSON`, { cause });
  }
}

function listOf(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) {
    throw new KilnError('import-unreadable', `${name} has something else where a list belongs`);
  }
  return value;
}

function objectOf(value: unknown): Raw {
  return typeof value === 'object' && value !== null ? (value as Raw) : {};
}
