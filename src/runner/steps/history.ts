/**
 * Writes down how the image came to be: what differs from the one that it was made from, what ran, who was in its shell, and how
 * to do that again. The work of somebody is not lost because something about it cannot be said: then the history says that.
 */
import { join } from 'node:path';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { KilnError } from '../../contract/errors.ts';
import { type HistoryEntry, type ImageHistory, LISTED_PATHS } from '../../contract/history.ts';
import type { JobDocument } from '../../contract/runner.ts';
import { systemClock, timestamp } from '../../platform/clock.ts';
import { openRegular } from '../../platform/safe-file.ts';
import { maskerOfValues } from '../../platform/secrets.ts';
import { nameOf } from '../changes/name.ts';
import { givenSecrets } from '../document.ts';
import { ancestorsOf } from '../history/ancestors.ts';
import { ListedChanges } from '../history/listed-changes.ts';
import { proposeScript } from '../history/proposal.ts';
import { uploadRecord } from '../history/record.ts';
import { RECORD_FOLDER } from '../history/record-folder.ts';
import { openSessionNotes } from '../history/session-notes.ts';
import { HISTORY_FILE, IMAGE_ROOT, imageRoot, LAYERS, ORIGINAL, OUT, PACKAGES_FILE } from '../image-root.ts';
import { runScript } from '../sandbox-script.ts';
import type { Step, StepContext } from '../step.ts';

const CHANGES_FILE = 'changes.json';
const CHANGES_LIMIT_BYTES = 64 * 1024 * 1024;

export const history: Step<undefined, void> = {
  name: 'history',
  async run(context) {
    const { document, workspace } = context;
    if (document.resume?.stage === 'root') {
      await uploadRecord(context);
    }
    const found = await changesOf(context);
    const changes = found.changes;
    const { sessions, sessions_left_out } = (
      await openSessionNotes(workspace.hostPath(RECORD_FOLDER))
    ).list();
    const entry: HistoryEntry = {
      image_id: document.image.id,
      image_name: document.image_name,
      parent_id: document.source.id,
      parent_name: document.source.name,
      job_id: document.job_id,
      created: timestamp(systemClock.now()),
      ran: document.changes.map((change) => ({ kind: change.kind, name: nameOf(change) })),
      sessions,
      sessions_left_out,
      packages: changes.packages,
      added: changes.added,
      changed: changes.changed,
      removed: changes.removed,
      paths: changes.paths,
      script: proposeScript(changes, document.arch),
      incomplete: found.incomplete,
    };
    const whole: ImageHistory = { entries: [entry, ...(await ancestorsOf(context))] };
    const mask = maskerOfValues(givenSecrets(document));
    const text = JSON.stringify(whole, (_key, value: unknown) =>
      typeof value === 'string' ? mask(value) : value,
    );
    await workspace.writeFile(OUT.folder, HISTORY_FILE, text);
    const { added, changed, removed } = changes;
    context.note(`${added} paths added, ${changed} changed, ${removed} removed`);
  },
};

const NOTHING: ListedChanges = {
  ...{ added: 0, changed: 0, removed: 0, paths: [], left_out: 0, unreadable: 0 },
  packages: { installed: [], removed: [], updated: [] },
  package_manager: null,
  texts: {},
  binaries: {},
  accounts: { users: [], groups: [], members: [], others: [] },
};

async function changesOf(
  context: StepContext,
): Promise<{ readonly changes: ListedChanges; readonly incomplete: string | null }> {
  try {
    const changes = await listChanges(context);
    return { changes, incomplete: incompleteness(changes, hasAllSecrets(context.document)) };
  } catch (error) {
    context.signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    context.log(`What was changed cannot be listed: ${why}`);
    return { changes: NOTHING, incomplete: `What was changed could not be listed: ${why.split('\n', 1)[0]}` };
  }
}

/** A job that goes on after the changes need not be given their secrets once more; then nobody knows what they were. */
function hasAllSecrets({ secrets, secret_names }: JobDocument): boolean {
  return secret_names.every((name) => Object.hasOwn(secrets, name));
}

function incompleteness({ left_out, unreadable }: ListedChanges, hasContents: boolean): string | null {
  const words = [
    ...(left_out === 0 ? [] : [`${left_out} paths are counted only; ${LISTED_PATHS} are listed`]),
    ...(hasContents ? [] : ['no content of files is kept, as the secrets of the job are not known any more']),
    ...(unreadable === 0 ? [] : [`${unreadable} folders are deeper than a path can be long`]),
  ];
  return words.length === 0 ? null : words.join('; ');
}

async function listChanges(context: StepContext): Promise<ListedChanges> {
  const counted = Type.Object({ added: Type.Integer(), changed: Type.Integer(), removed: Type.Integer() });
  await runScript(context, counted, {
    script: 'list_changes.py',
    beside: ['list_packages.py', 'changed_packages.py', 'shown_contents.py'],
    args: [
      `${LAYERS.at}/upper`,
      IMAGE_ROOT,
      ORIGINAL.at,
      `${OUT.at}/${PACKAGES_FILE}`,
      String(LISTED_PATHS),
      `${OUT.at}/${CHANGES_FILE}`,
    ],
    binds: [LAYERS, imageRoot(context.document), ORIGINAL, OUT],
    input: JSON.stringify({
      secrets: givenSecrets(context.document),
      has_contents: hasAllSecrets(context.document),
    }),
  });
  const path = join(context.workspace.hostPath(OUT.folder), CHANGES_FILE);
  const { handle, sizeBytes } = await openRegular(path);
  try {
    const listed: unknown =
      sizeBytes > CHANGES_LIMIT_BYTES ? undefined : JSON.parse(await handle.readFile('utf8'));
    if (!Value.Check(ListedChanges, listed)) {
      throw new KilnError('step-failed', 'the list of changes is not as was agreed');
    }
    return listed;
  } finally {
    await handle.close();
  }
}
