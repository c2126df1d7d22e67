/** Values of flags, parsed once. */
import { InvalidArgumentError } from 'commander';
import { ARCHITECTURES, type Architecture } from '../contract/common.ts';
import { UsageError } from './context.ts';

/** Throws commander's error, which becomes a usage error, for anything but a whole number of at least `smallest`. */
export function wholeNumberFrom(smallest: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (text.trim() === '' || !Number.isInteger(number) || number < smallest) {
      throw new InvalidArgumentError(`it has to be a whole number of at least ${smallest}`);
    }
    return number;
  };
}

/** The choice that was typed. Throws `UsageError` that names them all. */
export function oneOf<T extends string>(choices: readonly T[], flag: string, text: string): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) {
    throw new UsageError(`${flag} ${text}: it is one of ${choices.join(', ')}`);
  }
  return found;
}

export function archOf(text: string): Architecture {
  return oneOf(ARCHITECTURES, '--arch', text);
}

/** `KEY=VALUE` taken apart at the first equals sign. Throws `UsageError`. */
export function pairOf(flag: string, text: string): [key: string, value: string] {
  const place = text.indexOf('=');
  if (place < 1) {
    throw new UsageError(`${flag} ${text}: it has to be KEY=VALUE`);
  }
  return [text.slice(0, place), text.slice(place + 1)];
}

/** Yes or no as typed, by itself or capitalised as Python has it; `true` alone when a flag stands without a value. */
export function booleanOf(flag: string, value: string | boolean): boolean {
  if (typeof value === 'boolean') {
    return value;
  }
  return oneOf(['true', 'false'] as const, flag, value.toLowerCase()) === 'true';
}

/** The parts of a list that commas separate, without the blanks around them. */
export function listOf(text: string): string[] {
  return text.split(',').map((part) => part.trim());
}
