/** What the tools of a distribution say of its packages, cut into the pieces that metadata is made of. */

/** The entries of one package in the three lists of an rpm repository; `{{path}}` stands for its path. */
export interface RpmParts {
  readonly primary: string;
  readonly filelists: string;
  readonly other: string;
}

/** The stanza of one package in a list of an apt repository, without its path. */
export interface AptParts {
  readonly stanza: string;
  readonly architecture: string;
}

export const PATH_MARK = '{{path}}';

const PACKAGE = /<package [\s\S]*?<\/package>/g;
const PKGID = /<package pkgid="([0-9a-f]+)"/;
const CHECKSUM = /<checksum type="[a-z0-9]+" pkgid="YES">([0-9a-f]+)<\/checksum>/;
const LOCATION = /<location href="(\d+)\.rpm"\/>/;

/** The parts by the number that a package had as its file name, out of the lists that createrepo_c wrote. */
export function rpmPartsOf(lists: RpmParts): Map<number, RpmParts> {
  const [filelists, other] = [lists.filelists, lists.other].map(
    (text) => new Map([...text.matchAll(PACKAGE)].map(([entry]) => [PKGID.exec(entry)?.[1] ?? '', entry])),
  );
  const parts = new Map<number, RpmParts>();
  for (const [entry] of lists.primary.matchAll(PACKAGE)) {
    const number = LOCATION.exec(entry)?.[1];
    const pkgid = CHECKSUM.exec(entry)?.[1] ?? '';
    const [files, changes] = [filelists?.get(pkgid), other?.get(pkgid)];
    if (number !== undefined && files !== undefined && changes !== undefined) {
      const primary = entry.replace(LOCATION, () => `<location href="${PATH_MARK}"/>`);
      parts.set(Number(number), { primary, filelists: files, other: changes });
    }
  }
  return parts;
}

/** The same for the stanzas that apt-ftparchive wrote. */
export function aptPartsOf(text: string): Map<number, AptParts> {
  const parts = new Map<number, AptParts>();
  for (const stanza of text.split(/\n{2,}/)) {
    const number = /^Filename: \.\/(\d+)\.deb$/m.exec(stanza)?.[1];
    const architecture = /^Architecture: (\S+)$/m.exec(stanza)?.[1];
    if (number !== undefined && architecture !== undefined) {
      const rest = stanza.trim().replace(/^Filename: .*$/m, () => `Filename: ${PATH_MARK}`);
      parts.set(Number(number), { stanza: rest, architecture });
    }
  }
  return parts;
}
