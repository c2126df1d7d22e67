/** What every command has: the client, where to write, and how. */
import type { Command } from 'commander';
import { createClient, type KilnClient } from '../client/index.ts';
import { KilnError } from '../contract/errors.ts';
import { type Column, FORMATS, type Format, formatRecords } from './output.ts';
import { plain } from './text.ts';

const DEFAULT_SERVER = 'http://127.0.0.1:9000';

export interface CommandContext {
  readonly client: KilnClient;
  readonly server: string;
  readonly format: Format;
  /** Writes one record or several to standard output, in the format asked for. */
  print<T extends object>(records: T | readonly T[], columns: readonly Column<T>[]): void;
  /** One line for people, on standard error, so that standard output stays data. */
  say(text: string): void;
}

/** Adds the options that every command of a noun shares. */
export function withCommonOptions(command: Command): Command {
  return command
    .option('--server <url>', `address of the service (KILN_SERVER, else ${DEFAULT_SERVER})`)
    .option('--format <format>', `${FORMATS.join(', ')}; table on a terminal, json when piped`);
}

export function contextOf(options: { server?: string; format?: string }): CommandContext {
  const server = options.server ?? process.env['KILN_SERVER'] ?? DEFAULT_SERVER;
  const asked = options.format ?? (process.stdout.isTTY ? 'table' : 'json');
  const format = FORMATS.find((each) => each === asked);
  if (format === undefined) {
    throw new UsageError(`--format ${asked}: it is one of ${FORMATS.join(', ')}`);
  }
  return {
    client: createClient({ baseUrl: server }),
    server,
    format,
    print: (records, columns) => process.stdout.write(formatRecords(records, columns, format)),
    say: (text) => process.stderr.write(`${text}\n`),
  };
}

/** A command line that cannot be understood: exit code 2. */
export class UsageError extends Error {}

/** The message of an error for people: what, where, what to do. */
export function describeError(error: unknown): string {
  if (error instanceof KilnError) {
    const where = error.items.map((item) => {
      const place =
        [item.file, item.line].filter((part) => part !== undefined).join(':') || item.pointer || '';
      const expected = item.expected === undefined ? '' : ` (allowed: ${item.expected})`;
      return `  - ${place === '' ? '' : `${place}: `}${item.message}${expected}`;
    });
    return plain(
      [`kiln: ${error.entry.title}: ${error.message}`, ...where, `  ${error.entry.hint}`].join('\n'),
    );
  }
  return plain(`kiln: ${error instanceof Error ? error.message : String(error)}`);
}
