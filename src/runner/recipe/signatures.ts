/** Which repositories of a description are verified in a build, and how: by their packages, their metadata, or not. */
import type { Repository } from './description.ts';

export interface Verification {
  readonly alias: string;
  readonly packages: boolean;
  readonly metadata: boolean;
  /** Why nothing of it is verified; undefined when something is. */
  readonly unverified?: string;
}

/**
 * What the attributes of the recipe come to. Where it says nothing, packages of rpm repositories are verified as soon
 * as the service knows a signing key; apt verifies metadata by itself.
 */
export function verificationOf(repository: Repository, knownKeys: number): Verification {
  const { alias, type, package_gpgcheck, repository_gpgcheck } = repository;
  if (type === 'apt-deb') {
    const metadata = repository_gpgcheck !== false;
    return {
      alias,
      packages: false,
      metadata,
      ...(metadata ? {} : { unverified: 'the recipe says repository_gpgcheck="false"' }),
    };
  }
  const packages = package_gpgcheck ?? knownKeys > 0;
  const metadata = repository_gpgcheck === true;
  if (packages || metadata) {
    return { alias, packages, metadata };
  }
  const unverified =
    package_gpgcheck === false
      ? 'the recipe says package_gpgcheck="false"'
      : 'no signing key is known; register one with `kiln signing-keys add`';
  return { alias, packages, metadata, unverified };
}
