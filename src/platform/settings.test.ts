import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KilnError } from '../contract/errors.ts';
import { environmentName, flagName, OPTIONS } from './options.ts';
import { readSettings, type SettingSources } from './settings.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kiln-settings-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

let files = 0;
function yaml(content: string): string {
  files += 1;
  const file = join(folder, `${files}.yaml`);
  writeFileSync(file, content);
  return file;
}

function failureOf(sources: SettingSources): KilnError {
  try {
    readSettings(sources);
  } catch (error) {
    if (error instanceof KilnError) {
      return error;
    }
    throw error;
  }
  throw new Error('the settings were accepted');
}

test('without sources every setting has its default', () => {
  const settings: Record<string, unknown> = readSettings();
  for (const [name, option] of Object.entries(OPTIONS)) {
    expect(settings[name]).toBe(option.default);
  }
});

test('flags win over the environment, which wins over the file', () => {
  const file = yaml('server.port: 1\njobs.pids: 100\njobs.cpus: 5\n');
  const settings = readSettings({
    flags: { 'server.port': '3' },
    environment: { KILN_SERVER_PORT: '2', KILN_JOBS_PIDS: '200' },
    file,
  });
  expect(settings['server.port']).toBe(3);
  expect(settings['jobs.pids']).toBe(200);
  expect(settings['jobs.cpus']).toBe(5);
});

test('a file may be nested, flat, or empty', () => {
  expect(readSettings({ file: yaml('server:\n  port: 7\n') })['server.port']).toBe(7);
  expect(readSettings({ file: yaml('server.port: 7\n') })['server.port']).toBe(7);
  expect(readSettings({ file: yaml('') })['server.port']).toBe(9000);
});

test('an empty environment variable counts as not set', () => {
  expect(readSettings({ environment: { KILN_SERVER_PORT: '' } })['server.port']).toBe(9000);
});

test('every wrong value is listed with the place where it was set', () => {
  const error = failureOf({
    flags: { 'server.port': 'many' },
    environment: { KILN_JOBS_PIDS: '3', KILN_LOG_LEVEL: 'loud' },
    file: yaml('jobs.cpus: 1.5\nno.such: 1\n'),
  });
  expect(error.code).toBe('config-invalid');
  expect(error.items.map((item) => item.pointer).sort()).toEqual([
    'jobs.cpus',
    'jobs.pids',
    'log.level',
    'no.such',
    'server.port',
  ]);
  expect(error.message).toContain('--server-port: "many" is not a whole number');
  expect(error.message).toContain('KILN_JOBS_PIDS: "3" is not a whole number of at least 64');
  expect(error.message).toContain('"loud" is none of debug, info');
});

test('a file that is not YAML, or not there, is named', () => {
  const broken = yaml('a: [1');
  expect(failureOf({ file: broken }).message).toContain(broken);
  const missing = join(folder, 'missing.yaml');
  expect(failureOf({ file: missing }).message).toContain(missing);
});

test('every setting has a flag and a variable of its own', () => {
  const names = Object.keys(OPTIONS);
  expect(new Set(names.map(flagName)).size).toBe(names.length);
  expect(new Set(names.map(environmentName)).size).toBe(names.length);
  expect(flagName('jobs.env_size_gib')).toBe('--jobs-env-size-gib');
  expect(environmentName('jobs.env_size_gib')).toBe('KILN_JOBS_ENV_SIZE_GIB');
});
