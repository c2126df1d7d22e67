/**
 * Brings the record of the shells of a job to the store while the job goes on, so that it is there however the job ends: each
 * recording once it is whole, and the list of sessions whenever it is another one.
 */
import { join } from 'node:path';
import type { JobSessions } from '../../contract/history.ts';
import type { JobDocument } from '../../contract/runner.ts';
import { openRegular } from '../../platform/safe-file.ts';
import type { RunnerHttp } from '../http.ts';
import { fileSource, textSource, type UploadOptions, upload } from '../upload.ts';
import { recordingFile, recordingsIn } from './record-folder.ts';

/** Many sessions that come and go at once are told of at once. */
const PAUSE_MS = 1_000;

export interface RecordUploadOptions {
  readonly folder: string;
  readonly addresses: JobDocument['record'];
  readonly http: RunnerHttp;
  readonly sessions: () => JobSessions;
  log(text: string): void;
}

export interface RecordUpload {
  /** Something changed: it is uploaded soon. */
  soon(): void;
  /** Uploads the rest within this time. Never throws: what is not uploaded is still in the folder, and is said. */
  finish(withinMs: number): Promise<void>;
}

export function createRecordUpload(options: RecordUploadOptions): RecordUpload {
  const { folder, addresses, http, sessions, log } = options;
  const uploaded = new Set<number>();
  let told = '';
  let timer: NodeJS.Timeout | undefined;
  let last: Promise<void> = Promise.resolve();
  const stop = new AbortController();

  async function uploadAll(signal: AbortSignal, isOver: boolean): Promise<void> {
    if (addresses === null) {
      return;
    }
    const list = sessions();
    const going = new Set(
      list.sessions.filter(({ ended }) => ended === null).map(({ recording }) => recording),
    );
    for (const number of await recordingsIn(folder)) {
      const url = addresses.recordings[number - 1]?.url;
      if (url !== undefined && !uploaded.has(number) && (isOver || !going.has(number))) {
        await uploadFile(join(folder, recordingFile(number)), { url, http, signal });
        uploaded.add(number);
      }
    }
    const text = JSON.stringify(list);
    if (text !== told && list.sessions.length > 0) {
      await upload(textSource('the list of sessions', text), { url: addresses.sessions.url, http, signal });
      told = text;
    }
  }

  /** One after the other. */
  function run(signal: AbortSignal, isOver: boolean): Promise<void> {
    last = last
      .then(() => uploadAll(signal, isOver))
      .catch((error: unknown) => {
        // The last one tries again what an earlier one could not do.
        if (isOver) {
          log(
            `The record of the shell is not all in the store: ${error instanceof Error ? error.message : error}`,
          );
        }
      });
    return last;
  }

  return {
    soon() {
      timer ??= setTimeout(() => {
        timer = undefined;
        void run(stop.signal, false);
      }, PAUSE_MS);
    },
    async finish(withinMs) {
      clearTimeout(timer);
      stop.abort();
      await run(AbortSignal.timeout(withinMs), true);
    },
  };
}

async function uploadFile(path: string, options: UploadOptions): Promise<void> {
  const { handle, sizeBytes } = await openRegular(path);
  try {
    await upload(fileSource('a recording', handle, sizeBytes), options);
  } finally {
    await handle.close();
  }
}
