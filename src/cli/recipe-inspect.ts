/** `kiln recipes validate` and `kiln recipes plan`: a recipe looked at by the service, without building it. */
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Architecture, KeyValue } from '../contract/common.ts';
import { KilnError } from '../contract/errors.ts';
import type { InspectionReport } from '../contract/inspections.ts';
import type { Job } from '../contract/jobs.ts';
import { type CommandContext, contextOf, UsageError, withCommonOptions } from './context.ts';
import { viewReport } from './inspection-view.ts';
import { interruptible } from './interrupt.ts';
import type { CommonOptions } from './nouns.ts';
import { packRecipe } from './pack.ts';
import { aboutOf, valuesFor } from './shipped-recipes.ts';
import { archOf, pairOf } from './values.ts';

interface InspectFlags extends CommonOptions {
  values?: string[];
  schemaOnly?: boolean;
  arch?: string;
  packages?: boolean;
}

interface Wanted {
  readonly schema_only: boolean;
  readonly plan: boolean;
  readonly given: ReadonlyMap<string, string>;
  readonly arch: Architecture | undefined;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function addInspect(recipes: Command): void {
  withCommonOptions(recipes.command('validate').argument('<dir-or-id>', 'folder, archive, or id of a recipe'))
    .description('look for what is wrong with a recipe: templates, description, policy, repositories')
    .option('--schema-only', 'look at templates and description alone')
    .option('--values <key=value...>', 'values for its templates, before those of the recipe')
    .option('--arch <arch>', 'architecture, for a folder; that of the service unless given')
    .addHelpText(
      'after',
      `
Nothing is built, and a folder does not become a recipe. The exit code is 1 when there are errors.
Examples:
  kiln recipes validate ./compute --values RELEASE=1.4
  kiln recipes validate 7d1f…`,
    )
    .action((source: string, flags: InspectFlags) =>
      inspect(source, flags, { plan: false, schema_only: flags.schemaOnly === true }),
    );

  withCommonOptions(recipes.command('plan').argument('<id-or-dir>', 'id of a recipe, folder or archive'))
    .description('say what a build would install, from where, how large it is, and what is new')
    .option('--values <key=value...>', 'values for its templates, before those of the recipe')
    .option('--arch <arch>', 'architecture, for a folder; that of the service unless given')
    .option('--packages', 'list each package')
    .addHelpText('after', '\nExample:\n  kiln recipes plan 7d1f… --packages')
    .action((source: string, flags: InspectFlags) =>
      inspect(source, flags, { plan: true, schema_only: false }),
    );
}

async function inspect(
  source: string,
  flags: InspectFlags,
  asked: Pick<Wanted, 'plan' | 'schema_only'>,
): Promise<void> {
  const context = contextOf(flags);
  const wanted: Wanted = {
    ...asked,
    given: new Map((flags.values ?? []).map((text) => pairOf('--values', text))),
    arch: flags.arch === undefined ? undefined : archOf(flags.arch),
  };
  const report = await interruptible(async (signal) => {
    const job = await ask(context, source, wanted, signal);
    return await reportOf(context, job, signal);
  });
  if (context.format === 'table') {
    process.stdout.write(viewReport(report, { everything: flags.packages === true }));
  } else {
    context.print(report, []);
  }
  if (!report.ok) {
    process.exitCode = 1;
  }
}

async function ask(
  { client }: CommandContext,
  source: string,
  { plan, schema_only, given, arch }: Wanted,
  signal: AbortSignal,
): Promise<Job> {
  const isThere = (await stat(source).catch(() => undefined)) !== undefined;
  if (!isThere && UUID.test(source)) {
    if (arch !== undefined) {
      throw new UsageError('--arch is for folders; a recipe has its own');
    }
    return await client.inspections.ofRecipe({ recipe_id: source, plan, schema_only, values: pairs(given) });
  }
  const archive = await packRecipe(source);
  try {
    const about = await aboutOf(source);
    const own = about === undefined ? [] : valuesFor(about, arch ?? 'x86_64', new Map());
    const values = [...own, ...pairs(given)];
    const { sizeBytes, sha256 } = archive;
    const body = archive.body('uploading the recipe', process.stderr);
    const options = { plan, schema_only, values, ...(arch === undefined ? {} : { arch }) };
    return await client.inspections.ofArchive({ body, sizeBytes, sha256 }, options, signal);
  } finally {
    await archive[Symbol.asyncDispose]();
  }
}

/** Throws the reason of a job that could not find out. */
async function reportOf(
  { client }: CommandContext,
  job: Job,
  signal: AbortSignal,
): Promise<InspectionReport> {
  let last = job;
  try {
    for await (const now of client.jobs.watch(job.id, { signal })) {
      last = now;
    }
  } catch (error) {
    if (signal.aborted) {
      await client.jobs.cancel(job.id).catch(() => undefined);
    }
    throw error;
  }
  if (last.state !== 'succeeded') {
    const { reason } = last;
    throw new KilnError('inspection-failed', `${reason?.title ?? last.state}: ${reason?.detail ?? job.id}`);
  }
  return await client.inspections.report(job.id);
}

function pairs(values: ReadonlyMap<string, string>): KeyValue[] {
  return [...values].map(([key, value]) => ({ key, value }));
}
