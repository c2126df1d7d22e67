/** The record of a shell: sessions are recorded into the folder of the workspace, and brought to the store as they end. */
import { systemClock } from '../../platform/clock.ts';
import { maskerOfValues } from '../../platform/secrets.ts';
import { givenSecrets } from '../document.ts';
import type { StepContext } from '../step.ts';
import { RECORD_FOLDER } from './record-folder.ts';
import { createRecordUpload, type RecordUpload } from './record-upload.ts';
import { openRecorder, type Recorder } from './recorder.ts';
import { openSessionNotes } from './session-notes.ts';

const PATIENT_MS = 60_000;
const HURRIED_MS = 8_000;

export type ShellRecord = Pick<Recorder, 'connected' | 'disconnected' | 'close'>;

/** `socketFolder`: the folder of the workspace where the sandbox finds the recorder. */
export async function openRecord(
  { workspace, document, http, log, signal }: StepContext,
  socketFolder: string,
): Promise<ShellRecord> {
  await workspace.makeFolder(RECORD_FOLDER);
  const folder = workspace.hostPath(RECORD_FOLDER);
  // What an earlier job has recorded is on the disk that this one goes on with: it is told of first of all.
  const recorder = await openRecorder({
    socketFolder: workspace.hostPath(socketFolder),
    folder,
    title: document.image_name,
    clock: systemClock,
    mask: maskerOfValues(givenSecrets(document)),
    log,
    onChange: () => uploads.soon(),
  });
  const uploads: RecordUpload = createRecordUpload({
    folder,
    addresses: document.record,
    http,
    sessions: recorder.sessions,
    log,
  });
  return {
    connected: recorder.connected,
    disconnected: recorder.disconnected,
    async close() {
      await recorder.close();
      // A job that is cancelled is waited for only so long.
      await uploads.finish(signal.aborted ? HURRIED_MS : PATIENT_MS);
    },
  };
}

/** The same for a job that goes on with what was done in a shell without opening one again. */
export async function uploadRecord(context: StepContext): Promise<void> {
  const folder = context.workspace.hostPath(RECORD_FOLDER);
  const notes = await openSessionNotes(folder);
  const { document, http, log } = context;
  const uploads = createRecordUpload({ folder, addresses: document.record, http, sessions: notes.list, log });
  await uploads.finish(PATIENT_MS);
}
