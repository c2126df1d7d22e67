/**
 * Looks at an uploaded package just enough to refuse what cannot be one: another kind of file, or one that was cut
 * off. What is in it is found out in the sandbox, when it is published.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { KilnError } from '../../contract/errors.ts';
import type { RepositoryFormat } from '../../contract/repositories.ts';

const RPM_LEAD_BYTES = 96;
const RPM_LEAD_MAGIC = 0xedabeedb;
const RPM_HEADER_MAGIC = 0x8eade801;
/** Tags of the signature header that say how large header and payload are together (rpm's rpmtag.h). */
const SIGTAG_SIZE = 1000;
const SIGTAG_LONGSIZE = 270;
/** Tag of the main header for the size of the payload, in the format of rpm 6. */
const RPMTAG_PAYLOADSIZE = 5112;
const TYPE_INT64 = 5;
const HEADER_LIMIT_BYTES = 64 * 1024 * 1024;

/** Throws `package-invalid`. */
export async function checkPackageFile(format: RepositoryFormat, file: string, path: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const expected = format === 'rpm' ? await rpmSize(handle, path) : await debSize(handle, size, path);
    if (expected !== undefined && size < expected) {
      throw new KilnError('package-invalid', `${path} is cut off: it has ${size} of ${expected} bytes`);
    }
  } finally {
    await handle.close();
  }
}

/** How large the file has to be, if it says so itself: old formats in the signature header, new ones in the main one. */
async function rpmSize(handle: FileHandle, path: string): Promise<number | undefined> {
  const lead = await read(handle, 0, 4);
  if (lead.length < 4 || lead.readUInt32BE(0) !== RPM_LEAD_MAGIC) {
    throw new KilnError('package-invalid', `${path} is no rpm package`);
  }
  const signature = await rpmHeader(handle, RPM_LEAD_BYTES, path);
  // The signature header is filled up to a multiple of eight bytes.
  const mainStart = Math.ceil(signature.end / 8) * 8;
  const signed = signature.numberOf(SIGTAG_SIZE) ?? signature.numberOf(SIGTAG_LONGSIZE);
  if (signed !== undefined) {
    return mainStart + signed;
  }
  const main = await rpmHeader(handle, mainStart, path);
  const payload = main.numberOf(RPMTAG_PAYLOADSIZE);
  return payload === undefined ? undefined : main.end + payload;
}

interface RpmHeader {
  /** Position in the file behind it. */
  readonly end: number;
  /** The first value of an integer tag. */
  numberOf(tag: number): number | undefined;
}

/** Throws `package-invalid` when the file ends in the middle of the header. */
async function rpmHeader(handle: FileHandle, start: number, path: string): Promise<RpmHeader> {
  const intro = await read(handle, start, 16);
  if (intro.length < 16 || intro.readUInt32BE(0) !== RPM_HEADER_MAGIC) {
    throw new KilnError(
      'package-invalid',
      `${path} is cut off or damaged: there is no header at byte ${start}`,
    );
  }
  const [entries, dataBytes] = [intro.readUInt32BE(8), intro.readUInt32BE(12)];
  const length = entries * 16 + dataBytes;
  if (length > HEADER_LIMIT_BYTES) {
    throw new KilnError('package-invalid', `${path} is damaged: its header has ${length} bytes`);
  }
  const header = await read(handle, start + 16, length);
  if (header.length < length) {
    throw new KilnError('package-invalid', `${path} is cut off in the middle of its header`);
  }
  return {
    end: start + 16 + length,
    numberOf(tag) {
      const entry = Array.from({ length: entries }, (_, index) => index * 16).find(
        (each) => header.readUInt32BE(each) === tag,
      );
      if (entry === undefined) {
        return undefined;
      }
      const isLong = header.readUInt32BE(entry + 4) === TYPE_INT64;
      const at = entries * 16 + header.readUInt32BE(entry + 8);
      if (at + (isLong ? 8 : 4) > length) {
        throw new KilnError('package-invalid', `${path} is damaged: its header points outside`);
      }
      return isLong ? Number(header.readBigUInt64BE(at)) : header.readUInt32BE(at);
    },
  };
}

/** Where the last member of the ar archive ends. */
async function debSize(handle: FileHandle, size: number, path: string): Promise<number> {
  const magic = await read(handle, 0, 8);
  if (magic.toString('latin1') !== '!<arch>\n') {
    throw new KilnError('package-invalid', `${path} is no Debian package`);
  }
  let at = 8;
  let members = 0;
  while (at < size) {
    const header = await read(handle, at, 60);
    const bytes = Number(header.toString('latin1', 48, 58).trim());
    if (header.length < 60 || header.toString('latin1', 58, 60) !== '`\n' || !Number.isSafeInteger(bytes)) {
      throw new KilnError('package-invalid', `${path} is cut off or damaged behind byte ${at}`);
    }
    at += 60 + bytes;
    members += 1;
    if (at < size) {
      at += bytes % 2;
    }
  }
  if (members < 3 && at <= size) {
    throw new KilnError(
      'package-invalid',
      `${path} is no whole Debian package: it has ${members} of 3 parts`,
    );
  }
  return at;
}

async function read(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
