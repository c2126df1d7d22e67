/**
 * Why Kiwi failed, from what it and the tools that it ran wrote last: an error of the catalogue that a person can
 * act on. It never guesses past the evidence; what it does not know is `kiwi-failed` with Kiwi's own message.
 */
import { KilnError } from '../../contract/errors.ts';
import type { KiwiLine } from './output.ts';
import { solverExplanation } from './solver.ts';

const REMEMBERED_LINES = 600;
const SCRIPT_LINES = 20;
const MESSAGE_CHARS = 4_000;

const MISSING_PACKAGE = [
  /E: Unable to locate package (\S+)/g,
  /E: Package '?([^'\s]+)'? has no installation candidate/g,
  /E: Couldn't find any package by (?:glob|regex) '([^']+)'/g,
  /Package '([^']+)' not found\./g,
  /No provider of '([^']+)' found\./g,
  /No match for argument: (\S+)/g,
  /Unable to find a match: (\S+)/g,
] as const;

/** What zypper, dnf 5 and dnf 4 say of a package that no trusted key has signed, with its name and why. */
const WRONG_PACKAGE = [
  /package (\S+) does not verify: (.*)/,
  /(?:^|: )(\S+) \([^)]*\): Signature verification failed \[\d+-([^\]]+)\]/m,
  /OpenPGP check for package "([^"]+)" .*has failed: (.*)/,
  /^(?:Error: )?(?:Package|Public key for) (\S+)\.rpm is (not (?:signed|installed))/m,
] as const;
/** And of metadata: the repository, or its metadata, and why. */
const WRONG_METADATA = [
  /for repo(?:sitory)? ["']([^"']+)["']: (repomd\.xml GPG signature verification error: .*)/,
  /\[([^|\]]+)\|[^\]]*\] Failed to retrieve new repository metadata\.[\s\S]*?(Signature verification failed for repomd\.xml)/,
  /GPG error: (\S+) .*: (The following signatures .*)/,
  /The repository '([^']+)' (is not signed)/,
] as const;

const UNREACHABLE = [
  /E: Failed to fetch \S+.*/,
  /E: The repository '[^']*' (?:does not have|no longer has) a Release file.*/,
  /W: Failed to fetch \S+.*/,
  /Valid metadata not found at specified URL.*/,
  /Repository '[^']*' is invalid.*/,
  /Download \(curl\) error for .*/,
  /Failed to download metadata for repo.*/,
  /Cannot download repomd\.xml.*/,
  /Curl error \(\d+\): .*/,
  /Could ?n[o']t resolve (?:host|hostname|proxy)?.*/,
  /SSL certificate problem.*/,
] as const;

const SCRIPT_FAILED = /KiwiScriptFailed: (\S+) failed(?: with)?:/;
const KIWI_ERROR = /^(Kiwi\w+): ([\s\S]*)$/;

export interface KiwiFailure {
  /** To be told every line that Kiwi writes. */
  see(line: KiwiLine): void;
  /** The failure of a run that ended with this exit code. */
  explain(exitCode: number | null): KilnError;
}

export function createKiwiFailure(): KiwiFailure {
  const lines: string[] = [];
  const errors: string[] = [];
  let spoken: { script: string; lines: string[] } | undefined;

  return {
    see(line) {
      if (line.script !== undefined) {
        // Scripts may write anything: their words explain only their own failure.
        spoken = spoken?.script === line.script ? spoken : { script: line.script, lines: [] };
        remember(spoken.lines, line.text, SCRIPT_LINES);
        return;
      }
      remember(line.level === 'error' ? errors : lines, line.text, REMEMBERED_LINES);
    },
    explain(exitCode) {
      const message = errors.join('\n').trim();
      const script = SCRIPT_FAILED.exec(message)?.[1];
      if (script !== undefined) {
        const last = spoken?.script === script ? spoken.lines : [];
        return new KilnError('recipe-script-failed', scriptDetail(script, last));
      }
      const texts = [message, ...lines];
      const missing = missingPackages(texts);
      const signature = wrongSignature(texts);
      const unsolvable = unsolvableIn([...texts.slice(1), ...message.split('\n')]);
      return (
        signature ?? unsolvable ?? unreachable(texts, missing) ?? missing ?? unknown(message, exitCode, lines)
      );
    },
  };
}

