/**
 * The list of sessions of the shells of a job, on the disk of its workspace, where a job that goes on with it finds it. A line is
 * appended for the beginning of a session and one for its end, so that a runner that is killed loses nothing that it knew.
 */
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { type JobSessions, SESSIONS, Session } from '../../contract/history.ts';

const FILE = 'sessions.jsonl';

const Began = Type.Object({ session: Type.Integer({ minimum: 1 }), began: Session });
const Ended = Type.Object({ session: Type.Integer({ minimum: 1 }), ended: Type.String() });

export interface SessionNotes {
  /** Gives the number of the session. Those past the limit are counted only. */
  began(session: Session): Promise<number>;
  ended(number: number, at: string): Promise<void>;
  list(): JobSessions;
}

/** `folder`: one that nothing in the sandbox could write to. */
export async function openSessionNotes(folder: string): Promise<SessionNotes> {
  const file = join(folder, FILE);
  const sessions = new Map<number, Session>();
  let last = 0;
  for (const line of await readLines(file)) {
    if (Value.Check(Began, line)) {
      last = Math.max(last, line.session);
      take(line.session, line.began);
    } else if (Value.Check(Ended, line)) {
      end(line.session, line.ended);
    }
  }

  function take(number: number, session: Session): void {
    if (number <= SESSIONS) {
      sessions.set(number, session);
    }
  }

  function end(number: number, at: string): boolean {
    const session = sessions.get(number);
    if (session === undefined || session.ended !== null) {
      return false;
    }
    sessions.set(number, { ...session, ended: at });
    return true;
  }

  return {
    async began(session) {
      last += 1;
      const number = last;
      take(number, session);
      await append(file, { session: number, began: session });
      return number;
    },
    async ended(number, at) {
      if (end(number, at)) {
        await append(file, { session: number, ended: at });
      }
    },
    list: () => ({ sessions: [...sessions.values()], sessions_left_out: last - sessions.size }),
  };
}

async function append(file: string, line: object): Promise<void> {
  await appendFile(file, `${JSON.stringify(line)}\n`, { mode: 0o600 });
}

/** A line that a runner was killed in the middle of is none. */
async function readLines(file: string): Promise<unknown[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') {
      return '';
    }
    throw error;
  });
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      return [];
    }
  });
}
