/** Spec files: what rpmbuild is told about a package. Whose package it is, is not known here. */
import type { RpmVersion } from './versions.ts';

export interface RpmPackage {
  readonly name: string;
  readonly version: RpmVersion;
  /** Of rpm: `noarch` or a machine. */
  readonly architecture: string;
  readonly summary: string;
  readonly description: string;
  readonly homepage: string;
  readonly requires: readonly string[];
  /** Needed before its files are unpacked or its scriptlets run. */
  readonly preRequires: readonly string[];
  readonly provides: readonly string[];
  readonly conflicts: readonly string[];
  readonly obsoletes: readonly string[];
  /** Shell lines that run in the image after its files are there. */
  readonly post: string;
  /** Name of the .deb whose files it has, if any. */
  readonly archive: string | null;
  /** Shell lines that run in the root of the package before it is packed, to add files. */
  readonly files: string;
  /** Absolute paths; an update keeps what somebody changed there. */
  readonly conffiles: readonly string[];
}

/** File name of the rpm. */
export function fileName(rpm: RpmPackage): string {
  return `${rpm.name}-${rpm.version.version}-${rpm.version.release}.${rpm.architecture}.rpm`;
}

/**
 * The spec file. `%install` calls a tool that lays the files out and lists them in FILES; both paths are the
 * caller's.
 */
export function specOf(rpm: RpmPackage, install: string, files: string): string {
  const { epoch, version, release } = rpm.version;
  const lines = [
    `Name: ${rpm.name}`,
    ...(epoch === 0 ? [] : [`Epoch: ${epoch}`]),
    `Version: ${version}`,
    `Release: ${release}`,
    `Summary: ${plain(rpm.summary)}`,
    'License: see its copyright file',
    ...(rpm.homepage === '' ? [] : [`URL: ${plain(rpm.homepage)}`]),
    ...(rpm.architecture === 'noarch' ? ['BuildArch: noarch'] : []),
    // What it needs is known; rpm has nothing to find out.
    'AutoReqProv: no',
    ...unique(rpm.preRequires).map((each) => `Requires(pre,post): ${each}`),
    ...unique(rpm.requires).map((each) => `Requires: ${each}`),
    ...unique(rpm.provides).map((each) => `Provides: ${each}`),
    ...unique(rpm.conflicts).map((each) => `Conflicts: ${each}`),
    ...unique(rpm.obsoletes).map((each) => `Obsoletes: ${each}`),
    '',
    '%description',
    plain(rpm.description),
    '',
    '%install',
    install,
    '',
    ...(rpm.post === '' ? [] : ['%post', 'set -e', plain(rpm.post), '']),
    `%files -f ${files}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** A percent sign would be a macro. */
function plain(text: string): string {
  return text.replaceAll('%', '%%');
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words)];
}
