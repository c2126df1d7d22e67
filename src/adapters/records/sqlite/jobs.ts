/** Jobs in SQLite. `advance` is a compare-and-set on the sequence of the last snapshot. */
import type { Kysely, Selectable } from 'kysely';
import { JOB_STATES, type Job, type JobState, type LogLine } from '../../../contract/jobs.ts';
import {
  type JobPages,
  type JobSnapshot,
  type JobStore,
  NO_CUSTOMIZATION,
  NO_RETRY,
  NO_SHELL,
  NO_WIRE_NOTES,
  type StoredJob,
} from '../../../jobs/store.ts';
import { pageOfJson } from './page.ts';
import type { JobSnapshotTable, Tables } from './schema.ts';

const OVER: readonly JobState[] = ['succeeded', 'failed', 'cancelled'];

export function jobStore(db: Kysely<Tables>): JobStore & JobPages {
  const rows = () =>
    db
      .selectFrom('jobs')
      .innerJoin('job_snapshots', (join) =>
        join
          .onRef('job_snapshots.job_id', '=', 'jobs.id')
          .onRef('job_snapshots.sequence', '=', 'jobs.sequence'),
      )
      .selectAll('jobs')
      .select(['at', 'attempt', 'reason_json', 'resultant_image_id'])
      .orderBy('jobs.position');
  type Row = Awaited<ReturnType<ReturnType<typeof rows>['execute']>>[number];

  const jobOf = (row: Row): StoredJob => ({
    ...requestOf(row.request_json),
    snapshot: snapshotOf({ ...row, job_id: row.id }),
    steps: JSON.parse(row.steps_json),
    started: row.started,
    finished: row.finished,
    heartbeat: row.heartbeat,
    logLines: row.log_lines,
    reservedImageId: row.reserved_image_id,
    tokenHash: row.token_hash,
    execution: row.execution,
    place: row.place,
  });
  const set = async (
    id: string,
    values: Partial<Record<'execution' | 'heartbeat' | 'steps_json', string>>,
  ) => {
    await db.updateTable('jobs').set(values).where('id', '=', id).execute();
  };
  const setAsked = async (id: string, change: Partial<Asked>) => {
    const row = await db.selectFrom('jobs').select('request_json').where('id', '=', id).executeTakeFirst();
    if (row !== undefined) {
      const request_json = requestJson({ ...requestOf(row.request_json), ...change });
      await db.updateTable('jobs').set({ request_json }).where('id', '=', id).execute();
    }
  };

  return {
    async list() {
      return (await rows().execute()).map(jobOf);
    },
    async page(query) {
      const source = { table: 'jobs', column: 'request_json', nameField: 'image_root_archive_name' } as const;
      const { records, next } = await pageOfJson<{ id: string }>(db, source, query);
      const ids = records.map(({ id }) => id);
      const found = ids.length === 0 ? [] : await rows().where('jobs.id', 'in', ids).execute();
      const byId = new Map(found.map((row) => [row.id, jobOf(row)]));
      return { records: ids.flatMap((id) => byId.get(id) ?? []), next };
    },
    async find(id) {
      const row = await rows().where('jobs.id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : jobOf(row);
    },
    async inStates(states) {
      return (
        await rows()
          .where('jobs.state', 'in', [...states])
          .execute()
      ).map(jobOf);
    },
    async insert(job) {
      await db
        .insertInto('jobs')
        .values({
          id: job.request.id,
          request_json: requestJson(job),
          steps_json: JSON.stringify(job.steps),
          sequence: job.snapshot.sequence,
          state: job.snapshot.state,
          started: job.started,
          finished: job.finished,
          heartbeat: job.heartbeat,
          log_lines: job.logLines,
          reserved_image_id: job.reservedImageId,
          token_hash: job.tokenHash,
          execution: job.execution,
          place: job.place,
        })
        .execute();
      await db.insertInto('job_snapshots').values(snapshotRow(job.request.id, job.snapshot)).execute();
    },
    async advance(id, expected, next, also = {}) {
      const snapshot: JobSnapshot = { ...next, sequence: expected + 1 };
      const result = await db
        .updateTable('jobs')
        .set({
          sequence: snapshot.sequence,
          state: snapshot.state,
          ...(snapshot.state === 'running' || snapshot.state === 'starting' ? { started: snapshot.at } : {}),
          ...(OVER.includes(snapshot.state) ? { finished: snapshot.at } : {}),
          ...(also.tokenHash === undefined ? {} : { token_hash: also.tokenHash }),
          ...(also.execution === undefined ? {} : { execution: also.execution }),
          ...(also.place === undefined ? {} : { place: also.place }),
        })
        .where('id', '=', id)
        .where('sequence', '=', expected)
        .executeTakeFirst();
      if (result.numUpdatedRows === 0n) {
        return false;
      }
      await db.insertInto('job_snapshots').values(snapshotRow(id, snapshot)).execute();
      if (OVER.includes(snapshot.state)) {
        await db.deleteFrom('job_secrets').where('job_id', '=', id).execute();
      }
      return true;
    },
    setExecution: (id, execution) => set(id, { execution }),
    setHeartbeat: (id, heartbeat) => set(id, { heartbeat }),
    setSteps: (id, steps: Job['steps']) => set(id, { steps_json: JSON.stringify(steps) }),
    setWire: (id, wire) => setAsked(id, { wire }),
    setShell: (id, shell) => setAsked(id, { shell }),
    setRetry: (id, retry) => setAsked(id, { retry }),
    async setSecrets(id, sealed) {
      await db.insertInto('job_secrets').values({ job_id: id, sealed }).execute();
    },
    async secrets(id) {
      const row = await db
        .selectFrom('job_secrets')
        .select('sealed')
        .where('job_id', '=', id)
        .executeTakeFirst();
      return row?.sealed;
    },
    async appendLog(id, lines) {
      const job = await db.selectFrom('jobs').select('log_lines').where('id', '=', id).executeTakeFirst();
      if (job === undefined) {
        return;
      }
      let next = job.log_lines + 1;
      const fresh: LogLine[] = [];
      for (const line of lines) {
        if (line.line === next) {
          fresh.push(line);
          next += 1;
        }
      }
      if (fresh.length === 0) {
        return;
      }
      await db
        .insertInto('job_log')
        .values({
          job_id: id,
          first_line: job.log_lines + 1,
          last_line: next - 1,
          lines_json: JSON.stringify(fresh.map(({ at, step, text }) => [at, step, text])),
        })
        .execute();
      await db
        .updateTable('jobs')
        .set({ log_lines: next - 1 })
        .where('id', '=', id)
        .execute();
    },
    async readLog(id, after, limit) {
      const lines: LogLine[] = [];
      // Chunks are read one after another, so that a long log is never held whole.
      for (let last = after; lines.length < limit; ) {
        const chunk = await db
          .selectFrom('job_log')
          .selectAll()
          .where('job_id', '=', id)
          .where('last_line', '>', last)
          .orderBy('first_line')
          .limit(1)
          .executeTakeFirst();
        if (chunk === undefined) {
          break;
        }
        const texts: [string, string, string][] = JSON.parse(chunk.lines_json);
        for (const [index, [at, step, text]] of texts.entries()) {
          const line = chunk.first_line + index;
          if (line > after && lines.length < limit) {
            lines.push({ line, at, step, text });
          }
        }
        last = chunk.last_line;
      }
      return lines;
    },
    async snapshots(id) {
      const found = await db
        .selectFrom('job_snapshots')
        .selectAll()
        .where('job_id', '=', id)
        .orderBy('sequence')
        .execute();
      return found.map(snapshotOf);
    },
    async setReport(id, report) {
      const row = { job_id: id, report_json: JSON.stringify(report) };
      await db
        .insertInto('job_reports')
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    },
    async report(id) {
      const row = await db
        .selectFrom('job_reports')
        .select('report_json')
        .where('job_id', '=', id)
        .executeTakeFirst();
      return row === undefined ? undefined : JSON.parse(row.report_json);
    },
    async delete(id) {
      const result = await db.deleteFrom('jobs').where('id', '=', id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}

type Asked = Pick<StoredJob, 'request' | 'wire' | 'inspection' | 'customization' | 'shell' | 'retry'>;

/** What the reference's clients said is kept beside what was asked for. */
function requestJson({ request, wire, inspection, customization, shell, retry }: Asked): string {
  return JSON.stringify({
    ...request,
    wire,
    ...(inspection === null ? {} : { inspection }),
    customization,
    shell,
    retry,
  });
}

function requestOf(json: string): Asked {
  const {
    wire = NO_WIRE_NOTES,
    inspection = null,
    customization,
    shell,
    retry,
    ...request
  } = JSON.parse(json);
  return {
    request: { node: null, node_labels: {}, ...request },
    wire,
    inspection,
    customization: { ...NO_CUSTOMIZATION, ...customization },
    shell: { ...NO_SHELL, ...shell },
    retry: { ...NO_RETRY, ...retry },
  };
}

function snapshotOf(row: Selectable<JobSnapshotTable>): JobSnapshot {
  const state = JOB_STATES.find((each) => each === row.state);
  if (state === undefined) {
    throw new Error(`the records name a job state that there is not: ${row.state}`);
  }
  return {
    sequence: row.sequence,
    state,
    at: row.at,
    attempt: row.attempt,
    reason: row.reason_json === null ? null : JSON.parse(row.reason_json),
    resultantImageId: row.resultant_image_id,
  };
}

function snapshotRow(jobId: string, snapshot: JobSnapshot) {
  return {
    job_id: jobId,
    sequence: snapshot.sequence,
    state: snapshot.state,
    at: snapshot.at,
    attempt: snapshot.attempt,
    reason_json: snapshot.reason === null ? null : JSON.stringify(snapshot.reason),
    resultant_image_id: snapshot.resultantImageId,
  };
}
