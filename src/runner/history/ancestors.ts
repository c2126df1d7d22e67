/**
 * The history of the image that is customized, which is the beginning of that of the new one: it stays with it whatever becomes
 * of the images between. Of what is long ago the outlines are enough.
 */
import { Value } from 'typebox/value';
import { request } from 'undici';
import { type HistoryEntry, ImageHistory } from '../../contract/history.ts';
import type { StepContext } from '../step.ts';

const LIMIT_BYTES = 64 * 1024 * 1024;
/** Of an ancestor, in one of which they are all. */
const PATHS = 500;
const SCRIPT_BYTES = 64 * 1024;
const SESSIONS = 100;
const GENERATIONS = 50;

/** Empty for an image that was not customized itself, and when its history cannot be had, which is said in the log. */
export async function ancestorsOf(context: StepContext): Promise<HistoryEntry[]> {
  const { history: url, id } = context.document.source;
  if (url === null) {
    return [];
  }
  try {
    const parent = await fetchHistory(url, context);
    // A copy has the history of the image that it is a copy of.
    return parent.entries
      .slice(0, GENERATIONS)
      .map((entry, index) => outlineOf(index === 0 ? { ...entry, image_id: id } : entry));
  } catch (error) {
    context.signal.throwIfAborted();
    context.log(`The history of the image that this one is made from cannot be had: ${String(error)}`);
    return [];
  }
}

async function fetchHistory(url: string, { http, signal }: StepContext): Promise<ImageHistory> {
  const answer = await request(url, { ...http.to(url), signal });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > LIMIT_BYTES) {
      throw new Error(`it has more than ${LIMIT_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  const history: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  if (answer.statusCode !== 200 || !Value.Check(ImageHistory, history)) {
    throw new Error(`the store answered ${answer.statusCode}, and no history`);
  }
  return history;
}

/** What is left out is said in `incomplete`. */
export function outlineOf(entry: HistoryEntry): HistoryEntry {
  const { paths, script, sessions, incomplete } = entry;
  const isLong = Buffer.byteLength(script) > SCRIPT_BYTES;
  const words = [
    ...(incomplete === null ? [] : [incomplete]),
    ...(paths.length > PATHS ? [`of its paths, ${PATHS} are listed here`] : []),
    ...(isLong ? ['its script is only with the image itself'] : []),
  ];
  return {
    ...entry,
    paths: paths.slice(0, PATHS),
    script: isLong ? '' : script,
    sessions: sessions.slice(0, SESSIONS),
    sessions_left_out: entry.sessions_left_out + Math.max(0, sessions.length - SESSIONS),
    incomplete: words.length === 0 ? null : [...new Set(words)].join('; '),
  };
}
