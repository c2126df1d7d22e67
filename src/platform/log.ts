/**
 * The service log. Messages are static, facts are fields, and the level says who must act: `error` an
 * administrator now, `warn` an administrator some day, `info` nobody, `debug` a developer.
 */
import { type Logger, pino } from 'pino';

export type Log = Logger;

const SECRET_FIELDS = ['token', 'secret', 'password', 'authorization', 'signature', 'url'];

/** JSON lines to standard error, so that standard output stays free for results. */
export function createLog(level: string): Log {
  const paths = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);
  return pino({ level, base: null, redact: { paths, censor: '[secret]' } }, pino.destination(2));
}

export const silentLog: Log = pino({ level: 'silent' });
