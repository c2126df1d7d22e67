/** What a customize job was asked to do: changes, and perhaps a shell. */
import { KilnError } from '../contract/errors.ts';
import type { JobCreate } from '../contract/jobs.ts';
import type { Customization, WireNotes } from './store.ts';

/** A shell is opened when one is asked for, or when there is nothing else to do. */
export function customizationOf(input: JobCreate, onTheWire: WireNotes['sshContainer']): Customization {
  if (input.job_type !== 'customize') {
    return { changes: [], shell: onTheWire };
  }
  const changes = input.changes ?? [];
  const asked = input.shell === undefined ? (changes.length === 0 ? {} : null) : input.shell;
  const shell =
    onTheWire ?? (asked === null ? null : { name: asked.name ?? 'customize', jail: asked.jail ?? false });
  return { changes, shell };
}

/** Throws `shell-without-key` for a shell that nobody could open, `bad-request` for a job that could do nothing. */
export function checkShell(input: JobCreate, { changes, shell }: Customization): void {
  if (input.job_type !== 'customize') {
    if (input.changes !== undefined || (input.shell ?? null) !== null) {
      throw new KilnError('bad-request', `a job of type ${input.job_type} takes neither changes nor a shell`);
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
