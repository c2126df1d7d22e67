/**
 * What the runner says to the service, over HTTP. One call is one attempt: when to try again is the caller's
 * business, and the code of the error tells: `server-unreachable` passes, everything else is an answer.
 */
import { Value } from 'typebox/value';
import { request } from 'undici';
import { KilnError } from '../contract/errors.ts';
import { Image } from '../contract/images.ts';
import { errorOf, Problem } from '../contract/problem.ts';
import {
  type JobDocument,
  type RunnerCompletion,
  type RunnerInspection,
  RunnerReply,
  type RunnerReport,
} from '../contract/runner.ts';

import type { RunnerHttp } from './http.ts';

const TIMEOUT_MS = 20_000;

export interface RunnerApi {
  report(report: RunnerReport, signal?: AbortSignal): Promise<RunnerReply>;
  complete(completion: RunnerCompletion, signal?: AbortSignal): Promise<Image>;
  inspected(inspection: RunnerInspection): Promise<void>;
}

/** The service of this job. All calls throw `server-unreachable`, or the error of the problem document answered. */
export function createRunnerApi(document: Pick<JobDocument, 'api' | 'job_id'>, http: RunnerHttp): RunnerApi {
  const base = new URL(`/kiln/v1/runner/jobs/${document.job_id}/`, document.api.url);

  async function post(path: string, body: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const url = new URL(path, base);
    const { dispatcher, headers } = http.to(url);
    try {
      const response = await request(url, {
        method: 'POST',
        dispatcher,
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
      });
      return answerOf(response.statusCode, await response.body.text());
    } catch (cause) {
      if (cause instanceof KilnError) {
        throw cause;
      }
      throw unreachable(cause instanceof Error ? cause.message : String(cause), cause);
    }
  }

  return {
    async report(report, signal) {
      const reply = await post('report', report, signal);
      if (!Value.Check(RunnerReply, reply)) {
        throw unreachable('it answered a report with something else than a reply');
      }
      return reply;
    },
    async complete(completion, signal) {
      const image = await post('complete', completion, signal);
      if (!Value.Check(Image, image)) {
        throw unreachable('it answered the completion with something else than an image');
      }
      return image;
    },
    async inspected(inspection) {
      await post('inspected', inspection, undefined);
    },
  };
}

function answerOf(status: number, text: string): unknown {
  const body = parseJson(text);
  if (status >= 200 && status < 300) {
    return body;
  }
  // A service that starts, stops or is overloaded answers so; its own words count for everything else.
  if (status >= 500 || status === 429 || !Value.Check(Problem, body)) {
    throw unreachable(`it answered ${status}`);
  }
  throw errorOf(body);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unreachable(detail: string, cause?: unknown): KilnError {
  return new KilnError('server-unreachable', detail, { cause });
}
