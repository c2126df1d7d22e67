import type { Image } from '../../contract/images.ts';
import type { Page, PageQuery } from '../../ports/page.ts';

/** The port to the records of images. Lists are in the order of registration. */
export interface ImageStore {
  list(): Promise<Image[]>;
  /** The same list, read a part at a time; a record that changes or goes meanwhile is there once at most. */
  each(): AsyncIterable<Image>;
  page(query: PageQuery): Promise<Page<Image>>;
  find(id: string): Promise<Image | undefined>;
  insert(image: Image): Promise<void>;
  /** Replaces the record with the same id; false when there is none. */
  update(image: Image): Promise<boolean>;
  delete(id: string): Promise<boolean>;
  findByLinkPath(path: string): Promise<Image | undefined>;
}
