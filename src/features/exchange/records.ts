/** The stores of all nouns, one like the other, so that what happens to each is said once. */
import type { ExchangedNoun, ExportDocument } from '../../contract/exchange.ts';
import type { Records } from '../../ports/records.ts';

export interface AnyRecord {
  readonly id: string;
  readonly name: string;
  readonly link?: { readonly path: string } | null;
}

export interface AnyStore {
  list(): Promise<AnyRecord[]>;
  find(id: string): Promise<AnyRecord | undefined>;
  insert(record: AnyRecord): Promise<void>;
  update(record: AnyRecord): Promise<boolean>;
  delete(id: string): Promise<boolean>;
  findByLinkPath?(path: string): Promise<AnyRecord | undefined>;
}

export interface Collection {
  readonly noun: ExchangedNoun;
  readonly deleted: boolean;
  /** For people, for example `deleted image`. */
  readonly title: string;
  readonly records: readonly AnyRecord[];
  store(records: Records): AnyStore;
  /** Where the same records are when they are in the other state. */
  opposite(records: Records): AnyStore;
}

const STORES = {
  public_keys: { title: 'public key', active: 'publicKeys', deleted: 'deletedPublicKeys' },
  recipes: { title: 'recipe', active: 'recipes', deleted: 'deletedRecipes' },
  images: { title: 'image', active: 'images', deleted: 'deletedImages' },
} as const;

/** All collections of the document, in an order in which what is referred to comes first. */
export function collectionsOf(document: ExportDocument): Collection[] {
  return (Object.keys(STORES) as ExchangedNoun[]).flatMap((noun) => {
    const { title, active, deleted } = STORES[noun];
    const activeStore = (records: Records) => records[active] as unknown as AnyStore;
    const deletedStore = (records: Records) => records[deleted] as unknown as AnyStore;
    return [
      { noun, deleted: false, title, records: document[noun], store: activeStore, opposite: deletedStore },
      {
        noun,
        deleted: true,
        title: `deleted ${title}`,
        records: document.deleted[noun],
        store: deletedStore,
        opposite: activeStore,
      },
    ];
  });
}
