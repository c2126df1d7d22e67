/** What is typed about the metadata of an image: several pairs as we have it, one at a time as `cray ims` has it. */
import type { Command } from 'commander';
import { UsageError } from './context.ts';
import { oneOf, pairOf } from './values.ts';

type Metadata = Record<string, string>;

export interface MetadataFlags {
  metadataKey?: string;
  metadataValue?: string;
}

export interface MetadataChangeFlags extends MetadataFlags {
  set?: string[];
  unset?: string[];
  metadataOperation?: string;
}

export interface MetadataChange {
  readonly set: readonly (readonly [key: string, value: string])[];
  readonly remove: readonly string[];
}

export function withMetadataFlags(command: Command): Command {
  return command
    .option('--metadata-key <key>', 'key of metadata')
    .option('--metadata-value <value>', 'its value; empty unless given');
}

export function withMetadataChangeFlags(command: Command): Command {
  return withMetadataFlags(
    command
      .option('--set <key=value...>', 'metadata to set; may be repeated')
      .option('--unset <key...>', 'metadata to remove; may be repeated')
      .option('--metadata-operation <operation>', 'what to do with --metadata-key: set or remove'),
  );
}

/** The metadata of a new image; undefined when no flag names any. */
export function metadataOf({ metadataKey, metadataValue }: MetadataFlags): Metadata | undefined {
  if (metadataKey === undefined) {
    if (metadataValue !== undefined) {
      throw new UsageError('--metadata-value needs --metadata-key');
    }
    return undefined;
  }
  return { [metadataKey]: metadataValue ?? '' };
}

/** What flags change; undefined when they change nothing. */
export function metadataChangeOf(flags: MetadataChangeFlags): MetadataChange | undefined {
  const { set = [], unset = [], metadataOperation } = flags;
  const one = Object.entries(metadataOf(flags) ?? {});
  if ((metadataOperation === undefined) !== (one.length === 0)) {
    throw new UsageError('--metadata-operation and --metadata-key go together');
  }
  const operation =
    metadataOperation === undefined
      ? undefined
      : oneOf(['set', 'remove'] as const, '--metadata-operation', metadataOperation);
  const change = {
    set: [...set.map((text) => pairOf('--set', text)), ...(operation === 'set' ? one : [])],
    remove: [...unset, ...(operation === 'remove' ? one.map(([key]) => key) : [])],
  };
  return change.set.length + change.remove.length === 0 ? undefined : change;
}

export function changedMetadata(before: Metadata, { set, remove }: MetadataChange): Metadata {
  const all = [...Object.entries(before), ...set];
  return Object.fromEntries(all.filter(([key]) => !remove.includes(key)));
}