function remember(list: string[], text: string, limit: number): void {
  list.push(text);
  if (list.length > limit) {
    list.shift();
  }
}

function scriptDetail(script: string, last: readonly string[]): string {
  if (last.length === 0) {
    return `${script} of the recipe failed and wrote nothing`;
  }
  return `${script} of the recipe failed. The last lines that it wrote:\n${last.join('\n')}`;
}

/** It comes first: a package manager that refuses what is not signed goes on to miss it. */
function wrongSignature(texts: readonly string[]): KilnError | undefined {
  const find = (patterns: readonly RegExp[]) =>
    texts.flatMap((text) => patterns.flatMap((pattern) => [pattern.exec(text) ?? []])).find(([all]) => all);
  const [, name, why] = find(WRONG_PACKAGE) ?? [];
  if (name !== undefined) {
    return new KilnError('package-signature-wrong', `${name}: ${why?.trim()}`);
  }
  const [, repository, reason] = find(WRONG_METADATA) ?? [];
  return repository === undefined
    ? undefined
    : new KilnError('repository-signature-wrong', `${repository}: ${reason?.trim()}`);
}

function unsolvableIn(lines: readonly string[]): KilnError | undefined {
  const explanation = solverExplanation(lines);
  return explanation === undefined ? undefined : new KilnError('dependency-unsolvable', explanation);
}

function missingPackages(texts: readonly string[]): KilnError | undefined {
  const names = new Set<string>();
  for (const pattern of MISSING_PACKAGE) {
    for (const text of texts) {
      for (const [, name] of text.matchAll(pattern)) {
        if (name !== undefined) {
          names.add(name);
        }
      }
    }
  }
  if (names.size === 0) {
    return undefined;
  }
  const list = [...names];
  const detail =
    list.length === 1
      ? `No repository of the recipe has the package ${list[0]}`
      : `No repository of the recipe has the packages ${list.join(', ')}`;
  const items = list.map((name) => ({
    message: `package "${name}" is not in any repository of the recipe`,
    file: 'config.xml',
  }));
  return new KilnError('package-not-found', detail, { items });
}

/** A repository that did not answer is also why its packages are missing. */
function unreachable(texts: readonly string[], missing: KilnError | undefined): KilnError | undefined {
  const found = new Set<string>();
  for (const text of texts) {
    for (const pattern of UNREACHABLE) {
      const [match] = pattern.exec(text) ?? [];
      if (match !== undefined) {
        found.add(match.trim().slice(0, 500));
        break;
      }
    }
  }
  if (found.size === 0) {
    return undefined;
  }
  const all = [...found];
  const list = all.filter((text) => !all.some((other) => other !== text && other.includes(text))).slice(0, 5);
  const detail = missing === undefined ? list : [...list, missing.message];
  return new KilnError('repository-unreachable', detail.join('\n'), {
    items: [...list.map((message) => ({ message })), ...(missing?.items ?? [])],
  });
}

function unknown(message: string, exitCode: number | null, lines: readonly string[]): KilnError {
  const [, kind, text] = KIWI_ERROR.exec(message) ?? [];
  const said = (text === undefined ? message : `${text.trim()} (${kind})`).slice(0, MESSAGE_CHARS);
  if (said !== '') {
    return new KilnError('kiwi-failed', said);
  }
  const tail = lines.slice(-SCRIPT_LINES).join('\n');
  return new KilnError(
    'kiwi-failed',
    `Kiwi ended with code ${exitCode} and no message. Its last lines:\n${tail}`,
  );
}
