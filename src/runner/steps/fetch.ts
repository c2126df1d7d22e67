/** Fetches the archive that the job starts from into the workspace, and verifies it. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '../../platform/bytes.ts';
import { download } from '../download.ts';
import type { Step } from '../step.ts';

/** Where the archive is in the workspace, for the steps after this one. */
export const ARCHIVE_FOLDER = 'archive';
export const ARCHIVE_NAME = 'recipe.archive';

export const fetch: Step<undefined, void> = {
  name: 'fetch',
  async run(context) {
    await context.workspace.makeFolder(ARCHIVE_FOLDER);
    const path = join(context.workspace.hostPath(ARCHIVE_FOLDER), ARCHIVE_NAME);
    const file = await open(path, 'wx', 0o644);
    try {
      const sha256 = await download(context, context.document.source, file);
      context.note(`${formatBytes(context.document.source.size_bytes)}, sha256 ${sha256}`);
    } finally {
      await file.close();
    }
  },
};
