/** Numbers of the command line. */
import { InvalidArgumentError } from 'commander';

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
