/** Records as a table for people, and as JSON, YAML or TOML for programs. */
import { stringify as toToml } from 'smol-toml';
import { stringify as toYaml } from 'yaml';

export const FORMATS = ['table', 'json', 'yaml', 'toml'] as const;
export type Format = (typeof FORMATS)[number];

export interface Column<T> {
  readonly title: string;
  readonly value: (record: T) => string;
}

export function formatRecords<T extends object>(
  records: T | readonly T[],
  columns: readonly Column<T>[],
  format: Format,
): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(records, null, 2)}\n`;
    case 'yaml':
      return toYaml(records);
    case 'toml':
      // TOML has neither null nor a list at its top.
      return `${toToml(withoutNulls(Array.isArray(records) ? { records } : records) as Record<string, unknown>).trimEnd()}\n`;
    case 'table':
      return isList(records) ? table(records, columns) : details(records);
  }
}

function isList<T>(records: T | readonly T[]): records is readonly T[] {
  return Array.isArray(records);
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withoutNulls);
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, inner]) => (inner === null ? [] : [[key, withoutNulls(inner)]])),
    );
  }
  return value;
}

function table<T>(records: readonly T[], columns: readonly Column<T>[]): string {
  const rows = [
    columns.map((column) => column.title),
    ...records.map((record) => columns.map((c) => c.value(record))),
  ];
  const widths = columns.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, index) => cell.padEnd(widths[index] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** One record: a line per field, nested values indented as YAML has them. */
function details(record: object): string {
  const width = Math.max(...Object.keys(record).map((key) => key.length));
  return Object.entries(record)
    .map(([key, value]) => {
      if (value === null || typeof value !== 'object') {
        return `${key.padEnd(width)}  ${value ?? '-'}\n`;
      }
      const text = toYaml(value).trimEnd();
      return text.includes('\n') || Object.keys(value).length > 0
        ? `${key}:\n${text.replaceAll(/^/gm, '  ')}\n`
        : `${key.padEnd(width)}  -\n`;
    })
    .join('');
}
