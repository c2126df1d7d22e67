/** What a plan changes, compared to the packages of an image. */
import { type Static, Type } from 'typebox';
import type { PlanDifference, PlannedPackage } from '../../contract/inspections.ts';

/** As the step `inventory` lists them. */
export const ImagePackages = Type.Array(
  Type.Object({ name: Type.String(), version: Type.String(), arch: Type.String() }),
);

/** Made anew for each image by `package_certificates.py`; no repository has it. */
const PLATFORM_PACKAGE = 'kiln-platform-ca';

type Package = Pick<PlannedPackage, 'name' | 'version' | 'arch'>;

/** Packages are the same by name and architecture; one that is there in several versions counts by each of them. */
export function differenceOf(
  image_id: string,
  before: Static<typeof ImagePackages>,
  after: readonly Package[],
): PlanDifference {
  const [old, planned] = [grouped(before.filter(({ name }) => name !== PLATFORM_PACKAGE)), grouped(after)];
  const difference: PlanDifference = { image_id, added: [], removed: [], changed: [] };
  for (const [key, now] of planned) {
    const then = old.get(key) ?? [];
    const came = now.filter(({ version }) => !then.some((each) => each.version === version));
    const went = then.filter(({ version }) => !now.some((each) => each.version === version));
    for (const [index, { name, arch, version }] of came.entries()) {
      const from = went[index];
      if (from === undefined) {
        difference.added.push({ name, arch, version });
      } else {
        difference.changed.push({ name, arch, from: from.version, to: version });
      }
    }
    difference.removed.push(...went.slice(came.length).map(bare));
  }
  const gone = [...old].filter(([key]) => !planned.has(key)).flatMap(([, packages]) => packages);
  difference.removed.push(...gone.map(bare));
  return difference;
}

function bare({ name, arch, version }: Package): Package {
  return { name, arch, version };
}

function grouped(packages: readonly Package[]): Map<string, Package[]> {
  const groups = new Map<string, Package[]>();
  for (const each of packages) {
    const key = `${each.name} ${each.arch}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return groups;
}
