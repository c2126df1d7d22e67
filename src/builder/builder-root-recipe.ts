/**
 * What a builder root is made of, and the content address that follows from it. Whatever changes the result has to
 * be in the address; what does not, like the mirror, has to stay out of it.
 */
import { createHash } from 'node:crypto';
import { FIRST_ID } from './shifted-ids.ts';

/** Raise this when the way in which a builder root is made changes its content. */
const RECIPE_VERSION = 1;

const PACKAGES = [
  // Kiwi, and what it uses to fetch, unpack and squash
  'kiwi',
  'kiwi-systemdeps-core',
  'rsync',
  'squashfs-tools',
  // Package managers of the images
  'debootstrap',
  'dnf5',
  'zypper',
  'rpm',
  'createrepo-c',
  // Trust: certificates and signatures of repositories
  'ca-certificates',
  'gpg',
  // Checking and rendering recipes
  'python3-jinja2',
  'python3-lxml',
  'python3-yaml',
  'xsltproc',
  // Archives
  'bzip2',
  'xz-utils',
  'zstd',
];

export interface BuilderRootRecipe {
  /** Debian suite. */
  readonly suite: string;
  /** Debian's name of the architecture. */
  readonly architecture: string;
  /** Names of packages, sorted, each once. */
  readonly packages: readonly string[];
}

/** The recipe for this host's architecture; `extraPackages` are separated by commas. */
export function builderRootRecipe(suite: string, extraPackages: string): BuilderRootRecipe {
  const extra = extraPackages
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return {
    suite,
    architecture: DEBIAN_ARCHITECTURES[process.arch] ?? process.arch,
    packages: [...new Set([...PACKAGES, ...extra])].sort(),
  };
}

const DEBIAN_ARCHITECTURES: Partial<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Content address of the builder root that this recipe makes: 64 hexadecimal digits. */
export function digestOfRecipe(recipe: BuilderRootRecipe): string {
  const { suite, architecture, packages } = recipe;
  const decisive = JSON.stringify([RECIPE_VERSION, FIRST_ID, suite, architecture, packages]);
  return createHash('sha256').update(decisive).digest('hex');
}
