/**
 * The certificate authority of the platform: the roots that builds and images trust, and the server certificate of the
 * package server. It lives as long as the service, renews by itself what ends, and owns the folder of its keys.
 *
 * A change writes new files, then the state that names them, in one rename: whoever dies on the way leaves the authority
 * as it was before or as it is after.
 */
import type { Authority as AuthorityDescription } from '../../contract/authority.ts';
import { KilnError } from '../../contract/errors.ts';
import type { Clock } from '../../platform/clock.ts';
import { keyedLock } from '../../platform/keyed-lock.ts';
import type { Log } from '../../platform/log.ts';
import { type AuthorityFiles, openAuthorityFiles } from './files.ts';
import { type AuthoritySettings, readGiven } from './given.ts';
import { newRoot, settle } from './settle.ts';
import {
  filesOf,
  readState,
  rootOf,
  type State,
  withNext,
  withoutRoot,
  withSigning,
  writeState,
} from './state.ts';
import { type AuthorityView, type ServerCertificate, viewOf } from './view.ts';

const CHECK_INTERVAL_MS = 3_600_000;

export interface AuthorityOptions {
  /** Made when it is not there; nobody but the service may enter it. */
  readonly folder: string;
  readonly settings: AuthoritySettings;
  readonly clock: Clock;
  readonly log: Log;
  /** For tests: the folder, with files that fail. */
  readonly files?: AuthorityFiles;
}

export interface Authority {
  /** PEM certificates that builds and images trust, the root that signs first. */
  trusted(): readonly string[];
  serverCertificate(): ServerCertificate;
  /** Tells of each new server certificate; gives the way to stop it. */
  onServerCertificate(listener: (certificate: ServerCertificate) => void): () => void;
  describe(): AuthorityDescription;
  /** Makes the next root: trusted at once, and not used. Throws `authority-conflict` when there is one. */
  rotate(): Promise<void>;
  /** The next root signs from now on, and the one that did stays trusted. Throws `authority-conflict` without one. */
  activate(): Promise<void>;
  /** Trusts a previous or next root no more. Throws `authority-root-not-found`, `authority-conflict` when it signs. */
  retire(id: string): Promise<void>;
  /** Reads the files of the settings again and renews what is due; done every hour besides. */
  check(): Promise<void>;
  close(): void;
}

/** Throws `config-invalid` when a file of the settings is wrong, `program-missing` without openssl. */
export async function createAuthority(options: AuthorityOptions): Promise<Authority> {
  const { settings, clock, log } = options;
  const files = options.files ?? (await openAuthorityFiles(options.folder));
  const lock = keyedLock();
  const listeners = new Set<(certificate: ServerCertificate) => void>();

  let view = await change((state) => state);
  const timer = setInterval(() => {
    check().catch((error: unknown) =>
      log.error({ err: error }, 'certificates of the platform could not be renewed'),
    );
  }, CHECK_INTERVAL_MS);
  timer.unref();

  /** One change at a time, and each followed by what settings and time ask for. */
  function change(apply: (state: State, now: Date) => State | Promise<State>): Promise<AuthorityView> {
    return lock('state', async () => {
      const now = clock.now();
      const given = await readGiven(settings, now);
      const before = await readState(files);
      const after = await settle({ files, given, now, log }, await apply(before, now));
      const shown = await viewOf(files, after, given);
      if (JSON.stringify(after) !== JSON.stringify(before)) {
        await writeState(files, after);
      }
      // What is left lies in nobody's way, and goes with the next change.
      await files
        .keepOnly(filesOf(after))
        .catch((error: unknown) =>
          log.warn({ err: error }, 'old files of the authority could not be removed'),
        );
      return shown;
    });
  }

  async function show(changed: Promise<AuthorityView>): Promise<void> {
    const before = view.server;
    view = await changed;
    if (view.server.cert !== before.cert || view.server.key !== before.key) {
      for (const listener of listeners) {
        listener(view.server);
      }
    }
  }

  async function check(): Promise<void> {
    await show(change((state) => state));
  }

  return {
    trusted: () => view.trusted,
    serverCertificate: () => view.server,
    describe: () => view.description,
    check,
    close: () => clearInterval(timer),

    onServerCertificate(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    rotate: () =>
      show(
        change(async (state, now) => {
          assertOwn(state);
          if (rootOf(state, 'next') !== undefined) {
            throw new KilnError('authority-conflict', 'there is a next root already');
          }
          const id = await newRoot({ files, now });
          log.info({ root: id }, 'made the next root; builds and images trust it from now on');
          return withNext(state, id);
        }),
      ),

    activate: () =>
      show(
        change((state) => {
          assertOwn(state);
          const next = rootOf(state, 'next');
          if (next === undefined) {
            throw new KilnError('authority-conflict', 'there is no next root');
          }
          log.info({ root: next.id }, 'the next root signs from now on');
          return withSigning(state, next.id, 'current');
        }),
      ),

    retire: (id) =>
      show(
        change((state) => {
          const root = state.roots.find((each) => each.id === id);
          if (root === undefined) {
            throw new KilnError('authority-root-not-found', `there is no root ${id}`);
          }
          if (root.role === 'current' || root.role === 'given') {
            throw new KilnError('authority-conflict', `root ${id} signs the server certificate`);
          }
          log.info({ root: id, role: root.role }, 'a root is not trusted any more');
          return withoutRoot(state, id);
        }),
      ),
  };
}

/** Only a root of our own can be followed by another one. */
function assertOwn(state: State): void {
  if (rootOf(state, 'given') !== undefined) {
    throw new KilnError(
      'authority-conflict',
      'the root comes from authority.certificate_file; it is replaced by another file there and a restart',
    );
  }
  if (rootOf(state, 'current') === undefined || state.server === null) {
    throw new KilnError(
      'authority-conflict',
      'the server certificate comes from packages.certificate_file; nothing is issued by a root of Kiln',
    );
  }
}
