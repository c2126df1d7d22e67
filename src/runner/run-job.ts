/**
 * `run-job`: one job from its document to its end. It runs as process 1 of a PID namespace, so that nothing of
 * it outlives it; what it owns besides is the workspace, which it always closes, and the reports to the service.
 */
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Workspace } from '../builder/sandbox.ts';
import { openWorkspace } from '../builder/workspace.ts';
import { WORKSPACE_DISK } from '../contract/checkpoints.ts';
import { KilnError } from '../contract/errors.ts';
import type { JobReason } from '../contract/jobs.ts';
import type { JobDocument } from '../contract/runner.ts';
import { systemClock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { maskerOf } from '../platform/secrets.ts';
import { createRunnerApi, type RunnerApi } from './api.ts';
import { complete, completeInspection } from './complete.ts';
import { createImage } from './create.ts';
import { customizeImage } from './customize.ts';
import { reasonOf } from './diagnosis.ts';
import { readDocument, secretsOf } from './document.ts';
import { ensureMachine } from './emulation.ts';
import { createEngine, JobFailure } from './engine.ts';
import { createRunnerHttp, type RunnerHttp } from './http.ts';
import { OUT } from './image-root.ts';
import { importImage } from './import.ts';
import { inspectRecipe } from './inspect.ts';
import { createKeeper, dropDisk } from './keeper.ts';
import { packageAccess } from './packages.ts';
import { type Reporter, startReporter } from './reporter.ts';

const CLOSE_PATIENCE_MS = 60_000;

const WHOLE_INSPECTION = { schema_only: false, plan: false, previous: null };
const IMAGE_JOBS = { create: createImage, customize: customizeImage, import: importImage } as const;

export interface RunJobOptions {
  /** The job document, JSON. */
  readonly input: Readable;
  /** The runner's own log; the executor keeps it as runner.log. */
  readonly log: Log;
}

/**
 * Gives the exit code: 0 when the image is registered, 1 when the job ended otherwise, 2 when the document cannot be
 * read. The caller ends the process with it at once.
 */
export async function runJob({ input, log }: RunJobOptions): Promise<number> {
  let document: JobDocument;
  try {
    document = await readDocument(input);
  } catch (error) {
    log.error({ err: error }, 'job document cannot be read');
    return 2;
  }
  const http = createRunnerHttp(document);
  const api = createRunnerApi(document, http);
  const mask = maskerOf(secretsOf(document));
  const reporter = startReporter({ document, api, clock: systemClock, mask });
  const interrupted = signalsOf(log);
  try {
    return await runReported({ document, http, api, reporter, log, mask, interrupted });
  } finally {
    await reporter.close();
    await http.close();
  }
}

interface Run {
  readonly document: JobDocument;
  readonly http: RunnerHttp;
  readonly api: RunnerApi;
  readonly reporter: Reporter;
  readonly log: Log;
  readonly mask: (text: string) => string;
  /** Aborts when the process is told to end. */
  readonly interrupted: AbortSignal;
}

async function runReported(given: Run): Promise<number> {
  const { document, reporter, log } = given;
  let workspace: Workspace | undefined;
  try {
    workspace = await openSandbox(document, log);
    await ensureMachine(workspace, document);
    const stop = AbortSignal.any([reporter.stop, given.interrupted]);
    const run = createEngine({ document, workspace, reporter, http: given.http, stop });
    if (document.job_type === 'inspect') {
      const report = await inspectRecipe(run, document.inspection ?? WHOLE_INSPECTION);
      await reporter.flush();
      await completeInspection(given.api, document, report);
      log.info({ job: document.job_id, ok: report.ok }, 'inspection done');
      await closeSandbox(workspace, document, log);
      return 0;
    }
    const keeper = createKeeper({
      document,
      disk: dirname(workspace.hostPath(OUT.folder)),
      now: () => systemClock.now(),
      tell: reporter.kept,
    });
    const result = await IMAGE_JOBS[document.job_type](run, document, keeper);
    await reporter.flush();
    const image = await complete(given.api, document, result);
    await keeper.forget();
    log.info({ job: document.job_id, image: image.id }, 'job succeeded');
    await closeSandbox(workspace, document, log);
    return 0;
  } catch (error) {
    const reason = masked(error instanceof JobFailure ? error.reason : reasonOf(error, null), given.mask);
    log.info({ job: document.job_id, reason: reason.code, detail: reason.detail }, 'job failed');
    // What the job held is free before anybody is told that it is over.
    await closeSandbox(workspace, document, log);
    if (!(await reporter.fail(reason))) {
      log.warn({ job: document.job_id }, 'service does not take the end of the job');
    }
    return 1;
  }
}

async function openSandbox(document: JobDocument, log: Log): Promise<Workspace> {
  const { limits } = document;
  return await openWorkspace({
    jobId: document.job_id,
    folder: join(document.workspace, 'sandbox'),
    diskFile: join(document.workspace, WORKSPACE_DISK),
    builderRoot: document.builder_root.path,
    limits: {
      diskBytes: limits.disk_bytes,
      memoryBytes: limits.memory_bytes,
      cpus: limits.cpus,
      pids: limits.pids,
    },
    trustedCertificates: document.trusted_certificates,
    outboundSoon: document.job_type === 'create' || document.job_type === 'customize',
    ...packageAccess(document, log),
  });
}

/** What cannot be closed in time goes with the namespaces of this process. */
async function closeSandbox(
  workspace: Workspace | undefined,
  document: JobDocument,
  log: Log,
): Promise<void> {
  const late = new AbortController();
  try {
    await Promise.race([
      workspace?.close(),
      sleep(CLOSE_PATIENCE_MS, undefined, { signal: late.signal }).then(() => {
        throw new Error(`the workspace was not closed after ${CLOSE_PATIENCE_MS} ms`);
      }),
    ]);
    await dropDisk(document.workspace);
  } catch (error) {
    log.warn({ err: error }, 'workspace is not closed; the kernel drops it with this process');
  } finally {
    late.abort();
  }
}

function masked(reason: JobReason, mask: (text: string) => string): JobReason {
  return {
    ...reason,
    detail: mask(reason.detail),
    ...(reason.command === undefined ? {} : { command: mask(reason.command) }),
    ...(reason.errors === undefined
      ? {}
      : { errors: reason.errors.map((item) => ({ ...item, message: mask(item.message) })) }),
  };
}

/** The first TERM or INT stops the job in order; process 1 gets no signal that it does not handle. */
function signalsOf(log: Log): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) {
        process.exit(1);
      }
      log.info({ signal: name }, 'runner told to stop');
      controller.abort(new KilnError('job-cancelled', `The runner was told to stop (${name})`));
    });
  }
  return controller.signal;
}
