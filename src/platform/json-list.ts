/** Lists as JSON: short ones at once, long ones piece by piece, so that nobody ever holds all of one. */
import { Readable } from 'node:stream';

const PIECE_CHARS = 64 * 1024;

/** `present` gives the form in which a record is shown. */
export async function jsonList<T>(
  records: AsyncIterable<T>,
  present: (record: T) => unknown,
): Promise<string | Readable> {
  const all = pieces(records, present);
  const begin = [await all.next(), await all.next()].flatMap(({ value }) => value ?? []);
  if (begin.length === 1) {
    return begin.join('');
  }
  const whole = async function* () {
    try {
      yield* begin;
      yield* all;
    } finally {
      await all.return(undefined);
    }
  };
  return Readable.from(whole(), { objectMode: false });
}

async function* pieces<T>(
  records: AsyncIterable<T>,
  present: (record: T) => unknown,
): AsyncGenerator<string, undefined> {
  let piece = '[';
  let separator = '';
  for await (const record of records) {
    piece += separator + JSON.stringify(present(record));
    separator = ',';
    if (piece.length >= PIECE_CHARS) {
      yield piece;
      piece = '';
    }
  }
  yield `${piece}]`;
  return undefined;
}
