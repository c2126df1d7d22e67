/** What the requests for all nouns have in common: lists in pages, creations that may be sent twice. */
export { type Listed, type ListFilters, listed } from './listing.ts';
export { createOnce, IDEMPOTENCY_HEADERS, type Once } from './once.ts';
