import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Frame, readSession } from './session-frames.ts';

const TOLD = { connection: 3, key: null, command: null, terminal: { columns: 80, rows: 24, type: 'xterm' } };

function frame(kind: string, data: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(kind, 'latin1');
  head.writeUInt32BE(data.length, 1);
  return Buffer.concat([head, data]);
}

/** The bytes, a piece at a time. */
async function* inPieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let index = 0; at < bytes.length; index += 1) {
    const size = sizes[index % sizes.length] ?? bytes.length;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function all(bytes: Buffer, sizes: readonly number[] = [bytes.length]) {
  const stream = await readSession(inPieces(bytes, sizes));
  const frames: Frame[] = [];
  for await (const each of stream?.frames ?? []) {
    frames.push(each.kind === 'output' ? { kind: 'output', data: Buffer.from(each.data) } : each);
  }
  return { told: stream?.told, frames };
}

describe('what a session tells', () => {
  it('is the same in whatever pieces it comes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
        async (outputs, sizes) => {
          const frames = outputs.map((data) => frame('o', Buffer.from(data)));
          const last = [frame('r', Buffer.from('120x40')), frame('x', Buffer.alloc(0))];
          const bytes = Buffer.concat([Buffer.from(`${JSON.stringify(TOLD)}\n`), ...frames, ...last]);
          const read = await all(bytes, sizes);
          expect(read.told).toEqual(TOLD);
          expect(read.frames).toEqual([
            ...outputs.map((data) => ({ kind: 'output', data: Buffer.from(data) })),
            { kind: 'resize', columns: 120, rows: 40 },
            { kind: 'cut' },
          ]);
        },
      ),
    );
  });

  it('may break off anywhere', async () => {
    const bytes = Buffer.concat([Buffer.from(`${JSON.stringify(TOLD)}\n`), frame('o', Buffer.from('text'))]);
    expect(await all(bytes.subarray(0, 10))).toEqual({ told: undefined, frames: [] });
    expect((await all(bytes.subarray(0, bytes.length - 1))).frames).toEqual([]);
  });

  it('is not believed when it has another form', async () => {
    const line = (told: object) => Buffer.from(`${JSON.stringify({ ...TOLD, ...told })}\n`);
    const wrong: Buffer[] = [
      Buffer.from('hello\n'),
      Buffer.alloc(80_000, 'x'),
      line({ connection: '3' }),
      line({ command: 'x'.repeat(5_000) }),
      Buffer.concat([line({}), frame('q', Buffer.alloc(0))]),
      Buffer.concat([line({}), frame('r', Buffer.from('80 x 24'))]),
      Buffer.concat([line({}), Buffer.from([0x6f, 0x7f, 0xff, 0xff, 0xff])]),
    ];
    for (const bytes of wrong) {
      await expect(all(bytes), bytes.toString('latin1').slice(0, 80)).rejects.toThrow();
    }
  });
});
