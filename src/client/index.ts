/** The typed client of the native API. The CLI is built on it; so may anyone's program be. */
import type { ReadableStream } from 'node:stream/web';
import type { Authority } from '../contract/authority.ts';
import type { DeletedImage, DeletedPublicKey, DeletedRecipe } from '../contract/deleted.ts';
import type { ImportMode, ImportReport } from '../contract/exchange.ts';
import type { ImageHistory } from '../contract/history.ts';
import type {
  Image,
  ImageArtifact,
  ImageCopy,
  ImageCreate,
  ImageUpdate,
  UploadedArtifact,
  UploadName,
} from '../contract/images.ts';
import type { BuildNode, BuildNodeCreate, BuildNodeStatus, NodeKey } from '../contract/nodes.ts';
import type { PublicKey, PublicKeyCreate, PublicKeyUpdate } from '../contract/public-keys.ts';
import type { Recipe, RecipeCreate, RecipeUpdate } from '../contract/recipes.ts';
import type { S3Credentials, S3CredentialsCreate } from '../contract/s3.ts';
import type { Health, Version } from '../contract/service.ts';
import type { SigningKey, SigningKeyCreate } from '../contract/signing-keys.ts';
import { deletedClient } from './deleted.ts';
import { createHttpClient } from './http.ts';
import { inspectionsClient } from './inspections.ts';
import { jobsClient } from './jobs.ts';
import { repositoriesClient } from './repositories.ts';

export { isOver } from './jobs.ts';

export interface ClientOptions {
  /** For example `http://127.0.0.1:9000`. */
  baseUrl: string;
  /** How requests are sent; the `fetch` of Node.js unless given. */
  fetch?: typeof globalThis.fetch;
  /** How long a broken stream waits before it goes on, in milliseconds; one second unless given. */
  reconnectMs?: number;
}

export type KilnClient = ReturnType<typeof createClient>;

