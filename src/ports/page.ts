/** One page of a list of records: which, in what order, from where on. */

/** Where a page ended: the value that it was sorted by, and the position that decides between equal ones. */
export interface PagePosition {
  readonly value: string;
  readonly position: number;
}

export interface PageQuery {
  /** At most this many records. */
  readonly limit: number;
  readonly after: PagePosition | undefined;
  readonly sort: { readonly field: 'created' | 'name'; readonly descending: boolean };
  /** Glob that the name has to match: `*` any text, `?` one character, `[a-c]` one of these. */
  readonly name: string | undefined;
  /** Fields of the record that have to have this very value. */
  readonly fields: Readonly<Record<string, string>>;
  /** Entries that its metadata has to have. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface Page<T> {
  readonly records: T[];
  /** Where the next page begins; undefined when this was the last one. */
  readonly next: PagePosition | undefined;
}
