/**
 * Proposes a script that makes the changes of an image again: a beginning for somebody who would rather have them written down.
 * It is for `kiln images run --script`. What it cannot do again it says in comments, and nothing of a secret is in it.
 */
import type { Architecture } from '../../contract/common.ts';
import { COMMAND_CHARS } from '../../contract/customizations.ts';
import type { PathChange } from '../../contract/history.ts';
import { shellQuote } from '../../platform/exec.ts';
import type { ListedChanges } from './listed-changes.ts';
import { packageLines } from './proposed-packages.ts';

/** Lines that only say what is not made again; of more than that, how many there are. */
const UNABLE_LINES = 200;

const FIRST = [
  '#!/bin/sh',
  '# Proposed by Kiln from what was found to differ. Read it before you run it: `kiln images run ID --script FILE`',
  'set -eu',
];
const WANTED = /^\/etc\/systemd\/system\/[^/]+\.(?:wants|requires)\/([^/]+)$/;
/** What package managers have to know before they can install anything. */
const SOURCES = /^\/(?:etc\/(?:apt|yum\.repos\.d|dnf|zypp|pki\/rpm-gpg)|usr\/share\/keyrings)(?:\/|$)/;
/** Made by the programs for accounts. */
const ACCOUNTS = /^\/etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)$/;

/** A POSIX shell script, to be run in the image. */
export function proposeScript(changes: ListedChanges, arch: Architecture): string {
  const ours = changes.paths.filter(
    ({ path, package: owner, state }) => owner === undefined && state !== true && !ACCOUNTS.test(path),
  );
  const removed = ours.filter(({ change }) => change === 'removed').map(({ path }) => path);
  // Those come first that go with everything in them.
  const gone = new Set(removed);
  const roots = removed.filter((path) => !parentsOf(path).some((parent) => gone.has(parent)));
  const kept = ours.filter(({ change }) => change !== 'removed');
  const sources = kept.filter(({ path }) => SOURCES.test(path));
  const others = kept.filter(({ path }) => !SOURCES.test(path));
  const unable: string[] = [];
  const making = (paths: readonly PathChange[]) => pathLines(paths, changes, unable);
  const parts = [
    making(sources),
    packageLines(changes, arch),
    accountLines(changes),
    roots.map(removeLine),
    making(others),
    leftOut(changes),
  ];
  const all = [FIRST, ...parts, unableLines(unable)].filter((lines) => lines.length > 0);
  const script = `${all.map((lines) => lines.join('\n')).join('\n\n')}\n`;
  const isTooLong = script.length > COMMAND_CHARS;
  return isTooLong
    ? script.replace('\nset -eu', `\n# It is too long for that: run it in a shell.\nset -eu`)
    : script;
}

function parentsOf(path: string): string[] {
  const names = path.split('/').slice(1, -1);
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`);
}

function accountLines({ accounts }: ListedChanges): string[] {
  const { users, groups, members, others } = accounts;
  return [
    // Packages make theirs when they are installed.
    ...groups.map(({ name, gid }) => orElse(['group', name], ['groupadd', '--gid', gid, name])),
    ...users.map(({ name, uid, gid, comment, home, shell }) => {
      const words = ['useradd', '--uid', uid, '--gid', gid, '--no-create-home', '--home-dir', home];
      const also = [
        ...(shell === '' ? [] : ['--shell', shell]),
        ...(comment === '' ? [] : ['--comment', comment]),
      ];
      return orElse(['passwd', name], [...words, ...also, name]);
    }),
    ...members.map(({ group, user }) => shellQuote(['usermod', '--append', '--groups', group, user])),
    ...(users.length === 0 ? [] : ['# passwords are not set again']),
    ...others.map((what) => `# not made again: ${oneLine(what)} was changed or removed`),
  ];
}

function orElse([database = '', name = '']: readonly string[], command: readonly string[]): string {
  return `getent ${database} ${shellQuote([name])} >/dev/null || ${shellQuote(command)}`;
}

function removeLine(path: string): string {
  const unit = WANTED.exec(path)?.[1];
  return `rm -rf -- ${quoted(path)}${unit === undefined ? '' : `  # as systemctl disable does: ${oneLine(unit)}`}`;
}

