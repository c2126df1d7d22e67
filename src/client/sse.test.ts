import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEventParser, type ServerEvent } from './sse.ts';

const parseInPieces = (text: string, cuts: number[]): ServerEvent[] => {
  const parse = createEventParser();
  const places = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
  return places.slice(1).flatMap((end, index) => parse(text.slice(places[index], end)));
};

describe('server-sent events', () => {
  it('have id, type and data of several lines, and comments between them', () => {
    const text = ': hello\n\nid: 3\nevent: log\ndata: one\ndata: two\n\ndata:three\r\n\r\n';

    expect(parseInPieces(text, [])).toEqual([
      { id: '3', event: 'log', data: 'one\ntwo' },
      { id: '', event: 'message', data: 'three' },
    ]);
  });

  it('are the same wherever the stream is cut into pieces', () => {
    const text = 'id: 1\ndata: {"a":1}\n\n: ping\n\nevent: end\ndata: {}\n\nid: 2\ndata: x\ndata:\n\n';
    fc.assert(
      fc.property(fc.array(fc.nat()), (cuts) => {
        expect(parseInPieces(text, cuts)).toEqual(parseInPieces(text, []));
      }),
    );
  });
});
