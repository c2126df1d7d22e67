import { parse as parseToml } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { type Column, FORMATS, formatRecords } from './output.ts';

interface Thing {
  id: string;
  name: string;
  link: { path: string } | null;
}
const THINGS: Thing[] = [
  { id: '1', name: 'a long name', link: { path: 's3://ims/x' } },
  { id: '22', name: 'b', link: null },
];
const COLUMNS: Column<Thing>[] = [
  { title: 'ID', value: (thing) => thing.id },
  { title: 'NAME', value: (thing) => thing.name },
  { title: 'LINK', value: (thing) => thing.link?.path ?? '-' },
];

describe('records', () => {
  it('are a table for people', () => {
    expect(formatRecords(THINGS, COLUMNS, 'table')).toBe(
      'ID  NAME         LINK\n1   a long name  s3://ims/x\n22  b            -\n',
    );
  });

  it('are JSON and YAML as the service gave them, and TOML without what it cannot say', () => {
    expect(JSON.parse(formatRecords(THINGS, COLUMNS, 'json'))).toEqual(THINGS);
    expect(parseYaml(formatRecords(THINGS, COLUMNS, 'yaml'))).toEqual(THINGS);
    expect(parseToml(formatRecords(THINGS, COLUMNS, 'toml'))).toEqual({
      records: [THINGS[0], { id: '22', name: 'b' }],
    });
  });

  it('may be none', () => {
    expect(formatRecords([], COLUMNS, 'table')).toBe('ID  NAME  LINK\n');
    expect(formatRecords([], COLUMNS, 'json')).toBe('[]\n');
  });

  it('end with a newline in every format', () => {
    for (const format of FORMATS) {
      expect(formatRecords(THINGS, COLUMNS, format)).toMatch(/[^\n]\n$/);
    }
  });
});

describe('one record', () => {
  it('is a line per field for people, with what it holds below', () => {
    expect(formatRecords(THINGS[0] as Thing, COLUMNS, 'table')).toBe(
      'id    1\nname  a long name\nlink:\n  path: s3://ims/x\n',
    );
    expect(formatRecords(THINGS[1] as Thing, COLUMNS, 'table')).toBe('id    22\nname  b\nlink  -\n');
  });
});
