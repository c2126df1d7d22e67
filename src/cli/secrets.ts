/** Secrets of jobs as a person gives them: never on the command line, which others can see. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { Secrets } from '../contract/customizations.ts';
import { UsageError } from './context.ts';

/** Reads `NAME=FILE`; the last end of line of a file is not part of the secret. */
export async function secretsOf(flags: readonly string[]): Promise<Secrets> {
  const secrets: Secrets = {};
  for (const flag of flags) {
    const [, name, file] = /^([A-Za-z_]\w*)=(.+)$/.exec(flag) ?? [];
    if (name === undefined || file === undefined) {
      throw new UsageError('--secret: it is NAME=FILE, with - for standard input');
    }
    const content = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
    secrets[name] = content.replace(/\r?\n$/, '');
  }
  return secrets;
}
