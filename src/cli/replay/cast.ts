/** Reads an asciicast of version 2. A line that is none is passed over: the rest is still worth seeing. */
import { KilnError } from '../../contract/errors.ts';

export interface CastEvent {
  /** Seconds since the beginning. */
  readonly at: number;
  readonly output: string;
}

export interface Recording {
  readonly columns: number;
  readonly rows: number;
  readonly title: string;
  /** What was shown, in order. */
  readonly events: readonly CastEvent[];
}

/** Throws `bad-request` for what does not begin as an asciicast does. */
export function readCast(text: string): Recording {
  const [first = '', ...lines] = text.split('\n');
  const header = parsed(first);
  if (!isRecord(header) || header['version'] !== 2) {
    throw new KilnError('bad-request', 'the service sent something else than an asciicast of version 2');
  }
  const events = lines.flatMap((line): CastEvent[] => {
    const event = parsed(line);
    if (!Array.isArray(event)) {
      return [];
    }
    const [at, kind, output] = event as unknown[];
    return typeof at === 'number' && kind === 'o' && typeof output === 'string' ? [{ at, output }] : [];
  });
  return {
    columns: Number(header['width']),
    rows: Number(header['height']),
    title: typeof header['title'] === 'string' ? header['title'] : '',
    events,
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
