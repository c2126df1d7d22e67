/** Reads the settings: flags over environment over configuration file over defaults. */
import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { type ErrorItem, KilnError } from '../contract/errors.ts';
import {
  environmentName,
  flagName,
  OPTIONS,
  type Option,
  type OptionName,
  type Settings,
} from './options.ts';

export interface SettingSources {
  /** Values of flags by option name, as typed. */
  flags?: Partial<Record<string, string>>;
  environment?: Readonly<Record<string, string | undefined>>;
  /** YAML file with the option names as keys, flat (`server.port: 9000`) or nested. */
  file?: string;
}

interface Given {
  value: unknown;
  where: string;
}

/** Throws `config-invalid` that lists every wrong value with the place where it was set. */
export function readSettings(sources: SettingSources = {}): Settings {
  const items: ErrorItem[] = [];
  const fromFile = sources.file === undefined ? new Map<string, unknown>() : readFile(sources.file);
  for (const name of fromFile.keys()) {
    if (!Object.hasOwn(OPTIONS, name)) {
      items.push({ message: `${sources.file}: there is no setting "${name}"`, pointer: name });
    }
  }
  const values: Record<string, unknown> = {};
  for (const name of Object.keys(OPTIONS) as OptionName[]) {
    const option: Option = OPTIONS[name];
    const given = lookUp(name, sources, fromFile);
    if (given === undefined) {
      values[name] = option.default;
      continue;
    }
    const parsed = parseValue(option, given.value);
    if (typeof parsed === 'object') {
      items.push({
        message: `${given.where}: ${parsed.problem}`,
        pointer: name,
        expected: option.description,
      });
    } else {
      values[name] = parsed;
    }
  }
  if (items.length > 0) {
    throw new KilnError('config-invalid', items.map((item) => item.message).join('; '), { items });
  }
  return values as Settings;
}

function lookUp(name: OptionName, sources: SettingSources, file: Map<string, unknown>): Given | undefined {
  const flag = sources.flags?.[name];
  if (flag !== undefined) {
    return { value: flag, where: flagName(name) };
  }
  const variable = sources.environment?.[environmentName(name)];
  if (variable !== undefined && variable !== '') {
    return { value: variable, where: environmentName(name) };
  }
  return file.has(name) ? { value: file.get(name), where: `${sources.file}: ${name}` } : undefined;
}

function parseValue(option: Option, value: unknown): string | number | boolean | { problem: string } {
  if (option.kind === 'integer') {
    const number = typeof value === 'number' ? value : Number(String(value).trim() || 'x');
    if (!Number.isInteger(number) || number < (option.min ?? 0)) {
      return { problem: `"${value}" is not a whole number of at least ${option.min ?? 0}` };
    }
    return number;
  }
  const string = String(value);
  if (option.choices !== undefined && !option.choices.includes(string)) {
    return { problem: `"${string}" is none of ${option.choices.join(', ')}` };
  }
  return string;
}

function readFile(file: string): Map<string, unknown> {
  let content: unknown;
  try {
    content = parseYaml(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new KilnError('config-invalid', `${file}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
  const flat = new Map<string, unknown>();
  if (content !== null && content !== undefined) {
    flatten(content, '', flat);
  }
  return flat;
}

function flatten(value: unknown, prefix: string, into: Map<string, unknown>): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [key, inner] of Object.entries(value)) {
      flatten(inner, prefix === '' ? key : `${prefix}.${key}`, into);
    }
    return;
  }
  into.set(prefix, value);
}
