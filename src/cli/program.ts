/** The program `kiln`: its commands, and what becomes of their errors. */
import { Command, CommanderError } from 'commander';
import { OPTIONS, type OptionName } from '../platform/options.ts';
import { readSettings } from '../platform/settings.ts';
import { addAuthority } from './authority.ts';
import { addBuilder, type BuilderCommands } from './builder.ts';
import { completionScript } from './completion.ts';
import { describeError, UsageError } from './context.ts';
import { addDeleted } from './deleted.ts';
import { doctor, drawCheck } from './doctor.ts';
import { addExchange } from './exchange.ts';
import { addImages } from './images.ts';
import { EXIT_INTERRUPTED, Interrupted } from './interrupt.ts';
import { addJobs } from './jobs.ts';
import { addLoad } from './load.ts';
import { addNodes } from './nodes.ts';
import { addPublicKeys } from './public-keys.ts';
import { addRecipes } from './recipes.ts';
import { addRepositories } from './repositories.ts';
import { addS3 } from './s3.ts';
import { addSettingFlags, type SettingFlags, settingFlagsOf } from './setting-flags.ts';
import { addSigningKeys } from './signing-keys.ts';

/** What main.ts gives, because the CLI itself knows only the client. */
export interface ProgramDeps {
  readonly version: string;
  serve(flags: SettingFlags): Promise<void>;
  /** Reads packages in the sandbox. */
  describePackages(): Promise<void>;
  builderRoots(flags: SettingFlags): BuilderCommands;
}

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export function createProgram(deps: ProgramDeps): Command {
  const program = new Command('kiln')
    .description('Kiln: recipes in, images that boot over the network out')
    .version(deps.version)
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)');
  addRecipes(program);
  addImages(program);
  addJobs(program);
  addPublicKeys(program);
  addDeleted(program);
  addS3(program);
  addExchange(program);
  addLoad(program);
  addRepositories(program);
  addSigningKeys(program);
  addNodes(program);
  addAuthority(program);
  addBuilder(program, deps.builderRoots);

  const names = Object.keys(OPTIONS) as OptionName[];
  addSettingFlags(program.command('serve').description('run the service'), names)
    .addHelpText('after', '\nExample:\n  kiln serve --state-folder /srv/kiln --server-port 9000')
    .action((options: object) => deps.serve(settingFlagsOf(options, names)));
  program
    .command('describe-packages', { hidden: true })
    .description('say what is in packages, for which standard input has the task; started by the service')
    .action(() => deps.describePackages());
  addSettingFlags(program.command('doctor'), ['state.folder', 'cache.folder'])
    .description('check what this machine needs to build images; exit code 1 when something is missing')
    .addHelpText('after', '\nExample:\n  kiln doctor')
    .action(async (options: object) => {
      const flags = settingFlagsOf(options, ['state.folder', 'cache.folder']);
      const roots = deps.builderRoots(flags);
      const { 'state.folder': folder } = readSettings({ environment: process.env, ...flags });
      const checks = await doctor({ builderRoots: () => roots.list(), folder });
      process.stdout.write(`${checks.map(drawCheck).join('\n')}\n`);
      process.exitCode = checks.every((check) => check.ok) ? 0 : 1;
    });
  program
    .command('completion')
    .argument('<shell>', SHELLS.join(', '))
    .description('print a completion script for a shell')
    .addHelpText('after', '\nExample:\n  source <(kiln completion bash)')
    .action((name: string) => {
      const shell = SHELLS.find((each) => each === name);
      if (shell === undefined) {
        throw new UsageError(`there is no completion for ${name}; there is one for ${SHELLS.join(', ')}`);
      }
      process.stdout.write(completionScript(program, shell));
    });
  inheritExitOverride(program);
  return program;
}

/** Runs the command line. Exit codes: 0 done, 1 failed, 2 not understood, 130 interrupted. */
export async function runProgram(program: Command, argv: readonly string[]): Promise<void> {
  if (!process.stdout.listeners('error').includes(endQuietly)) {
    process.stdout.on('error', endQuietly);
  }
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    if (error instanceof CommanderError) {
      // commander has written its message already; help and version are no failures.
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    if (error instanceof Interrupted) {
      process.exitCode = EXIT_INTERRUPTED;
      return;
    }
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}

/** Whoever reads our output has seen enough, as `head` has. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') {
    throw error;
  }
  process.exit(0);
}

/** Subcommands made before `exitOverride` would otherwise end the process themselves. */
function inheritExitOverride(command: Command): void {
  for (const child of command.commands) {
    child.exitOverride();
    inheritExitOverride(child);
  }
}
