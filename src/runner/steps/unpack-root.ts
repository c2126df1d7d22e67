/**
 * Unpacks the root file system that is imported, in the sandbox: a squashfs, or a tar that is compressed with
 * anything. What a node makes itself when it starts stays out, as it does when an image is squashed.
 */
import { join } from 'node:path';
import { KilnError } from '../../contract/errors.ts';
import { formatBytes } from '../../platform/bytes.ts';
import { CommandError } from '../../platform/exec.ts';
import { openRegular } from '../../platform/safe-file.ts';
import { BUILD, IMAGE_ROOT, writable } from '../image-root.ts';
import type { Step, StepContext } from '../step.ts';
import { ARCHIVE_FOLDER, ARCHIVE_NAME } from './fetch.ts';

const ARCHIVE = `/work/archive/${ARCHIVE_NAME}`;
const SQUASHFS_MAGIC = 'hsqs';

/** Throws `root-unreadable` for what is neither. */
export const unpackRoot: Step<undefined, void> = {
  name: 'unpack-root',
  async run(context) {
    const { workspace } = context;
    await workspace.makeFolder(BUILD.folder);
    const squashfs = await isSquashfs(join(workspace.hostPath(ARCHIVE_FOLDER), ARCHIVE_NAME));
    const before = await workspace.usage();
    await unpack(context, squashfs ? UNSQUASH : UNTAR);
    await workspace.removeFolder(ARCHIVE_FOLDER);
    const after = await workspace.usage();
    const size = formatBytes(Math.max(0, before.freeBytes - after.freeBytes));
    context.note(`${squashfs ? 'squashfs' : 'tar'}, ${size} unpacked`);
  },
};

/** Everything below /dev is left out: the sandbox makes no devices, and nodes make their own. */
const UNSQUASH = ['unsquashfs', '-no-progress', '-quiet', '-excludes', '-dest', IMAGE_ROOT, ARCHIVE, 'dev/*'];
const UNTAR = [
  'sh',
  '-euc',
  `mkdir ${IMAGE_ROOT}
  tar --extract --file ${ARCHIVE} --directory ${IMAGE_ROOT} --preserve-permissions --same-owner --numeric-owner \
    --xattrs --xattrs-include='*' --acls --sparse --anchored --exclude='./dev/?*' --exclude='dev/?*'`,
];

async function unpack(context: StepContext, argv: readonly string[]): Promise<void> {
  const result = await context.workspace.run({
    argv,
    binds: [{ folder: ARCHIVE_FOLDER, at: '/work/archive', writable: false }, writable(BUILD)],
    network: 'none',
    // What the sandbox sets for Kiwi would leave out whole folders.
    env: { TAR_OPTIONS: '' },
    signal: context.signal,
    onLine: (line) => context.log(line),
  });
  if (result.exitCode !== 0) {
    const cause = new CommandError(result, `ended with code ${result.exitCode}`);
    const last = result.tail.at(-1) ?? 'it said nothing';
    throw new KilnError('root-unreadable', `${argv[0] === 'sh' ? 'tar' : argv[0]}: ${last}`, { cause });
  }
}

async function isSquashfs(path: string): Promise<boolean> {
  const { handle } = await openRegular(path);
  try {
    const start = Buffer.alloc(SQUASHFS_MAGIC.length);
    await handle.read(start, 0, start.length, 0);
    return start.toString('latin1') === SQUASHFS_MAGIC;
  } finally {
    await handle.close();
  }
}