/** Folders first, so that there is a place for the rest; other names of a file last, as it has to be there. */
function pathLines(paths: readonly PathChange[], changes: ListedChanges, unable: string[]): string[] {
  const of = (wanted: (path: PathChange) => boolean, lines: (path: PathChange) => string[]) =>
    paths.filter(wanted).flatMap(lines);
  const isLinked = ({ hard_link }: PathChange) => hard_link !== undefined;
  const cannot = (path: PathChange): string[] => {
    unable.push(unableTo(path));
    return [];
  };
  return [
    ...of(
      ({ type }) => type === 'folder',
      (path) => folderLines(path, unable),
    ),
    ...of(
      (path) => path.type === 'file' && !isLinked(path),
      (path) => fileLines(path, changes, unable),
    ),
    ...of(({ type }) => type === 'link', linkLines),
    ...of(
      ({ type }) => type === 'fifo',
      (path) => [...replaced(path), `mkfifo ${quoted(path.path)}`, ...owned(path, unable)],
    ),
    ...of(isLinked, ({ path, hard_link = '' }) => [`ln -f -- ${quoted(hard_link)} ${quoted(path)}`]),
    ...of(({ type }) => type === 'device' || type === 'socket', cannot),
  ];
}

function folderLines(folder: PathChange, unable: string[]): string[] {
  const isNew = folder.change === 'added' || isOtherType(folder);
  return [
    ...replaced(folder),
    ...(isNew ? [`mkdir -p -- ${quoted(folder.path)}`] : []),
    ...owned(folder, unable),
  ];
}

function fileLines(file: PathChange, { texts, binaries }: ListedChanges, unable: string[]): string[] {
  const isWritten = file.change === 'added' || isOtherType(file) || file.parts?.includes('content') === true;
  if (!isWritten) {
    return owned(file, unable);
  }
  const [text, binary] = [texts[file.path], binaries[file.path]];
  if (text === undefined && binary === undefined) {
    unable.push(unableTo(file));
    return [];
  }
  return [...replaced(file), ...writeLines(file.path, text, binary), ...owned(file, unable)];
}

function writeLines(path: string, text: string | undefined, binary: string | undefined): string[] {
  if (text === undefined) {
    return [`base64 -d > ${quoted(path)} <<'EOF'`, ...((binary ?? '').match(/.{1,76}/g) ?? []), 'EOF'];
  }
  if (text === '') {
    return [`: > ${quoted(path)}`];
  }
  // A text between quotes keeps its carriage returns and an end without a newline; a document within a script has one.
  if (!text.endsWith('\n')) {
    return [`printf %s ${quoted(text)} > ${quoted(path)}`];
  }
  const end = delimiter(text);
  return [`cat > ${quoted(path)} <<'${end}'`, text.slice(0, -1), end];
}

function linkLines(link: PathChange): string[] {
  const { path, target = '', uid, gid } = link;
  const unit = WANTED.exec(path)?.[1];
  const why = unit === undefined ? '' : `  # as systemctl enable does: ${oneLine(unit)}`;
  const owner = uid === 0 && gid === 0 ? [] : [`chown -h ${uid}:${gid} -- ${quoted(path)}`];
  return [...replaced(link), `ln -sfn -- ${quoted(target)} ${quoted(path)}${why}`, ...owner];
}

function isOtherType({ parts }: PathChange): boolean {
  return parts?.includes('type') === true;
}

function replaced(path: PathChange): string[] {
  return isOtherType(path) ? [`rm -rf -- ${quoted(path.path)}`] : [];
}

function owned(change: PathChange, unable: string[]): string[] {
  const { path, mode, uid, gid, parts = [], attributes = [] } = change;
  const isNew = change.change === 'added' || parts.includes('type');
  const isOwned = (isNew && (uid !== 0 || gid !== 0)) || parts.includes('owner');
  if (attributes.length > 0) {
    unable.push(`extended attributes of ${oneLine(path)}: ${attributes.map(oneLine).join(', ')}`);
  }
  return [
    ...(isOwned ? [`chown ${uid}:${gid} -- ${quoted(path)}`] : []),
    ...(isNew || isOwned || parts.includes('mode') ? [`chmod ${mode} -- ${quoted(path)}`] : []),
  ];
}

function unableTo({ path, type, size_bytes, secret }: PathChange): string {
  const size = size_bytes === undefined ? '' : ` of ${size_bytes} bytes`;
  return `${oneLine(path)} (${secret === true ? 'what is in it is not kept' : `${type}${size}`})`;
}

function unableLines(unable: readonly string[]): string[] {
  const more = unable.length - UNABLE_LINES;
  return [
    ...unable.slice(0, UNABLE_LINES).map((what) => `# not made again: ${what}`),
    ...(more > 0 ? [`# not made again: ${more} more`] : []),
  ];
}

function leftOut({ left_out }: ListedChanges): string[] {
  return left_out === 0 ? [] : [`# ${left_out} more paths differ, which are too many to be listed`];
}

/** A line that the text does not have. */
function delimiter(text: string): string {
  const lines = new Set(text.split('\n'));
  let end = 'EOF';
  for (let number = 1; lines.has(end); number += 1) {
    end = `EOF${number}`;
  }
  return end;
}

function quoted(text: string): string {
  return shellQuote([text]);
}

/** For a comment, which ends with its line. */
function oneLine(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
