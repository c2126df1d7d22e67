/** Asks the repositories of an inspected recipe for their index, once: an inspection waits for nobody. */
import type { Finding, InspectedRepository } from '../../contract/inspections.ts';
import { maskerOf } from '../../platform/secrets.ts';
import type { Repository } from '../recipe/description.ts';
import type { Step } from '../step.ts';
import { missingOf } from './repositories.ts';

const mask = maskerOf([]);

export const reach: Step<
  readonly Repository[],
  { readonly inspected: InspectedRepository[]; readonly findings: Finding[] }
> = {
  name: 'repositories',
  async run(context, all) {
    const missing = await missingOf(context, all);
    const problemOf = (repository: Repository) =>
      missing.find((each) => each.repository === repository)?.problem ?? null;
    context.note(`${all.length - missing.length} of ${all.length} reachable`);
    return {
      inspected: all.map((repository) => ({
        alias: mask(repository.alias),
        url: mask(repository.url),
        problem: problemOf(repository),
      })),
      findings: missing.map(({ repository, problem }) => ({
        rule: problem.startsWith('its certificate') ? 'repository-untrusted' : 'repository-unreachable',
        severity: 'error',
        message: `${mask(repository.url)}: ${problem}`,
        file: 'config.xml',
        line: repository.line,
        hint: 'Builds ask from where this inspection did: check address, network and the certificate authority',
      })),
    };
  },
};
