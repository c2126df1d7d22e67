/**
 * The distributions that Kiln knows by name: the ID of os-release, with or without its version, as `rocky9`,
 * `ubuntu24.04` or `opensuse-leap15.6`. Knowing a name decides nothing: what an image is made of says its description.
 */

/** Releases by ID of os-release, in major versions; an empty list is a distribution without versions. */
const RELEASES: Readonly<Record<string, readonly string[]>> = {
  almalinux: ['8', '9', '10'],
  alpine: ['3'],
  amzn: ['2', '2023'],
  arch: [],
  centos: ['7', '8', '9', '10'],
  debian: ['10', '11', '12', '13', '14'],
  fedora: ['38', '39', '40', '41', '42', '43', '44'],
  ol: ['7', '8', '9', '10'],
  'opensuse-leap': ['15', '16'],
  'opensuse-tumbleweed': [],
  rhel: ['7', '8', '9', '10'],
  rocky: ['8', '9', '10'],
  sled: ['12', '15', '16'],
  sles: ['12', '15', '16'],
  sles_sap: ['12', '15', '16'],
  ubuntu: ['18', '20', '22', '24', '26'],
};

/** The names that a client of the reference service may use. */
export const REFERENCE_DISTRIBUTIONS = ['sles12', 'sles15', 'centos7'] as const;

/** Whether this is an ID of os-release that Kiln knows, alone or followed by a version of it. */
export function isKnownDistribution(name: string): boolean {
  return Object.entries(RELEASES).some(([id, majors]) => {
    if (name === id) {
      return true;
    }
    const [, major] = new RegExp(`^${id}-?([0-9]+)(?:[.][0-9]+)*$`).exec(name) ?? [];
    return major !== undefined && majors.includes(major);
  });
}

/** One sentence about a name that Kiln does not know; undefined for one that it knows. */
export function distributionWarning(name: string): string | undefined {
  return isKnownDistribution(name)
    ? undefined
    : `Kiln does not know the distribution "${name}"; names are as in os-release, for example sles15, rocky9, ubuntu24.04`;
}
