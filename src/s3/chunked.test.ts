import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkDecoder } from './chunked.ts';
import { hmac, type Signed } from './signature.ts';

/** The example of the S3 API reference: 65 KiB of "a" in chunks of 64 KiB. */
const SCOPE = '20130524/us-east-1/s3/aws4_request';
const SECRET = 'AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const signed: Signed = {
  payload: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  signature: '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
  key: SCOPE.split('/').reduce<Buffer>((key, part) => hmac(key, part), Buffer.from(SECRET)),
  date: '20130524T000000Z',
  scope: SCOPE,
};
const body = [
  '10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n',
  `${'a'.repeat(65536)}\r\n`,
  '400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n',
  `${'a'.repeat(1024)}\r\n`,
  '0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n',
].join('');

async function decode(chunks: readonly Buffer[], decoder: ChunkDecoder): Promise<Buffer> {
  const [data] = await Promise.all([
    buffer(decoder),
    pipeline(Readable.from(chunks, { objectMode: false }), decoder, { end: true }),
  ]);
  return data;
}

function cut(data: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places].sort((one, other) => one - other).concat(data.length);
  return ends.map((end, index) => data.subarray(index === 0 ? 0 : ends[index - 1], end));
}

describe('a body in chunks', () => {
  it('is the one of the reference, wherever it is cut on its way', async () => {
    const bytes = Buffer.from(body);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 20 }), async (places) => {
        const data = await decode(cut(bytes, places), new ChunkDecoder(signed));
        expect(data.equals(Buffer.from('a'.repeat(66560)))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ['a changed byte', body.replace('aaaa\r\n', 'aaab\r\n')],
    ['a signature of another chunk', body.replace('0055627c', '1055627c')],
    ['no signature', body.replace(/;chunk-signature=[0-9a-f]+/, '')],
  ])('is refused with %s', async (_name, text) => {
    await expect(decode([Buffer.from(text)], new ChunkDecoder(signed))).rejects.toThrow();
  });

  it.each([
    ['inside a chunk', '5\r\nhel'],
    ['before the last chunk', '5\r\nhello\r\n'],
    ['with a size that is none', 'five\r\nhello\r\n0\r\n\r\n'],
    ['with more than a chunk says', '4\r\nhello\r\n0\r\n\r\n'],
    ['in a line without end', '1'.repeat(5000)],
  ])('that ends %s is refused', async (_name, text) => {
    await expect(decode([Buffer.from(text)], new ChunkDecoder(undefined))).rejects.toMatchObject({
      code: 'IncompleteBody',
    });
  });

  it('has trailers', async () => {
    const decoder = new ChunkDecoder(undefined);
    const data = await decode(
      [Buffer.from('5\r\nhello\r\n0\r\nX-Amz-Checksum-Crc32: abc=\r\n\r\n')],
      decoder,
    );
    expect([data.toString(), decoder.trailers.get('x-amz-checksum-crc32')]).toEqual(['hello', 'abc=']);
  });
});
