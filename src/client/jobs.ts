/** Jobs: requests, and streams that go on after a broken connection where they were. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobRetry } from '../contract/checkpoints.ts';
import { KilnError } from '../contract/errors.ts';
import type { JobSessions } from '../contract/history.ts';
import type { Job, JobCreate, LogLine } from '../contract/jobs.ts';
import type { HttpClient } from './http.ts';
import { eventsOf } from './sse.ts';

export interface StreamOptions {
  signal?: AbortSignal;
}

const OVER: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled']);
const RECONNECT_MS = 1_000;
const RECONNECT_LIMIT_MS = 60_000;

export function isOver(job: Job): boolean {
  return OVER.has(job.state);
}

/** `reconnectMs`: how long a broken stream waits before it goes on. */
export function jobsClient(http: HttpClient, reconnectMs = RECONNECT_MS) {
  return {
    list: () => http.json<Job[]>('GET', '/kiln/v1/jobs'),
    get: (id: string) => http.json<Job>('GET', `/kiln/v1/jobs/${id}`),
    create: (job: JobCreate) => http.json<Job>('POST', '/kiln/v1/jobs', job),
    cancel: (id: string) => http.json<Job>('POST', `/kiln/v1/jobs/${id}/cancel`),
    /** Closes the shell of the job; its image is made. */
    finish: (id: string) => http.json<Job>('POST', `/kiln/v1/jobs/${id}/finish`),
    /** Closes the shell of the job; it ends without an image. */
    fail: (id: string) => http.json<Job>('POST', `/kiln/v1/jobs/${id}/fail`),
    /** Has what was done in the shell kept; `checkpoint` of the job says when that is done. */
    checkpoint: (id: string) => http.json<Job>('POST', `/kiln/v1/jobs/${id}/checkpoint`),
    extend: (id: string, minutes: number) =>
      http.json<Job>('POST', `/kiln/v1/jobs/${id}/extend`, { minutes }),
    /** Another try, after the last checkpoint or from a step. */
    retry: (id: string, options: JobRetry = {}) =>
      http.json<Job>('POST', `/kiln/v1/jobs/${id}/retry`, options),
    /** Who was in the shell of the job. */
    recordings: (id: string) => http.json<JobSessions>('GET', `/kiln/v1/jobs/${id}/recordings`),
    /** An asciicast. */
    recording: async (id: string, number: number) =>
      (await http.send('GET', `/kiln/v1/jobs/${id}/recordings/${number}`)).text(),
    delete: (id: string) => http.json<void>('DELETE', `/kiln/v1/jobs/${id}`),

    /** The log from after line `after` to its end; waits for new lines while the job runs. */
    async *log(id: string, options: StreamOptions & { after?: number } = {}): AsyncIterable<LogLine> {
      let after = options.after ?? 0;
      const path = () => `/kiln/v1/jobs/${id}/log?after=${after}`;
      for await (const event of reconnecting(http, path, reconnectMs, options)) {
        if (event.event === 'end') {
          return;
        }
        const line: LogLine = JSON.parse(event.data);
        after = line.line;
        yield line;
      }
    },

    /** The job at each change, the first time as it is now; ends with the job. */
    async *watch(id: string, options: StreamOptions = {}): AsyncIterable<Job> {
      const path = () => `/kiln/v1/jobs/${id}/events`;
      for await (const event of reconnecting(http, path, reconnectMs, options)) {
        if (event.event !== 'job') {
          continue;
        }
        const job: Job = JSON.parse(event.data);
        yield job;
        if (isOver(job)) {
          return;
        }
      }
    },
  };
}

/** Events of one stream after another; gives up when the service is away for a minute. */
async function* reconnecting(
  http: HttpClient,
  path: () => string,
  reconnectMs: number,
  options: StreamOptions,
) {
  let lastAnswer = performance.now();
  for (;;) {
    try {
      const response = await http.send('GET', path(), {
        headers: { accept: 'text/event-stream' },
        ...(options.signal ? { signal: options.signal } : {}),
      });
      for await (const event of eventsOf(response)) {
        lastAnswer = performance.now();
        yield event;
      }
    } catch (error) {
      const final = error instanceof KilnError && error.code !== 'server-unreachable';
      if (options.signal?.aborted || final || performance.now() - lastAnswer > RECONNECT_LIMIT_MS) {
        throw error;
      }
    }
    await sleep(reconnectMs, undefined, options.signal ? { signal: options.signal } : {});
  }
}
