/** Unpacks the root file system that is imported. What a node makes itself when it starts stays out. */
import { join } from 'node:path';
import { formatBytes } from '../../platform/bytes.ts';
import { BUILD, writable } from '../image-root.ts';
import { isSquashfs, unpackRootArchive } from '../root-archive.ts';
import type { Step } from '../step.ts';
import { ARCHIVE_FOLDER, ARCHIVE_NAME } from './fetch.ts';

const ARCHIVE = { folder: ARCHIVE_FOLDER, at: '/work/archive', writable: false };

/** Throws `root-unreadable` for what is neither a squashfs nor a tar. */
export const unpackRoot: Step<undefined, void> = {
  name: 'unpack-root',
  async run(context) {
    const { workspace } = context;
    await workspace.makeFolder(BUILD.folder);
    const squashfs = await isSquashfs(join(workspace.hostPath(ARCHIVE.folder), ARCHIVE_NAME));
    const before = await workspace.usage();
    await unpackRootArchive(context, {
      squashfs,
      at: `${ARCHIVE.at}/${ARCHIVE_NAME}`,
      binds: [ARCHIVE, writable(BUILD)],
    });
    await workspace.removeFolder(ARCHIVE.folder);
    const after = await workspace.usage();
    const size = formatBytes(Math.max(0, before.freeBytes - after.freeBytes));
    context.note(`${squashfs ? 'squashfs' : 'tar'}, ${size} unpacked`);
  },
};
