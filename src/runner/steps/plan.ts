/** Finds out what would be installed, with the solver of the package manager, and how that differs from the last image. */
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { request } from 'undici';
import { type Finding, type Plan, type PlanDifference, PlannedPackage } from '../../contract/inspections.ts';
import { formatBytes } from '../../platform/bytes.ts';
import { maskerOf } from '../../platform/secrets.ts';
import { RECIPE } from '../image-root.ts';
import { differenceOf, ImagePackages } from '../inspection/difference.ts';
import type { Description } from '../recipe/description.ts';
import { runScript } from '../sandbox-script.ts';
import type { Step, StepContext } from '../step.ts';

const Answer = Type.Union([
  Type.Object({ packages: Type.Array(PlannedPackage) }),
  Type.Object({ problem: Type.String() }),
]);
const mask = maskerOf([]);

/** Without a plan there is a finding that has the solver's own words. */
export const plan: Step<Description, { readonly plan: Plan | null; readonly findings: Finding[] }> = {
  name: 'plan',
  async run(context, description) {
    const { arch } = context.document;
    const { planned, ...rest } = description;
    const wanted = planned.filter((each) => each.arch === null || each.arch.split(',').includes(arch));
    const answer = await runScript(context, Answer, {
      script: 'plan_packages.py',
      args: [RECIPE.at, arch],
      binds: [RECIPE],
      input: JSON.stringify({ ...rest, packages: [...new Set(wanted.map(({ name }) => name))] }),
      network: 'outbound',
    });
    if ('problem' in answer) {
      return { plan: null, findings: [unsolvable(mask(answer.problem))] };
    }
    const { packages } = answer;
    const sum = (field: 'download_bytes' | 'installed_bytes') =>
      packages.reduce((total, each) => total + (each[field] ?? 0), 0);
    const [download_bytes, installed_bytes] = [sum('download_bytes'), sum('installed_bytes')];
    context.note(`${packages.length} packages, ${formatBytes(download_bytes)} to download`);
    const difference = await comparedToLast(context, packages);
    return { plan: { packages, download_bytes, installed_bytes, difference }, findings: [] };
  },
};

function unsolvable(message: string): Finding {
  return {
    rule: 'packages-unsolvable',
    severity: 'error',
    message,
    file: 'config.xml',
    hint: 'Correct the names of the packages, or add the repository that has what is missing',
  };
}

/** Null when there is no last image, or its list of packages cannot be had. */
async function comparedToLast(
  context: StepContext,
  packages: readonly PlannedPackage[],
): Promise<PlanDifference | null> {
  const previous = context.document.inspection?.previous ?? null;
  if (previous === null) {
    return null;
  }
  try {
    const answer = await request(previous.url, { ...context.http.to(previous.url), signal: context.signal });
    const before: unknown = await answer.body.json();
    return Value.Check(ImagePackages, before) ? differenceOf(previous.image_id, before, packages) : null;
  } catch (error) {
    context.signal.throwIfAborted();
    context.log(`The packages of image ${previous.image_id} cannot be had: ${String(error)}`);
    return null;
  }
}
