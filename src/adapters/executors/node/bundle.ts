/** The runner as one archive to send to build nodes: its program, and the files that it reads beside it. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../../../platform/exec.ts';
import { PACKAGE_ROOT } from '../../../platform/package-root.ts';

const PARTS = ['package.json', 'dist/runner.js', 'src/runner/scripts', 'src/builder/scripts', 'playbooks'];

export interface Bundle {
  /** SHA-256 of the archive, hexadecimal. */
  readonly sha256: string;
  readonly file: string;
}

/** Made anew by each process that needs it; the same files make the same archive. */
export async function makeBundle(folder: string): Promise<Bundle> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const fresh = join(folder, `runner.${process.pid}.tar`);
  const same = [
    '--sort=name',
    '--mtime=@0',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--mode=u=rwX,go=rX',
  ];
  await mustRun(['tar', '--create', '--file', fresh, ...same, '-C', PACKAGE_ROOT, ...PARTS]);
  const sha256 = createHash('sha256')
    .update(await readFile(fresh))
    .digest('hex');
  const file = join(folder, `${sha256}.tar`);
  await rename(fresh, file);
  return { sha256, file };
}
