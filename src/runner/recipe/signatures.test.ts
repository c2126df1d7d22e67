import { describe, expect, it } from 'vitest';
import type { Repository } from './description.ts';
import { verificationOf } from './signatures.ts';

const repository = (more: Partial<Repository>): Repository => ({
  alias: 'repo',
  type: 'rpm-md',
  url: 'https://packages.local/repository/repo',
  distribution: null,
  components: null,
  line: 1,
  package_gpgcheck: null,
  repository_gpgcheck: null,
  ...more,
});

describe('what is verified', () => {
  it.each([
    [{}, 0, { packages: false, metadata: false, unverified: expect.stringContaining('no signing key') }],
    [{}, 1, { packages: true, metadata: false }],
    [{ package_gpgcheck: true }, 0, { packages: true, metadata: false }],
    [
      { package_gpgcheck: false },
      1,
      { packages: false, metadata: false, unverified: expect.stringContaining('package_gpgcheck="false"') },
    ],
    [{ package_gpgcheck: false, repository_gpgcheck: true }, 1, { packages: false, metadata: true }],
    [{ type: 'apt-deb' }, 0, { packages: false, metadata: true }],
    [
      { type: 'apt-deb', repository_gpgcheck: false },
      3,
      {
        packages: false,
        metadata: false,
        unverified: expect.stringContaining('repository_gpgcheck="false"'),
      },
    ],
  ])('of %j with %i keys', (more, keys, expected) => {
    expect(verificationOf(repository(more), keys)).toEqual({ alias: 'repo', ...expected });
  });
});
