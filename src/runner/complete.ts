/** Has the image registered: the last word of a job that succeeded. */
import { setTimeout as sleep } from 'node:timers/promises';
import { KilnError } from '../contract/errors.ts';
import type { Image } from '../contract/images.ts';
import type { InspectionReport } from '../contract/inspections.ts';
import type { JobDocument } from '../contract/runner.ts';
import type { RunnerApi } from './api.ts';
import type { ImageResult } from './create.ts';

const RETRY_MS = 1_000;

/**
 * The registered image. It is asked for again while the service is away and the grace time lasts: asked twice, the
 * service gives the same image. No stop signal ends this, as the service itself refuses what must not be completed.
 * Throws `server-lost`, or what the service answers.
 */
export async function complete(
  api: Pick<RunnerApi, 'complete'>,
  document: Pick<JobDocument, 'attempt' | 'api'>,
  result: ImageResult,
  retryMs = RETRY_MS,
): Promise<Image> {
  return await whileAway(document, retryMs, () => api.complete({ attempt: document.attempt, ...result }));
}

/** The same for the report of an inspection. */
export async function completeInspection(
  api: Pick<RunnerApi, 'inspected'>,
  document: Pick<JobDocument, 'attempt' | 'api'>,
  report: InspectionReport,
): Promise<void> {
  await whileAway(document, RETRY_MS, () => api.inspected({ attempt: document.attempt, report }));
}

async function whileAway<T>(
  document: Pick<JobDocument, 'api'>,
  retryMs: number,
  ask: () => Promise<T>,
): Promise<T> {
  const end = performance.now() + document.api.grace_seconds * 1000;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof KilnError) || error.code !== 'server-unreachable') {
        throw error;
      }
      if (performance.now() + retryMs > end) {
        throw new KilnError('server-lost', `The result could not be registered: ${error.message}`, {
          cause: error,
        });
      }
      await sleep(retryMs);
    }
  }
}
