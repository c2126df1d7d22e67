/** Calls for deleted records: the same four for each noun. */
import type { HttpClient } from './http.ts';

export interface DeletedClient<Deleted, Restored> {
  list(): Promise<Deleted[]>;
  get(id: string): Promise<Deleted>;
  /** Takes it back under its old id. */
  undelete(id: string): Promise<Restored>;
  /** Removes it and all its objects for good. */
  purge(id: string): Promise<void>;
}

/** `noun` as in the address, for example `images`. */
export function deletedClient<Deleted, Restored>(
  http: HttpClient,
  noun: string,
): DeletedClient<Deleted, Restored> {
  const path = `/kiln/v1/deleted/${noun}`;
  return {
    list: () => http.json('GET', path),
    get: (id) => http.json('GET', `${path}/${id}`),
    undelete: (id) => http.json('POST', `${path}/${id}/undelete`),
    purge: (id) => http.json('DELETE', `${path}/${id}`),
  };
}
