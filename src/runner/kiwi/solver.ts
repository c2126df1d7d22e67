/** What the solver of a package manager says when it finds no set of packages that go together. */

const START = /^\s*(?:Problem(?: \d+)?:|The following packages have unmet dependencies)/;
const END = /^\s*(?:You can try|\(try to add|Solution \d|Choose from|E: Unable to correct|:\s*$|$)/;
const MOST_LINES = 20;

/** The explanation out of the lines that were written, without what the manager advises to type; undefined if none. */
export function solverExplanation(lines: readonly string[]): string | undefined {
  const start = lines.findIndex((line) => START.test(line));
  if (start < 0) {
    return undefined;
  }
  const rest = lines.slice(start, start + MOST_LINES);
  const end = rest.findIndex((line) => END.test(line));
  return (end < 0 ? rest : rest.slice(0, end)).map((line) => line.trim()).join('\n');
}
