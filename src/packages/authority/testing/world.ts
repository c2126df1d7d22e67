/** An authority in a folder of the test, with a clock that is moved by hand and a process that can be killed. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../../platform/log.ts';
import { readSettings } from '../../../platform/settings.ts';
import { type Authority, createAuthority } from '../authority.ts';
import { type AuthorityFiles, openAuthorityFiles } from '../files.ts';

export const DAY_MS = 86_400_000;
export const START = new Date('2026-03-01T12:00:00.000Z');

/** The process is dead: nothing that it wanted to write is written any more. */
export class Killed extends Error {}

export interface World extends AsyncDisposable {
  readonly folder: string;
  /** Folder of the authority. */
  readonly state: string;
  /** Moves the time on, or back. */
  pass(days: number): void;
  now(): Date;
  /** A file of the administrator; gives its path. */
  file(name: string, text: string): Promise<string>;
  /** Starts the authority, as the service does; the one before is over. */
  start(settings?: Record<string, string>): Promise<Authority>;
  /** Kills the process before its n-th write from now, or after it; undefined lets it live. */
  killAt(write: number | undefined, when?: 'before' | 'after'): void;
}

export async function startWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-authority-'));
  const state = join(folder, 'authority');
  let time = START.getTime();
  let writes = 0;
  let deadline: { write: number; when: 'before' | 'after' } | undefined;
  let running: Authority | undefined;

  const mortal = (files: AuthorityFiles): AuthorityFiles => ({
    ...files,
    async write(name, text) {
      writes += 1;
      if (deadline !== undefined && writes >= deadline.write + (deadline.when === 'after' ? 1 : 0)) {
        throw new Killed(`before ${name}`);
      }
      await files.write(name, text);
      if (deadline?.when === 'after' && writes === deadline.write) {
        throw new Killed(`after ${name}`);
      }
    },
    async keepOnly(names) {
      if (deadline !== undefined && writes >= deadline.write) {
        throw new Killed('before old files were removed');
      }
      await files.keepOnly(names);
    },
  });

  return {
    folder,
    state,
    now: () => new Date(time),
    pass(days) {
      time += days * DAY_MS;
    },
    async file(name, text) {
      const path = join(folder, name);
      await writeFile(path, text);
      return path;
    },
    async start(settings = {}) {
      running?.close();
      running = await createAuthority({
        folder: state,
        settings: readSettings({ flags: settings }),
        clock: { now: () => new Date(time) },
        log: silentLog,
        files: mortal(await openAuthorityFiles(state)),
      });
      return running;
    },
    killAt(write, when = 'before') {
      writes = 0;
      deadline = write === undefined ? undefined : { write, when };
    },
    async [Symbol.asyncDispose]() {
      running?.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
