/**
 * Versions of Debian as versions of rpm. Both are an epoch, a version and a release, with the same meaning of `~`;
 * rpm allows fewer characters, and a release is never missing.
 */

export interface RpmVersion {
  /** 0 means that none is written. */
  readonly epoch: number;
  readonly version: string;
  readonly release: string;
}

/** What a package gets that has no revision of Debian's, because Debian made it. */
const NATIVE_RELEASE = '1';

/** Throws when the text is no version of Debian. */
export function toRpmVersion(debian: string): RpmVersion {
  const { epoch, upstream, revision } = parse(debian);
  return { epoch, version: allowed(upstream), release: allowed(revision ?? NATIVE_RELEASE) };
}

/** The version of a relation, [EPOCH:]VERSION[-RELEASE]. Without a release it matches all of them. */
export function toRpmRelationVersion(debian: string): string {
  const { epoch, upstream, revision } = parse(debian);
  const release = revision === undefined ? '' : `-${allowed(revision)}`;
  return `${epoch === 0 ? '' : `${epoch}:`}${allowed(upstream)}${release}`;
}

function parse(debian: string): { epoch: number; upstream: string; revision: string | undefined } {
  const [, epoch, rest] = /^(?:(\d+):)?([A-Za-z0-9.+~:-]+)$/.exec(debian.trim()) ?? [];
  if (rest === undefined) {
    throw new Error(`"${debian}" is no version of Debian`);
  }
  const dash = rest.lastIndexOf('-');
  const split = dash > 0 && dash < rest.length - 1;
  return {
    epoch: Number(epoch ?? 0),
    upstream: split ? rest.slice(0, dash) : rest,
    revision: split ? rest.slice(dash + 1) : undefined,
  };
}

/** rpm divides name, version and release by dashes, and epochs by colons: neither may be in a part. */
function allowed(part: string): string {
  return part.replace(/[-:]/g, '.');
}