/** All calls throw `KilnError`: what a problem document says, or `server-unreachable`. */
export function createClient(options: ClientOptions) {
  const http = createHttpClient(options.baseUrl, options.fetch);
  return {
    version: () => http.json<Version>('GET', '/version'),
    ready: () => http.json<Health>('GET', '/healthz/ready'),
    deleted: {
      images: deletedClient<DeletedImage, Image>(http, 'images'),
      recipes: deletedClient<DeletedRecipe, Recipe>(http, 'recipes'),
      publicKeys: deletedClient<DeletedPublicKey, PublicKey>(http, 'public-keys'),
    },
    recipes: {
      list: () => http.json<Recipe[]>('GET', '/kiln/v1/recipes'),
      get: (id: string) => http.json<Recipe>('GET', `/kiln/v1/recipes/${id}`),
      create: (recipe: RecipeCreate) => http.json<Recipe>('POST', '/kiln/v1/recipes', recipe),
      update: (id: string, change: RecipeUpdate) =>
        http.json<Recipe>('PATCH', `/kiln/v1/recipes/${id}`, change),
      delete: (id: string) => http.json<void>('DELETE', `/kiln/v1/recipes/${id}`),
      /** Streams the archive; the service refuses it when its SHA-256 is another one. */
      async uploadArchive(
        id: string,
        archive: { body: ReadableStream; sizeBytes: number; sha256: string },
        signal?: AbortSignal,
      ): Promise<Recipe> {
        const response = await http.send('PUT', `/kiln/v1/recipes/${id}/archive`, {
          body: archive.body as RequestInit['body'] & object,
          duplex: 'half',
          ...(signal ? { signal } : {}),
          headers: {
            'content-type': 'application/octet-stream',
            'content-length': String(archive.sizeBytes),
            'x-kiln-sha256': archive.sha256,
          },
        });
        return (await response.json()) as Recipe;
      },
    },
    images: {
      list: () => http.json<Image[]>('GET', '/kiln/v1/images'),
      get: (id: string) => http.json<Image>('GET', `/kiln/v1/images/${id}`),
      create: (image: ImageCreate) => http.json<Image>('POST', '/kiln/v1/images', image),
      update: (id: string, change: ImageUpdate) => http.json<Image>('PATCH', `/kiln/v1/images/${id}`, change),
      delete: (id: string) => http.json<void>('DELETE', `/kiln/v1/images/${id}`),
      copy: (id: string, copy: ImageCopy) => http.json<Image>('POST', `/kiln/v1/images/${id}/copy`, copy),
      publish: (id: string) => http.json<Image>('POST', `/kiln/v1/images/${id}/publish`),
      /** Streams the data; the service refuses it when it has another MD5. */
      async uploadArtifact(
        id: string,
        name: UploadName,
        body: ReadableStream,
        expected: { md5?: string | undefined } = {},
        signal?: AbortSignal,
      ): Promise<UploadedArtifact> {
        const response = await http.send('PUT', `/kiln/v1/images/${id}/artifacts/${name}`, {
          body: body as RequestInit['body'] & object,
          duplex: 'half',
          ...(signal ? { signal } : {}),
          headers: {
            'content-type': 'application/octet-stream',
            ...(expected.md5 === undefined ? {} : { 'x-kiln-md5': expected.md5 }),
          },
        });
        return (await response.json()) as UploadedArtifact;
      },
      history: (id: string) => http.json<ImageHistory>('GET', `/kiln/v1/images/${id}/history`),
      /** An asciicast. */
      recording: async (id: string, number: number) =>
        (await http.send('GET', `/kiln/v1/images/${id}/recordings/${number}`)).text(),
      artifacts: (id: string) => http.json<ImageArtifact[]>('GET', `/kiln/v1/images/${id}/artifacts`),
    },
    publicKeys: {
      list: () => http.json<PublicKey[]>('GET', '/kiln/v1/public-keys'),
      get: (id: string) => http.json<PublicKey>('GET', `/kiln/v1/public-keys/${id}`),
      create: (key: PublicKeyCreate) => http.json<PublicKey>('POST', '/kiln/v1/public-keys', key),
      update: (id: string, change: PublicKeyUpdate) =>
        http.json<PublicKey>('PATCH', `/kiln/v1/public-keys/${id}`, change),
      delete: (id: string) => http.json<void>('DELETE', `/kiln/v1/public-keys/${id}`),
    },
    nodes: {
      list: () => http.json<BuildNode[]>('GET', '/kiln/v1/nodes'),
      get: (xname: string) => http.json<BuildNode>('GET', `/kiln/v1/nodes/${encodeURIComponent(xname)}`),
      status: (xname: string) =>
        http.json<BuildNodeStatus>('GET', `/kiln/v1/nodes/${encodeURIComponent(xname)}/status`),
      add: (node: BuildNodeCreate) => http.json<BuildNode>('POST', '/kiln/v1/nodes', node),
      /** Has it looked at; gives what was known before. */
      check: (xname: string) =>
        http.json<BuildNodeStatus>('POST', `/kiln/v1/nodes/${encodeURIComponent(xname)}/check`),
      key: () => http.json<NodeKey>('GET', '/kiln/v1/node-key'),
      remove: (xname: string) => http.json<void>('DELETE', `/kiln/v1/nodes/${encodeURIComponent(xname)}`),
    },
    exchange: {
      /** A tar. */
      export: () => http.send('GET', '/kiln/v1/export'),
      async import(
        archive: ReadableStream,
        { mode, dryRun }: { mode: ImportMode; dryRun: boolean },
      ): Promise<ImportReport> {
        const response = await http.send('POST', `/kiln/v1/import?mode=${mode}&dry_run=${dryRun}`, {
          body: archive as RequestInit['body'] & object,
          duplex: 'half',
          headers: { 'content-type': 'application/x-tar' },
        });
        return (await response.json()) as ImportReport;
      },
    },
    authority: {
      get: () => http.json<Authority>('GET', '/kiln/v1/authority'),
      /** PEM text of all certificates that builds and images trust. */
      certificates: async () => (await http.send('GET', '/kiln/v1/authority/certificates.pem')).text(),
      rotate: () => http.json<Authority>('POST', '/kiln/v1/authority/rotate'),
      activate: () => http.json<Authority>('POST', '/kiln/v1/authority/activate'),
      retire: (id: string) => http.json<void>('DELETE', `/kiln/v1/authority/roots/${encodeURIComponent(id)}`),
    },
    s3: {
      createCredentials: (wanted: S3CredentialsCreate) =>
        http.json<S3Credentials>('POST', '/kiln/v1/s3/credentials', wanted),
    },
    repositories: repositoriesClient(http),
    signingKeys: {
      list: () => http.json<SigningKey[]>('GET', '/kiln/v1/signing-keys'),
      get: (id: string) => http.json<SigningKey>('GET', `/kiln/v1/signing-keys/${id}`),
      create: (key: SigningKeyCreate) => http.json<SigningKey>('POST', '/kiln/v1/signing-keys', key),
      delete: (id: string) => http.json<void>('DELETE', `/kiln/v1/signing-keys/${id}`),
    },
    jobs: jobsClient(http, options.reconnectMs),
    inspections: inspectionsClient(http),
  };
}
