/** Which machine this host is, and how programs of another one run in a sandbox. */
import { readFile } from 'node:fs/promises';
import type { Architecture } from '../contract/common.ts';
import { packageFile } from '../platform/package-root.ts';
import type { SandboxCommand } from './sandbox.ts';

export const HOST_ARCHITECTURE: Architecture = process.arch === 'arm64' ? 'aarch64' : 'x86_64';

const EMULATE_AT = '/usr/local/kiln/emulate.py';

export function isEmulated(architecture: Architecture): boolean {
  return architecture !== HOST_ARCHITECTURE;
}

/** The command, in a sandbox in which programs of that machine run. */
export async function inMachine(machine: Architecture, command: SandboxCommand): Promise<SandboxCommand> {
  if (!isEmulated(machine)) {
    return command;
  }
  const text = await readFile(packageFile('src', 'builder', 'scripts', 'emulate.py'), 'utf8');
  return {
    ...command,
    argv: ['python3', '-I', EMULATE_AT, machine, ...command.argv],
    files: { ...command.files, [EMULATE_AT]: text },
  };
}
