/** Calls about package repositories. */
import type { ReadableStream } from 'node:stream/web';
import type {
  Repository,
  RepositoryCreate,
  RepositoryPackage,
  RepositoryUpdate,
} from '../contract/repositories.ts';
import type { HttpClient } from './http.ts';

const PAGE = 1000;

export function repositoriesClient(http: HttpClient) {
  const at = (name: string) => `/kiln/v1/repositories/${encodeURIComponent(name)}`;
  const packageAt = (name: string, path: string) =>
    `${at(name)}/packages/${path.split('/').map(encodeURIComponent).join('/')}`;
  return {
    list: () => http.json<Repository[]>('GET', '/kiln/v1/repositories'),
    get: (name: string) => http.json<Repository>('GET', at(name)),
    create: (repository: RepositoryCreate) =>
      http.json<Repository>('POST', '/kiln/v1/repositories', repository),
    update: (name: string, change: RepositoryUpdate) => http.json<Repository>('PATCH', at(name), change),
    delete: (name: string) => http.json<void>('DELETE', at(name)),
    publish: (name: string) => http.json<Repository>('POST', `${at(name)}/publish`),
    /** All packages, by path. */
    async packages(name: string): Promise<RepositoryPackage[]> {
      const all: RepositoryPackage[] = [];
      for (;;) {
        const after = all.at(-1)?.path;
        const query = new URLSearchParams({ limit: String(PAGE), ...(after === undefined ? {} : { after }) });
        const page = await http.json<RepositoryPackage[]>('GET', `${at(name)}/packages?${query}`);
        all.push(...page);
        if (page.length < PAGE) {
          return all;
        }
      }
    },
    /** Streams the package. */
    async upload(name: string, path: string, body: ReadableStream): Promise<RepositoryPackage> {
      const response = await http.send('PUT', packageAt(name, path), {
        body: body as RequestInit['body'] & object,
        duplex: 'half',
        headers: { 'content-type': 'application/octet-stream' },
      });
      return (await response.json()) as RepositoryPackage;
    },
    remove: (name: string, path: string) => http.json<void>('DELETE', packageAt(name, path)),
  };
}
