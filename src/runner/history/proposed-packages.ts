/** The part of a proposed script that brings the packages: for the package manager that the image has. */
import type { Architecture } from '../../contract/common.ts';
import { shellQuote } from '../../platform/exec.ts';
import type { ListedChanges } from './listed-changes.ts';

interface Named {
  readonly name: string;
  readonly arch: string;
  readonly version: string;
}

interface Manager {
  readonly install: readonly string[];
  readonly remove: string;
  /** The same without what people may have edited; null where that makes no difference. */
  readonly purge: string | null;
  /** Says that packages are there only because others need them. */
  readonly automatic: string | null;
  /** Between the name of a package and its architecture, where it is not that of the image. */
  readonly archMark: ':' | '.';
}

const APT: Manager = {
  install: ['apt-get update', 'apt-get install --yes --no-install-recommends'],
  remove: 'apt-get remove --yes',
  purge: 'apt-get purge --yes',
  automatic: 'apt-mark auto',
  archMark: ':',
};
const ZYPPER: Manager = {
  install: ['zypper --non-interactive install --no-recommends'],
  remove: 'zypper --non-interactive remove',
  purge: null,
  automatic: null,
  archMark: '.',
};
const dnf = (name: string): Manager => ({
  install: [`${name} -y install`],
  remove: `${name} -y remove`,
  purge: null,
  automatic: null,
  archMark: '.',
});
const MANAGERS: Readonly<Record<string, Manager>> = {
  'apt-get': APT,
  zypper: ZYPPER,
  dnf5: dnf('dnf5'),
  dnf: dnf('dnf'),
  microdnf: dnf('microdnf'),
};
/** Versions that are said; the history has all of them. */
const SAID = 200;
/** Architectures that need not be said. */
const NATIVE: Readonly<Record<Architecture, readonly string[]>> = {
  x86_64: ['amd64', 'x86_64', 'all', 'noarch'],
  aarch64: ['arm64', 'aarch64', 'all', 'noarch'],
};

export function packageLines({ packages, package_manager }: ListedChanges, arch: Architecture): string[] {
  const { installed, removed, updated } = packages;
  const manager = package_manager === null ? undefined : MANAGERS[package_manager];
  const said = [
    ...installed.map((each) => `# ${wordsOf(each)} came`),
    ...updated.map((each) => `# ${wordsOf(each)} came after ${each.from}`),
    ...removed.map((each) => `# ${wordsOf(each)} went`),
  ];
  const more = said.splice(SAID).length;
  if (more > 0) {
    said.push(`# and ${more} more`);
  }
  if (manager === undefined) {
    return said;
  }
  const names = (list: readonly Named[]) =>
    [...new Set(list.map((each) => nameOf(each, manager, arch)))].map((name) => shellQuote([name])).join(' ');
  const line = (command: string | null, list: readonly Named[]) =>
    command === null || list.length === 0 ? [] : [`${command} ${names(list)}`];
  const [last, ...first] = [...manager.install].reverse();
  const came = [...installed, ...updated];
  return [
    ...said,
    ...(came.length === 0 ? [] : first.reverse()),
    ...line(last ?? null, came),
    ...line(
      manager.automatic,
      installed.filter(({ automatic }) => automatic === true),
    ),
    ...line(
      manager.remove,
      removed.filter((each) => manager.purge === null || each.kept_configuration === true),
    ),
    ...line(
      manager.purge,
      removed.filter(({ kept_configuration }) => kept_configuration !== true),
    ),
  ];
}

/** Versions are said and not asked for: repositories may have other ones by then. */
function wordsOf({ name, arch, version }: Named): string {
  return JSON.stringify(`${name} ${version} ${arch}`).slice(1, -1);
}

function nameOf({ name, arch }: Named, { archMark }: Manager, image: Architecture): string {
  return NATIVE[image].includes(arch) ? name : `${name}${archMark}${arch}`;
}
