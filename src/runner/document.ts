/** Reads the job document: once, at the edge, into a type. */
import type { Readable } from 'node:stream';
import { Value } from 'typebox/value';
import { KilnError } from '../contract/errors.ts';
import { JobDocument } from '../contract/runner.ts';

const LIMIT_BYTES = 8 * 1024 * 1024;

/** Throws `bad-request` when the input is not a job document of this version. */
export async function readDocument(input: Readable): Promise<JobDocument> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    const buffer = Buffer.from(chunk);
    bytes += buffer.length;
    if (bytes > LIMIT_BYTES) {
      throw new KilnError('bad-request', `the job document is larger than ${LIMIT_BYTES} bytes`);
    }
    chunks.push(buffer);
  }
  const document = parseJson(Buffer.concat(chunks).toString('utf8'));
  if (!Value.Check(JobDocument, document)) {
    const [problem] = Value.Errors(JobDocument, document);
    throw new KilnError('bad-request', `job document${problem?.instancePath ?? ''}: ${problem?.message}`);
  }
  return document;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new KilnError('bad-request', 'the job document is not JSON', { cause });
  }
}

/** Everything in the document that must not be in a log: who has it can act for the job. */
export function secretsOf(
  document: Pick<JobDocument, 'api' | 'source' | 'image' | 'record' | 'archives' | 'secrets'>,
): string[] {
  const { api, source, image, record, archives } = document;
  const { recordings, ...uploads } = image.uploads;
  const ofJob = record === null ? [] : [record.sessions, ...record.recordings];
  const addresses = [source, ...archives, ...Object.values(uploads), ...recordings, ...ofJob];
  return [
    api.token,
    ...(source.history === null ? [] : [source.history]),
    ...addresses.map(({ url }) => url),
    ...givenSecrets(document),
  ];
}

/** What people have given for the changes. Logs have one line at a time, and so of a secret of several. */
export function givenSecrets({ secrets }: Pick<JobDocument, 'secrets'>): string[] {
  return Object.values(secrets).flatMap((value) => [value, ...value.split(/\r?\n/)]);
}
