/**
 * Writes what a terminal shows as an asciicast of version 2: a header, and a line for each event with the seconds since the
 * beginning. Bounded: past its limit it ends with a line that says so. It knows neither files nor where the events come from.
 */
import { StringDecoder } from 'node:string_decoder';
import { formatBytes } from '../../platform/bytes.ts';

export interface CastHeader {
  readonly columns: number;
  readonly rows: number;
  /** Kind of terminal, as TERM has it. */
  readonly type: string;
  readonly title: string;
}

export interface Cast {
  /** The first line. */
  readonly header: string;
  /** Lines to append; empty when there is nothing to say yet, or no room any more. */
  output(data: Buffer, atMs: number): string;
  resized(columns: number, rows: number, atMs: number): string;
  /** Says that the recording is not whole. */
  cut(atMs: number): string;
  /** What is left when the terminal is closed. */
  end(atMs: number): string;
}

/** A client that does not say how large its window is has one of this size. */
const COLUMNS = 80;
const ROWS = 24;

/** Times are in milliseconds since the epoch. `mask` takes out of each piece what must not be seen. */
export function createCast(
  header: CastHeader,
  startMs: number,
  limitBytes: number,
  mask = (text: string) => text,
): Cast {
  const decoder = new StringDecoder('utf8');
  const words = `\r\n\r\n[The recording ends here: it has ${formatBytes(limitBytes)}, which is its limit]\r\n`;
  const first = `${JSON.stringify({
    version: 2,
    width: header.columns || COLUMNS,
    height: header.rows || ROWS,
    timestamp: Math.floor(startMs / 1000),
    title: header.title,
    env: { TERM: header.type },
  })}\n`;
  let room = limitBytes - Buffer.byteLength(first) - Buffer.byteLength(words) - 100;
  let lastMs = startMs;
  let isCut = false;

  const line = (kind: 'o' | 'r', data: string, atMs: number): string => {
    // Clocks can be set back; the time of a recording only goes on.
    lastMs = Math.max(lastMs, atMs);
    return `${JSON.stringify([(lastMs - startMs) / 1000, kind, data])}\n`;
  };
  const cut = (atMs: number): string => {
    if (isCut) {
      return '';
    }
    isCut = true;
    return line('o', words, atMs);
  };
  const event = (kind: 'o' | 'r', data: string, atMs: number): string => {
    if (isCut || data === '') {
      return '';
    }
    const text = line(kind, data, atMs);
    room -= Buffer.byteLength(text);
    return room < 0 ? cut(atMs) : text;
  };

  return {
    header: first,
    output: (data, atMs) => event('o', mask(decoder.write(data)), atMs),
    resized: (columns, rows, atMs) => event('r', `${columns}x${rows}`, atMs),
    cut,
    end: (atMs) => event('o', decoder.end(), atMs),
  };
}
