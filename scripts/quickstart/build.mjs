// The built program: where it is, and whether it is older than what it is built from.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './processes.mjs';

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
export const MAIN = join(PROJECT, 'dist', 'main.js');
const SOURCES = ['src', 'package.json', 'package-lock.json', 'tsdown.config.ts'];

/** The command line of `kiln WORDS`. */
export const kiln = (...words) => [process.execPath, MAIN, ...words];

/** Builds unless what is built is newer than every source. Gives whether it was built now. */
export async function buildUnlessFresh(signal) {
  const built = changedAt(MAIN);
  if (built !== undefined && SOURCES.every((source) => newestIn(join(PROJECT, source)) < built)) {
    return false;
  }
  await run(['npm', '--prefix', PROJECT, 'run', '--silent', 'build'], { signal });
  return true;
}

function newestIn(path) {
  const about = statSync(path);
  const inner = about.isDirectory() ? readdirSync(path).map((name) => newestIn(join(path, name))) : [];
  return Math.max(about.isDirectory() ? 0 : about.mtimeMs, ...inner);
}

function changedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}
