/**
 * The inspection, as a table of contents: a recipe goes in, a report comes out. What is wrong with the recipe is what
 * the report is about, and fails no step; a step fails only when it could not find out.
 */
import type { Finding, InspectionReport } from '../contract/inspections.ts';
import type { RunStep } from './engine.ts';
import { type Found, gathering } from './inspection/findings.ts';
import { fetch } from './steps/fetch.ts';
import { checkDescription } from './steps/inspect-description.ts';
import { lint } from './steps/inspect-policy.ts';
import { reach } from './steps/inspect-repositories.ts';
import { plan } from './steps/plan.ts';
import { render } from './steps/render.ts';
import { unpack } from './steps/unpack.ts';

const ORDER = { error: 0, warning: 1, info: 2 } as const;

/** Throws what `run` throws when a step fails. */
export async function inspectRecipe(
  run: RunStep,
  asked: { readonly schema_only: boolean; readonly plan: boolean },
): Promise<InspectionReport> {
  const found: Found = { findings: [] };
  await run(fetch, undefined);
  const isThere = await run(gathering(unpack, found), undefined);
  if (!isThere.ok) {
    return reportOf(found);
  }
  const rendered = await run(gathering(render, found), undefined);
  const checked = rendered.ok
    ? await run(gathering(checkDescription, found), { schemaOnly: asked.schema_only })
    : undefined;
  const description = checked?.ok === true ? checked.output : undefined;
  if (asked.schema_only) {
    return reportOf({ ...found, description });
  }
  found.findings.push(...(await run(lint, description)));
  if (description === undefined) {
    return reportOf(found);
  }
  const repositories = await run(reach, description.repositories);
  found.findings.push(...repositories.findings);
  const reachable = repositories.inspected.every(({ problem }) => problem === null);
  const planned = asked.plan && reachable ? await run(plan, description) : undefined;
  found.findings.push(...(planned?.findings ?? []));
  return reportOf({
    ...found,
    description,
    repositories: repositories.inspected,
    plan: planned?.plan ?? null,
  });
}

function reportOf({ findings, description, repositories = [], plan = null }: Found): InspectionReport {
  return {
    ok: findings.every(({ severity }) => severity !== 'error'),
    name: description?.name ?? null,
    package_manager: description?.package_manager ?? null,
    findings: inOrder(findings),
    repositories: [...repositories],
    plan,
  };
}

function inOrder(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((a, b) => ORDER[a.severity] - ORDER[b.severity]);
}
