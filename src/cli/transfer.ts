/** How far a transfer has come, for a person at a terminal; quick ones and pipes get no line at all. */
import { formatBytes } from '../platform/bytes.ts';

const SILENT_MS = 1_000;
const REDRAW_MS = 200;
const CLEAR_LINE = '\r\u001b[K';

export interface TransferOptions {
  /** What is on its way, for example "uploading recipe.tar.gz". */
  readonly label: string;
  readonly totalBytes: number;
  readonly output: { readonly isTTY?: boolean; write(text: string): unknown };
  /** Milliseconds of any clock that goes forward. */
  readonly now?: () => number;
}

/** Passes everything on and shows a line about it once it has taken more than a second. */
export async function* showTransfer(
  source: AsyncIterable<Uint8Array>,
  options: TransferOptions,
): AsyncGenerator<Uint8Array> {
  const { label, totalBytes, output, now = () => performance.now() } = options;
  let done = 0;
  let drawn = false;
  let next = now() + SILENT_MS;
  try {
    for await (const chunk of source) {
      done += chunk.length;
      if (output.isTTY === true && now() >= next) {
        const percent = Math.floor((done / Math.max(done, totalBytes)) * 100);
        const sizes = `${formatBytes(done)} of ${formatBytes(totalBytes)}`;
        output.write(`${CLEAR_LINE}${label}: ${sizes}, ${percent} %`);
        drawn = true;
        next = now() + REDRAW_MS;
      }
      yield chunk;
    }
  } finally {
    if (drawn) {
      output.write(CLEAR_LINE);
    }
  }
}
