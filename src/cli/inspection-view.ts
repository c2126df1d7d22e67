/** The report of an inspection for people: what is wrong with file and line first, then what would be installed. */
import type { Finding, InspectionReport, Plan, PlanDifference } from '../contract/inspections.ts';
import { formatBytes } from '../platform/bytes.ts';
import { formatRecords } from './output.ts';
import { plain } from './text.ts';

/** `everything` also lists each package that would be installed. */
export function viewReport(report: InspectionReport, { everything }: { everything: boolean }): string {
  const parts = [
    ...report.findings.map(viewFinding),
    ...report.repositories.map(
      ({ alias, url, problem }) =>
        `repository ${alias}: ${problem === null ? 'reachable' : 'NOT USABLE'} (${url})`,
    ),
    ...(report.plan === null ? [] : viewPlan(report.plan, everything)),
    verdictOf(report),
  ];
  return `${plain(parts.join('\n'))}\n`;
}

function viewFinding({ rule, severity, message, file, line, hint }: Finding): string {
  const place = file === undefined ? '' : `${file}${line === undefined ? '' : `:${line}`}: `;
  const lines = message.split('\n').map((text, index) => (index === 0 ? text : `    ${text}`));
  return [
    `${place}${severity}: ${lines.join('\n')} [${rule}]`,
    ...(hint === undefined ? [] : [`    ${hint}`]),
  ].join('\n');
}

function viewPlan(plan: Plan, everything: boolean): string[] {
  const { packages, download_bytes, installed_bytes, difference } = plan;
  const repositories = new Map<string, number>();
  for (const { repository } of packages) {
    repositories.set(repository, (repositories.get(repository) ?? 0) + 1);
  }
  const from = [...repositories].map(([alias, count]) => `${count} from ${alias}`).join(', ');
  const sizes = `${formatBytes(download_bytes)} to download, ${formatBytes(installed_bytes)} installed`;
  return [
    ...(everything ? [tableOf(packages)] : []),
    `${packages.length} packages would be installed (${from}): ${sizes}`,
    ...(difference === null ? ['no image of this recipe to compare with'] : viewDifference(difference)),
  ];
}

function tableOf(packages: Plan['packages']): string {
  const size = (bytes: number | null) => (bytes === null ? '-' : formatBytes(bytes));
  return formatRecords(
    packages,
    [
      { title: 'PACKAGE', value: ({ name }) => name },
      { title: 'VERSION', value: ({ version }) => version },
      { title: 'ARCH', value: ({ arch }) => arch },
      { title: 'REPOSITORY', value: ({ repository }) => repository },
      { title: 'DOWNLOAD', value: ({ download_bytes }) => size(download_bytes) },
      { title: 'INSTALLED', value: ({ installed_bytes }) => size(installed_bytes) },
    ],
    'table',
  ).trimEnd();
}

function viewDifference({ image_id, added, removed, changed }: PlanDifference): string[] {
  if (added.length + removed.length + changed.length === 0) {
    return [`the same packages as in image ${image_id}`];
  }
  return [
    `compared to image ${image_id}: ${added.length} added, ${removed.length} removed, ${changed.length} changed`,
    ...added.map(({ name, version }) => `  + ${name} ${version}`),
    ...removed.map(({ name, version }) => `  - ${name} ${version}`),
    ...changed.map(({ name, from, to }) => `  ~ ${name} ${from} -> ${to}`),
  ];
}

function verdictOf({ ok, name, findings }: InspectionReport): string {
  const count = (severity: Finding['severity']) =>
    findings.filter((each) => each.severity === severity).length;
  const counts = `${count('error')} errors, ${count('warning')} warnings`;
  return `${name ?? 'the recipe'}: ${ok ? 'valid' : 'NOT valid'}, ${counts}`;
}
