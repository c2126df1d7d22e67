import { describe, expect, it } from 'vitest';
import { distributionWarning, isKnownDistribution, REFERENCE_DISTRIBUTIONS } from './distributions.ts';

describe('a distribution', () => {
  it.each([
    ...REFERENCE_DISTRIBUTIONS,
    'debian12',
    'debian',
    'ubuntu24.04',
    'opensuse-leap15.6',
    'opensuse-leap-15',
    'rocky9',
    'rhel9.4',
    'opensuse-tumbleweed',
  ])('%s is known', (name) => {
    expect([isKnownDistribution(name), distributionWarning(name)]).toEqual([true, undefined]);
  });

  it.each(['centos3', 'debian12x', 'sles1', 'tumbleweed', 'rocky9.', 'myos1'])(
    '%s is not, and the warning says so',
    (name) => {
      expect(distributionWarning(name)).toContain(`"${name}"`);
    },
  );
});
