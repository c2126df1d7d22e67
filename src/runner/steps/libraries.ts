/**
 * Proves that an image is for the machine that it is said to be for, and that what it has can be loaded, without running any of
 * it: all programs and libraries are read, and those of the initrd. An emulator that gets the loader wrong leaves an initrd
 * without libraries and says nothing; here it is said.
 */
import { type Static, Type } from 'typebox';
import { KilnError } from '../../contract/errors.ts';
import { IMAGE_ROOT, imageRoot, LAYERS } from '../image-root.ts';
import { runScript } from '../sandbox-script.ts';
import type { StepContext } from '../step.ts';

const Foreign = Type.Object({ file: Type.String(), machine: Type.Integer(), runs: Type.Boolean() });
const Missing = Type.Array(Type.Object({ file: Type.String(), library: Type.String() }));
const Answer = Type.Object({
  files: Type.Integer(),
  foreign: Type.Array(Foreign),
  missing: Missing,
  initrd: Type.Union([Type.Object({ files: Type.Integer(), missing: Missing }), Type.Null()]),
});
const NAMED = 5;

/**
 * Gives what to note. Throws `foreign-programs` when some of another machine lie where a system starts programs from; those that
 * lie elsewhere, and libraries that are not there, are warned of, since an image may mean it so.
 */
export async function checkLibraries(context: StepContext, initrd: string): Promise<string> {
  const { arch } = context.document;
  const isChange = isChecked(context.document);
  const found = await runScript(context, Answer, {
    script: 'check_libraries.py',
    beside: ['elf_files.py', 'initrd_content.py'],
    args: [IMAGE_ROOT, arch, initrd, ...(isChange ? [`${LAYERS.at}/upper`] : [])],
    binds: [imageRoot(context.document), ...(isChange ? [LAYERS] : [])],
  });
  const { files, foreign, missing } = found;
  const inner = found.initrd ?? { files: 0, missing: [] };
  refuseForeign(arch, foreign);
  for (const { file, machine } of foreign) {
    context.log(`warning: ${file} is a program for another machine (ELF machine ${machine})`);
  }
  warn(context, missing, 'the image');
  warn(context, inner.missing, `the initrd ${initrd}`);
  const counts = { 'of another machine': foreign.length, 'without a library': missing.length };
  const parts = Object.entries({ ...counts, 'without a library in the initrd': inner.missing.length })
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `, ${count} ${what}`);
  const what = isChange ? 'changed programs and libraries' : 'programs and libraries';
  return `${files + inner.files} ${what} for ${arch}${parts.join('')}`;
}

/** Whether all of the image but the changes was checked when it was made. */
function isChecked({ job_type, source }: StepContext['document']): boolean {
  return job_type === 'customize' && source.is_checked;
}

function refuseForeign(arch: string, foreign: readonly Static<typeof Foreign>[]): void {
  const started = foreign.filter(({ runs }) => runs);
  if (started.length > 0) {
    const names = started.slice(0, NAMED).map(({ file, machine }) => `${file} (ELF machine ${machine})`);
    const more = started.length > NAMED ? ` and ${started.length - NAMED} more` : '';
    throw new KilnError('foreign-programs', `not for ${arch}: ${names.join(', ')}${more}`);
  }
}

function warn(context: StepContext, missing: Static<typeof Missing>, where: string): void {
  for (const { file, library } of missing) {
    context.log(`warning: ${file} of ${where} needs ${library}, which is not there`);
  }
}
