import type { Page, PageQuery } from '../../ports/page.ts';

/** The port to deleted records of one kind. Lists are in the order of their deletion. */
export interface DeletedStore<T extends { readonly id: string }> {
  list(): Promise<T[]>;
  page(query: PageQuery): Promise<Page<T>>;
  find(id: string): Promise<T | undefined>;
  insert(record: T): Promise<void>;
  /** Replaces the record with the same id; false when there is none. */
  update(record: T): Promise<boolean>;
  delete(id: string): Promise<boolean>;
}
