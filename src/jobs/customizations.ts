/** What a customize job was asked to do: changes, and perhaps a shell. */
import { KilnError } from '../contract/errors.ts';
import type { JobCreate } from '../contract/jobs.ts';
import { type Customization, type JobRequest, NO_CUSTOMIZATION, type WireNotes } from './store.ts';

export const DEBUG_SHELL = { name: 'debug', jail: false } as const;

/** A shell is opened when one is asked for, or when there is nothing else to do. */
export function customizationOf(input: JobCreate, onTheWire: WireNotes['sshContainer']): Customization {
  if (input.job_type !== 'customize') {
    return { ...NO_CUSTOMIZATION, shell: onTheWire };
  }
  const changes = input.changes ?? [];
  const asked = input.shell === undefined ? (changes.length === 0 ? {} : null) : input.shell;
  const shell =
    onTheWire ?? (asked === null ? null : { name: asked.name ?? 'customize', jail: asked.jail ?? false });
  return { ...NO_CUSTOMIZATION, changes, secretNames: Object.keys(input.secrets ?? {}), shell };
}

/** Paths of the archives that the changes name, each once. */
export function archivesOf({ changes }: Pick<Customization, 'changes'>): string[] {
  const paths = changes.flatMap((change) =>
    change.kind === 'playbook' && 'archive' in change.source ? [change.source.archive] : [],
  );
  return [...new Set(paths)];
}

/** The shell that the job opens; that of a build only when it fails, and was to be kept for its user. Null for none. */
export function shellOf(
  request: Pick<JobRequest, 'job_type' | 'enable_debug' | 'public_key_id'>,
  { shell }: Customization,
): Customization['shell'] {
  if (request.public_key_id === null) {
    return null;
  }
  return shell ?? (request.job_type === 'create' && request.enable_debug ? DEBUG_SHELL : null);
}

/** Throws `shell-without-key` for a shell that nobody could open, `bad-request` for a job that could do nothing. */
export function checkShell(input: JobCreate, { changes, shell }: Customization): void {
  if (input.job_type !== 'customize') {
    if (input.changes !== undefined || input.secrets !== undefined || (input.shell ?? null) !== null) {
      throw new KilnError(
        'bad-request',
        `a job of type ${input.job_type} takes no changes, secrets or shell`,
      );
    }
    return;
  }
  if (shell === null && changes.length === 0) {
    throw new KilnError('bad-request', 'a customize job has changes or a shell; this one has neither');
  }
  if (shell !== null && (input.public_key_id ?? null) === null) {
    throw new KilnError('shell-without-key', 'the job opens a shell, and names no public key');
  }
}
