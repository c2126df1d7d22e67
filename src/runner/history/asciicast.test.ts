import { describe, expect, it } from 'vitest';
import { createCast } from './asciicast.ts';

const START = Date.parse('2026-01-01T00:00:00.000Z');
const HEADER = { columns: 100, rows: 30, type: 'xterm', title: 'of a test' };

describe('an asciicast', () => {
  it('begins with what the terminal is, and has an event for each thing that happens', () => {
    const cast = createCast(HEADER, START, 10_000);
    expect(JSON.parse(cast.header)).toEqual({
      version: 2,
      width: 100,
      height: 30,
      timestamp: 1_767_225_600,
      title: 'of a test',
      env: { TERM: 'xterm' },
    });
    expect(cast.output(Buffer.from('$ \u001b[1m"\r\n'), START + 1_500)).toBe(
      '[1.5,"o","$ \\u001b[1m\\"\\r\\n"]\n',
    );
    expect(cast.resized(120, 40, START + 2_000)).toBe('[2,"r","120x40"]\n');
    expect(cast.end(START + 3_000)).toBe('');
  });

  it('has a size even where the client has none', () => {
    expect(JSON.parse(createCast({ ...HEADER, columns: 0, rows: 0 }, START, 10_000).header)).toMatchObject({
      width: 80,
      height: 24,
    });
  });

  it('keeps characters whole that come in pieces, and replaces what is no text', () => {
    const cast = createCast(HEADER, START, 10_000);
    const bytes = Buffer.from('a€');
    expect(cast.output(bytes.subarray(0, 2), START)).toBe('[0,"o","a"]\n');
    expect(cast.output(bytes.subarray(2), START)).toBe('[0,"o","€"]\n');
    expect(cast.output(Buffer.from([0xff, 0xe2]), START)).toBe('[0,"o","\ufffd"]\n');
    expect(cast.end(START)).toBe('[0,"o","\ufffd"]\n');
  });

  it('goes on in time when the clock is set back', () => {
    const cast = createCast(HEADER, START, 10_000);
    cast.output(Buffer.from('a'), START + 5_000);
    expect(cast.output(Buffer.from('b'), START + 1_000)).toBe('[5,"o","b"]\n');
  });

  it('ends with a line that says so when it is too long, within its limit', () => {
    const cast = createCast(HEADER, START, 4_000);
    let text = cast.header;
    for (let index = 0; index < 500; index += 1) {
      text += cast.output(Buffer.from('\u0001 0123456789 €'), START + index * 1_000_000);
    }
    text += cast.resized(1, 1, START) + cast.cut(START) + cast.end(START);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4_000);
    const lines = text.trimEnd().split('\n');
    expect(lines.at(-1)).toContain('The recording ends here');
    expect(lines.filter((line) => line.includes('ends here'))).toHaveLength(1);
  });
});
