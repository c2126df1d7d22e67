/** Who was in the shells of jobs, and what their terminals showed: there until the job is deleted, however it ended. */
import type { Readable } from 'node:stream';
import { Value } from 'typebox/value';
import { KilnError } from '../contract/errors.ts';
import { JobSessions } from '../contract/history.ts';
import type { ObjectStore } from '../features/objects/store.ts';
import type { JobRecords } from '../ports/records.ts';
import { recordObject } from './record.ts';
import { mustFind } from './service.ts';

export interface JobRecordings {
  /** As far as they are known; a session is told of a second after it began. Throws `job-not-found`. */
  sessions(id: string): Promise<JobSessions>;
  /** An asciicast, once its session is over. Throws `job-not-found` and `recording-not-found`. */
  recording(id: string, number: number): Promise<Readable>;
}

export function createJobRecordings(deps: {
  readonly records: JobRecords;
  readonly objects: ObjectStore;
}): JobRecordings {
  const { records, objects } = deps;
  return {
    async sessions(id) {
      await mustFind(records, id);
      const address = recordObject(id, 'sessions.json');
      if ((await objects.head(address)) === undefined) {
        return { sessions: [], sessions_left_out: 0 };
      }
      const { data } = await objects.get(address);
      const sessions: unknown = JSON.parse(Buffer.concat(await data.toArray()).toString('utf8'));
      if (!Value.Check(JobSessions, sessions)) {
        throw new KilnError(
          'internal-error',
          `the sessions of job ${id} are not as this version writes them`,
        );
      }
      return sessions;
    },

    async recording(id, number) {
      await mustFind(records, id);
      const address = recordObject(id, `${number}.cast`);
      if ((await objects.head(address)) === undefined) {
        throw new KilnError('recording-not-found', `job ${id} has no recording ${number}, or not yet`);
      }
      return (await objects.get(address)).data;
    },
  };
}
