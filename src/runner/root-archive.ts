/** Root file systems as they are brought along: a squashfs, or a tar that is compressed with anything. */
import type { Bind } from '../builder/sandbox.ts';
import { KilnError } from '../contract/errors.ts';
import { CommandError } from '../platform/exec.ts';
import { openRegular } from '../platform/safe-file.ts';
import { IMAGE_ROOT } from './image-root.ts';
import type { StepContext } from './step.ts';

const SQUASHFS_MAGIC = 'hsqs';

export interface RootArchive {
  readonly squashfs: boolean;
  /** Path in the sandbox. */
  readonly at: string;
  readonly binds: readonly Bind[];
}

export async function isSquashfs(path: string): Promise<boolean> {
  const { handle } = await openRegular(path);
  try {
    const start = Buffer.alloc(SQUASHFS_MAGIC.length);
    await handle.read(start, 0, start.length, 0);
    return start.toString('latin1') === SQUASHFS_MAGIC;
  } finally {
    await handle.close();
  }
}

/**
 * Unpacks it to `IMAGE_ROOT`, where one of its binds is writable. Everything below /dev is left out: the sandbox makes no
 * devices, and nodes make their own. Throws `root-unreadable`.
 */
export async function unpackRootArchive(context: StepContext, archive: RootArchive): Promise<void> {
  const { squashfs, at, binds } = archive;
  const result = await context.workspace.run({
    argv: squashfs ? unsquash(at) : untar(at),
    binds,
    network: 'none',
    // What the sandbox sets for Kiwi would leave out whole folders.
    env: { TAR_OPTIONS: '' },
    signal: context.signal,
    onLine: (line) => context.log(line),
  });
  if (result.exitCode !== 0) {
    const cause = new CommandError(result, `ended with code ${result.exitCode}`);
    const last = result.tail.at(-1) ?? 'it said nothing';
    throw new KilnError('root-unreadable', `${squashfs ? 'unsquashfs' : 'tar'}: ${last}`, { cause });
  }
}

function unsquash(archive: string): string[] {
  return ['unsquashfs', '-no-progress', '-quiet', '-excludes', '-dest', IMAGE_ROOT, archive, 'dev/*'];
}

function untar(archive: string): string[] {
  return [
    'sh',
    '-euc',
    `mkdir "$1"
    tar --extract --file "$0" --directory "$1" --preserve-permissions --same-owner --numeric-owner \
      --xattrs --xattrs-include='*' --acls --sparse --anchored --exclude='./dev/?*' --exclude='dev/?*'`,
    archive,
    IMAGE_ROOT,
  ];
}
