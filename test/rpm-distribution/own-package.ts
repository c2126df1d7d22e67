/** What packages of our own have in common: no archive of Debian, files that shell lines make. */
import type { RpmPackage } from './spec.ts';

export function own(name: string, summary: string, also: Partial<RpmPackage>): RpmPackage {
  return {
    name,
    version: { epoch: 0, version: '1.0', release: '1' },
    architecture: 'noarch',
    summary,
    description: summary,
    homepage: '',
    requires: [],
    preRequires: ['filesystem'],
    provides: [],
    conflicts: [],
    obsoletes: [],
    post: '',
    archive: null,
    files: '',
    conffiles: [],
    ...also,
  };
}

/** Shell lines that write a text file; its path is relative to the root of the package. */
export function textFile(path: string, lines: readonly string[]): string {
  return `cat > ${path} <<'END'\n${lines.join('\n')}\nEND`;
}
