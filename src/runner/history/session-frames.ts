/**
 * Reads what recorder.py tells of one session: a line of JSON about the session, then frames. Whoever is in the sandbox is root
 * there and may tell anything, so it is held to its form and its lengths; what breaks them ends the session's record.
 */
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';

const LINE_LIMIT_BYTES = 64 * 1024;
const FRAME_LIMIT_BYTES = 256 * 1024;
const HEAD_BYTES = 5;
/** Twice what recorder.py sends, whose characters may be two of ours. */
const TEXT_CHARS = 4_000;

const size = Type.Integer({ minimum: 0, maximum: 65_535 });
const Told = Type.Object({
  /** Number of the connection, as the runner has given it. */
  connection: Type.Integer({ minimum: 1 }),
  key: Type.Union([Type.String({ maxLength: TEXT_CHARS }), Type.Null()]),
  command: Type.Union([Type.String({ maxLength: TEXT_CHARS }), Type.Null()]),
  terminal: Type.Union([
    Type.Object({ columns: size, rows: size, type: Type.String({ maxLength: TEXT_CHARS }) }),
    Type.Null(),
  ]),
});
export type ToldSession = Static<typeof Told>;

export type Frame =
  | { readonly kind: 'output'; readonly data: Buffer }
  | { readonly kind: 'resize'; readonly columns: number; readonly rows: number }
  | { readonly kind: 'cut' };

export interface SessionStream {
  readonly told: ToldSession;
  readonly frames: AsyncIterable<Frame>;
}

/** Settles once it is known which session it is; undefined when it ends before. Throws, as `frames` does, for other forms. */
export async function readSession(stream: AsyncIterable<Buffer>): Promise<SessionStream | undefined> {
  const chunks = stream[Symbol.asyncIterator]();
  let buffer: Buffer = Buffer.alloc(0);
  const more = async (): Promise<boolean> => {
    const next = await chunks.next();
    if (!next.done) {
      buffer = buffer.length === 0 ? next.value : Buffer.concat([buffer, next.value]);
    }
    return !next.done;
  };

  let end = buffer.indexOf('\n');
  while (end < 0) {
    if (buffer.length > LINE_LIMIT_BYTES) {
      throw new Error('it does not say which session it is');
    }
    if (!(await more())) {
      return undefined;
    }
    end = buffer.indexOf('\n');
  }
  const told: unknown = JSON.parse(buffer.subarray(0, end).toString('utf8'));
  if (!Value.Check(Told, told)) {
    throw new Error('it says of its session what nobody understands');
  }
  buffer = buffer.subarray(end + 1);

  async function* frames(): AsyncGenerator<Frame> {
    for (;;) {
      const length = buffer.length < HEAD_BYTES ? 0 : buffer.readUInt32BE(1);
      if (length > FRAME_LIMIT_BYTES) {
        throw new Error(`a frame of ${length} bytes is too long to be one`);
      }
      if (buffer.length < HEAD_BYTES + length || buffer.length < HEAD_BYTES) {
        if (!(await more())) {
          return;
        }
        continue;
      }
      yield frameOf(
        String.fromCharCode(buffer.readUInt8(0)),
        buffer.subarray(HEAD_BYTES, HEAD_BYTES + length),
      );
      buffer = buffer.subarray(HEAD_BYTES + length);
    }
  }
  return { told, frames: frames() };
}

function frameOf(kind: string, data: Buffer): Frame {
  if (kind === 'o') {
    return { kind: 'output', data };
  }
  const [, columns, rows] = /^(\d{1,5})x(\d{1,5})$/.exec(data.toString('latin1')) ?? [];
  if (kind === 'r' && columns !== undefined && rows !== undefined) {
    return { kind: 'resize', columns: Number(columns), rows: Number(rows) };
  }
  if (kind === 'x') {
    return { kind: 'cut' };
  }
  throw new Error(`there is no frame of the kind ${JSON.stringify(kind)}`);
}
