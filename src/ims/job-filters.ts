/**
 * Which jobs a bulk deletion is about. A filter that cannot be understood is refused, whatever it is: what it was
 * meant to spare must not be deleted.
 */
import { JOB_STATUSES, type JobStatus } from '../contract/jobs.ts';
import { badQuery } from './answers.ts';

const JOB_TYPES = ['create', 'customize'] as const;
export type JobType = (typeof JOB_TYPES)[number];

export interface JobFilter {
  /** Empty: any. */
  readonly statuses: readonly JobStatus[];
  readonly type: JobType | undefined;
  /** Only jobs that were created before this moment. */
  readonly createdBefore: Date | undefined;
}

const PARAMETERS = ['status', 'job_type', 'age'];

/** Throws the reference's answer to a bad query; `values` gives what was sent for a parameter, in order. */
export function parseJobFilter(
  names: readonly string[],
  values: (name: string) => string[],
  now: Date,
): JobFilter {
  const unknown = names.find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) {
    throw badQuery(`There is no filter "${unknown}"; the filters are ${PARAMETERS.join(', ')}.`);
  }
  const [type] = values('job_type');
  const [age] = values('age');
  return {
    statuses: values('status').map(statusNamed),
    type: type === undefined ? undefined : typeNamed(type),
    createdBefore: age === undefined ? undefined : momentOf(age, now),
  };
}

export function matches(
  filter: JobFilter,
  job: { readonly status: JobStatus; readonly job_type: JobType; readonly created: string },
): boolean {
  return (
    (filter.statuses.length === 0 || filter.statuses.includes(job.status)) &&
    (filter.type === undefined || filter.type === job.job_type) &&
    (filter.createdBefore === undefined || Date.parse(job.created) < filter.createdBefore.getTime())
  );
}

function statusNamed(word: string): JobStatus {
  const status = JOB_STATUSES.find((each) => each === word.toLowerCase());
  if (status === undefined) {
    throw badQuery(`"${word}" is no status of a job.`);
  }
  return status;
}

function typeNamed(word: string): JobType {
  const type = JOB_TYPES.find((each) => each === word);
  if (type === undefined) {
    throw badQuery(`"${word}" is no type of a job.`);
  }
  return type;
}

const MINUTE = 60_000;
const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^w(eeks?)?$/, 7 * 24 * 60 * MINUTE],
  [/^d(ays?)?$/, 24 * 60 * MINUTE],
  [/^h((ou)?rs?)?$/, 60 * MINUTE],
  [/^m(in(ute)?s?)?$/, MINUTE],
];

/** `2w`, `3days`, `1d 6h`, `1d6h`: the moment so long before now. */
function momentOf(age: string, now: Date): Date {
  const parts = [...age.trim().matchAll(/(\d+)([a-z]+)\s*/gi)];
  const isWhole = parts.length > 0 && parts.map(([part]) => part).join('') === age.trim();
  if (!isWhole) {
    throw badQuery(`"${age}" is no age; one is a number and w, d, h or m, for example 2w or 1d 6h.`);
  }
  const moment = new Date(
    now.getTime() - parts.reduce((sum, [, count, unit]) => sum + Number(count) * lengthOf(age, unit), 0),
  );
  if (Number.isNaN(moment.getTime()) || moment.getUTCFullYear() < 1) {
    throw badQuery(`The age "${age}" is longer than there is time.`);
  }
  return moment;
}

function lengthOf(age: string, unit = ''): number {
  const length = UNITS.find(([pattern]) => pattern.test(unit.toLowerCase()))?.[1];
  if (length === undefined) {
    throw badQuery(`The age "${age}" has the unit "${unit}"; the units are w, d, h and m.`);
  }
  return length;
}
