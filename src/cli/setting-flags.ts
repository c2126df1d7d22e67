/** Settings as flags of a command, from the one table of options. */
import type { Command } from 'commander';
import { environmentName, flagName, OPTIONS, type OptionName } from '../platform/options.ts';

export interface SettingFlags {
  flags: Partial<Record<OptionName, string>>;
  /** Configuration file. */
  file?: string;
}

export function addSettingFlags(command: Command, names: readonly OptionName[]): Command {
  for (const name of names) {
    const { description, default: value, kind } = OPTIONS[name];
    const shown = value === '' ? '' : `; ${value} unless set`;
    command.option(`${flagName(name)} <${kind}>`, `${description} (${environmentName(name)}${shown})`);
  }
  return command.option('--config <file>', 'YAML file with settings');
}

/** What was typed, by option name. */
export function settingFlagsOf(options: object, names: readonly OptionName[]): SettingFlags {
  const typed = options as Record<string, string | undefined>;
  const flags: SettingFlags['flags'] = {};
  for (const name of names) {
    const value = typed[camelCase(flagName(name))];
    if (value !== undefined) {
      flags[name] = value;
    }
  }
  const file = typed['config'] ?? process.env['KILN_CONFIG'];
  return { flags, ...(file === undefined ? {} : { file }) };
}

/** As commander names its values: `--server-port` → `serverPort`. */
function camelCase(flag: string): string {
  return flag.replace(/^--/, '').replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
