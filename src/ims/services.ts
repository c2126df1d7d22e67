/** What this room needs of the rest of Kiln, and nothing more: the services behind the native API, seen narrowly. */
import type { DeletedImage, DeletedPublicKey, DeletedRecipe } from '../contract/deleted.ts';
import type { Image, ImageCreate, ImageUpdate } from '../contract/images.ts';
import type { BuildNode, BuildNodeCreate, BuildNodeStatus } from '../contract/nodes.ts';
import type { PublicKey, PublicKeyCreate } from '../contract/public-keys.ts';
import type { Recipe, RecipeCreate, RecipeUpdate } from '../contract/recipes.ts';
import type { LinkCheck } from '../features/objects/index.ts';
import type { ObjectStore } from '../features/objects/store.ts';
import type { WireJobs } from '../jobs/wire-jobs.ts';

interface Linked<T, Create, Update> {
  list(): Promise<T[]>;
  get(id: string): Promise<T>;
  create(request: Create, check: LinkCheck): Promise<T>;
  /** Decides on the change with the record as it is in the transaction that makes it. */
  update(id: string, change: (before: T) => Update, check: LinkCheck): Promise<T>;
}

interface Keys {
  list(): Promise<PublicKey[]>;
  get(id: string): Promise<PublicKey>;
  create(request: PublicKeyCreate): Promise<PublicKey>;
}

export interface DeletedCollection<T extends { readonly id: string }> {
  list(): Promise<T[]>;
  get(id: string): Promise<T>;
  undelete(id: string): Promise<unknown>;
  purge(id: string): Promise<unknown>;
}

/** The way of active records into their deleted collection, and past it. */
interface Burial<Options> {
  bury(id: string, options: Options): Promise<unknown>;
  hardDelete(id: string, options: { cascade: boolean }): Promise<unknown>;
}

interface Nodes {
  list(): Promise<BuildNode[]>;
  get(xname: string): Promise<BuildNode>;
  add(node: BuildNodeCreate): Promise<BuildNode>;
  remove(xname: string): Promise<unknown>;
  status(xname: string): Promise<BuildNodeStatus>;
}

export interface ImsServices {
  readonly images: Linked<Image, ImageCreate, ImageUpdate> & { each(): AsyncIterable<Image> };
  readonly recipes: Linked<Recipe, RecipeCreate, RecipeUpdate>;
  readonly publicKeys: Keys;
  readonly deletedImages: DeletedCollection<DeletedImage> & Burial<unknown>;
  readonly deletedRecipes: DeletedCollection<DeletedRecipe> & Burial<{ unlessUsed: boolean }>;
  readonly deletedPublicKeys: DeletedCollection<DeletedPublicKey> & Burial<unknown>;
  readonly nodes: Nodes;
  readonly jobs: WireJobs;
  readonly objects: Pick<ObjectStore, 'head' | 'get'>;
}

/** What answers need to know of this service besides its records. */
export interface ImsOptions {
  readonly version: string;
  /** Names that jobs carry on the wire. */
  readonly naming: JobNaming;
  /** Moment that the age of jobs is counted from. */
  readonly now: () => Date;
}

export interface JobNaming {
  readonly namespace: string;
  /** Network and domain of the host names under which shells of jobs are reached. */
  readonly subnet: string;
  readonly domain: string;
}
