/** What people want of the shell of a job. Its runner hears of it with its next report, half a second later. */
import type { Verdict } from '../contract/customizations.ts';
import { KilnError } from '../contract/errors.ts';
import type { Job } from '../contract/jobs.ts';
import type { JobContext } from './ending.ts';
import { presentJob } from './present.ts';
import { mustFind } from './service.ts';
import type { ShellNotes } from './store.ts';

export interface JobShells {
  /** Ends the shell as its marker files do. Throws `job-not-found` and `job-without-shell`, as all here. */
  end(id: string, verdict: Verdict): Promise<Job>;
  /** Has what was done so far kept; the `checkpoint` of the job says when that is done. */
  checkpoint(id: string): Promise<Job>;
  /** Adds to the total limit of the shell. */
  extend(id: string, minutes: number): Promise<Job>;
}

export function createJobShells({ records, changes, log }: JobContext): JobShells {
  async function change(id: string, changed: (shell: ShellNotes) => ShellNotes): Promise<Job> {
    const job = await records.transaction(async (transaction) => {
      const found = await mustFind(transaction, id);
      if (presentJob(found).shell?.state !== 'open') {
        throw new KilnError(
          'job-without-shell',
          `job ${id} is ${found.snapshot.state}, and no shell of it is open`,
        );
      }
      const shell = changed(found.shell);
      await transaction.jobs.setShell(id, shell);
      return presentJob({ ...found, shell });
    });
    changes.notify({ jobId: id, kind: 'progress' });
    return job;
  }

  return {
    async end(id, verdict) {
      log.info({ job: id, verdict }, 'shell is ended');
      // Whoever came first is heard.
      return change(id, (shell) => ({ ...shell, verdict: shell.verdict ?? verdict }));
    },
    checkpoint: (id) => change(id, (shell) => ({ ...shell, checkpoints: shell.checkpoints + 1 })),
    extend: (id, minutes) =>
      change(id, (shell) => ({ ...shell, extendedSeconds: shell.extendedSeconds + minutes * 60 })),
  };
}
