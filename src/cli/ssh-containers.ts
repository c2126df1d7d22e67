/** What is typed about the shells of a job, in the form of the reference's requests. */
import type { Command } from 'commander';
import { UsageError } from './context.ts';
import { booleanOf, listOf } from './values.ts';

export interface SshContainerFlags {
  sshContainersName?: string;
  sshContainersJail?: string;
}

interface SshContainer {
  name?: string;
  jail?: boolean;
}

export function withSshContainerFlags(command: Command): Command {
  return command
    .option('--ssh-containers-name <name>', 'name of the shell of the job')
    .option(
      '--ssh-containers-jail <boolean>',
      'whether the shell sees the root of the image and nothing else',
    );
}

/** Undefined when no flag names any. Both flags are lists in the same order; either can be left out. */
export function sshContainersOf(flags: SshContainerFlags): SshContainer[] | undefined {
  const { sshContainersName, sshContainersJail } = flags;
  const names = sshContainersName === undefined ? undefined : listOf(sshContainersName);
  const jails =
    sshContainersJail === undefined
      ? undefined
      : listOf(sshContainersJail).map((text) => booleanOf('--ssh-containers-jail', text));
  if (names !== undefined && jails !== undefined && names.length !== jails.length) {
    throw new UsageError(`there are ${names.length} names and ${jails.length} jails of SSH containers`);
  }
  return (names ?? jails)?.map((_, index) => {
    const name = names?.[index];
    const jail = jails?.[index];
    return { ...(name === undefined ? {} : { name }), ...(jail === undefined ? {} : { jail }) };
  });
}
