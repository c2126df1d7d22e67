/** Finds what a node boots first: kernel, initrd and, when there is one, the file of boot parameters. */
import { join } from 'node:path';
import { Type } from 'typebox';
import { KilnError } from '../../contract/errors.ts';
import type { ArtifactName } from '../../contract/images.ts';
import { formatBytes } from '../../platform/bytes.ts';
import { IMAGE_ROOT, imageRoot, OUT } from '../image-root.ts';
import { runScript } from '../sandbox-script.ts';
import type { Step } from '../step.ts';
import { checkLibraries } from './libraries.ts';

const File = Type.Object({ path: Type.String(), size: Type.Integer() });
const Found = Type.Object({
  release: Type.Union([Type.String(), Type.Null()]),
  kernel: File,
  initrd: File,
  boot_parameters: Type.Union([File, Type.Null()]),
});
const Missing = Type.Object({ problem: Type.String(), boot: Type.Array(Type.String()) });

/** An artifact as a file on this host. */
export interface ArtifactFile {
  readonly name: ArtifactName;
  readonly path: string;
}

/** Throws `boot-file-not-found`, which says what is in /boot, and `foreign-programs`. */
export const bootFiles: Step<undefined, ArtifactFile[]> = {
  name: 'boot-files',
  async run(context) {
    const { document, workspace } = context;
    // An earlier try that got further has left its own.
    await workspace.removeFolder(OUT.folder);
    await workspace.makeFolder(OUT.folder);
    const found = await runScript(context, Type.Union([Found, Missing]), {
      script: 'find_boot_files.py',
      beside: ['initrd_content.py'],
      args: [IMAGE_ROOT, OUT.at],
      binds: [imageRoot(context.document), OUT],
      input: JSON.stringify({
        arch: document.arch,
        kernel_file_name: document.kernel_file_name,
        initrd_file_name: document.initrd_file_name,
        kernel_parameters_file_name: document.kernel_parameters_file_name,
      }),
    });
    if ('problem' in found) {
      const boot = found.boot.length === 0 ? '/boot is empty' : `/boot has ${found.boot.join(', ')}`;
      throw new KilnError('boot-file-not-found', `${found.problem}; ${boot}`);
    }

    const names = (['kernel', 'initrd', 'boot_parameters'] as const).filter((name) => found[name] !== null);
    for (const name of names) {
      const file = found[name];
      context.log(`${name}: ${file?.path}, ${formatBytes(file?.size ?? 0)}`);
    }
    const libraries = await checkLibraries(context, found.initrd.path);
    context.note(`kernel ${found.kernel.path}, initrd ${found.initrd.path}; ${libraries}`);
    return names.map((name) => ({ name, path: join(workspace.hostPath(OUT.folder), name) }));
  },
};
