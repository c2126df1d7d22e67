/**
 * The name by which OpenSSL finds an authority in a folder of certificates: the digest of its subject, written in one way
 * whichever way the certificate writes it. What is read here was parsed by Node.js before.
 */
import { createHash, X509Certificate } from 'node:crypto';

const SEQUENCE = 0x30;
const SET = 0x31;
const UTF8 = 0x0c;
/** The number of the version, which the oldest certificates lack. */
const VERSION = 0xa0;
/** The kinds of strings that count as the same text. */
const DECODERS: Readonly<Record<number, (bytes: Buffer) => string>> = {
  [UTF8]: (bytes) => bytes.toString('utf8'),
  19: (bytes) => bytes.toString('latin1'),
  20: (bytes) => bytes.toString('latin1'),
  22: (bytes) => bytes.toString('latin1'),
  26: (bytes) => bytes.toString('latin1'),
  30: (bytes) => Buffer.from(bytes).swap16().toString('utf16le'),
};

interface Element {
  readonly tag: number;
  readonly content: Buffer;
  /** With tag and length. */
  readonly whole: Buffer;
}

/** Eight hexadecimal digits; the file has a dot and a number after them. Throws when it is no certificate. */
export function certificateHash(pem: string): string {
  const [body] = elementsOf(new X509Certificate(pem).raw);
  const [signed] = elementsOf(body?.content);
  const fields = elementsOf(signed?.content).filter(({ tag }) => tag !== VERSION);
  // Before it: serial number, algorithm, issuer, validity.
  const names = elementsOf(fields[4]?.content).map(({ content }) => oneWay(content));
  return createHash('sha1').update(Buffer.concat(names)).digest().subarray(0, 4).reverse().toString('hex');
}

function oneWay(name: Buffer): Buffer {
  const parts = elementsOf(name).map(({ content }) => {
    const [type, value] = elementsOf(content);
    return encoded(SEQUENCE, Buffer.concat([type?.whole ?? Buffer.of(), textOf(value)]));
  });
  return encoded(SET, Buffer.concat(parts.sort(Buffer.compare)));
}

function textOf(value: Element | undefined): Buffer {
  const decode = DECODERS[value?.tag ?? -1];
  if (value === undefined || decode === undefined) {
    return value?.whole ?? Buffer.of();
  }
  // Of ASCII alone, as OpenSSL does it: other letters stay as they are.
  const text = decode(value.content)
    .replaceAll(/[ \t-\r]+/g, ' ')
    .replaceAll(/^ | $/g, '')
    .replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
  return encoded(UTF8, Buffer.from(text, 'utf8'));
}

function elementsOf(data: Buffer = Buffer.of()): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at + 1 < data.length; ) {
    const first = data[at + 1] ?? 0;
    const more = first < 0x80 ? 0 : first - 0x80;
    const length = more === 0 ? first : data.readUIntBE(at + 2, more);
    const start = at + 2 + more;
    const end = start + length;
    elements.push({ tag: data[at] ?? 0, content: data.subarray(start, end), whole: data.subarray(at, end) });
    at = end;
  }
  return elements;
}

function encoded(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) {
    bytes.unshift(rest % 256);
  }
  const head = length < 0x80 ? [tag, length] : [tag, 0x80 + bytes.length, ...bytes];
  return Buffer.concat([Buffer.from(head), content]);
}
