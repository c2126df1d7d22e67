/** Where a playbook comes from, brought into the workspace: one that ships, an archive, or a git repository. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from 'typebox';
import type { Bind, HostBind } from '../../builder/sandbox.ts';
import type { PlaybookChange } from '../../contract/customizations.ts';
import { KilnError } from '../../contract/errors.ts';
import { packageFile } from '../../platform/package-root.ts';
import { download } from '../download.ts';
import { judge } from '../recipe/verdict.ts';
import type { StepContext } from '../step.ts';

const FOLDER: Bind = { folder: 'playbook', at: '/work/playbook', writable: false };
const ARCHIVE: Bind = { folder: 'playbook-archive', at: '/work/playbook-archive', writable: false };
const ARCHIVE_NAME = 'playbook.archive';
const Unpacked = Type.Object({ files: Type.Integer(), bytes: Type.Integer() });

type Source = PlaybookChange['source'];

export interface PlaybookSource {
  /** Its folder in the sandbox. */
  readonly at: string;
  readonly binds: readonly Bind[];
  readonly hostBinds: readonly HostBind[];
}

export function nameOfSource(source: Source): string {
  return 'ships' in source ? source.ships : 'git' in source ? source.git : source.archive;
}

/** Throws `playbook-source-unreachable`, `playbook-unreadable`, and what a download throws. */
export async function fetchSource(context: StepContext, source: Source): Promise<PlaybookSource> {
  if ('ships' in source) {
    const hostPath = packageFile('playbooks', source.ships);
    return { at: FOLDER.at, binds: [], hostBinds: [{ hostPath, at: FOLDER.at, writable: false }] };
  }
  await freshFolder(context, FOLDER);
  await ('git' in source ? clone(context, source) : unpack(context, source.archive));
  return { at: FOLDER.at, binds: [FOLDER], hostBinds: [] };
}

async function freshFolder({ workspace }: StepContext, { folder }: Bind): Promise<void> {
  await workspace.removeFolder(folder);
  await workspace.makeFolder(folder);
}

async function clone(context: StepContext, { git, ref }: Extract<Source, { git: string }>): Promise<void> {
  const branch = ref === undefined ? [] : ['--branch', ref];
  const cloned = await context.workspace.run({
    argv: ['git', 'clone', '--quiet', '--depth', '1', ...branch, '--', git, FOLDER.at],
    env: { GIT_TERMINAL_PROMPT: '0', GIT_ALLOW_PROTOCOL: 'http:https' },
    binds: [{ ...FOLDER, writable: true }],
    network: 'outbound',
    signal: context.signal,
    onLine: (line) => context.log(line),
  });
  if (cloned.exitCode !== 0) {
    throw new KilnError('playbook-source-unreachable', `${git}: ${cloned.tail.slice(-3).join('\n')}`);
  }
}

async function unpack(context: StepContext, path: string): Promise<void> {
  const { archives, limits } = context.document;
  const archive = archives.find((each) => each.path === path);
  if (archive === undefined) {
    throw new KilnError('playbook-source-unreachable', `the job document has no address for ${path}`);
  }
  await freshFolder(context, ARCHIVE);
  const file = await open(join(context.workspace.hostPath(ARCHIVE.folder), ARCHIVE_NAME), 'wx', 0o644);
  await download(context, archive, file).finally(() => file.close());
  const { files } = await judge(context, Unpacked, {
    script: 'unpack_archive.py',
    beside: ['archive.py'],
    args: [
      `${ARCHIVE.at}/${ARCHIVE_NAME}`,
      FOLDER.at,
      String(limits.recipe_bytes),
      String(limits.recipe_entries),
    ],
    binds: [ARCHIVE, { ...FOLDER, writable: true }],
  });
  context.log(`${path} has ${files} files`);
}
