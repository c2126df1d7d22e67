/** The name of what is created: as an argument, or with `--name`, which is how `cray ims` has it. */
import type { Command } from 'commander';
import { UsageError } from './context.ts';

export interface NameFlag {
  name?: string;
}

export function withName(command: Command): Command {
  return command.argument('[name]', 'its name').option('--name <name>', 'the same as a flag');
}

/** Throws `UsageError` unless exactly one of the two ways was used. */
export function nameOf(argument: string | undefined, { name }: NameFlag, flag = '--name'): string {
  const given = argument ?? name;
  if (given === undefined) {
    throw new UsageError(`the name is missing; give it as an argument or with ${flag}`);
  }
  if (argument !== undefined && name !== undefined) {
    throw new UsageError(`there are two names, ${argument} and ${flag} ${name}`);
  }
  return given;
}
