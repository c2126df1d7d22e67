/** Waits until every package repository of the description answers, seen from where the build will run. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { KilnError } from '../../contract/errors.ts';
import { maskerOf } from '../../platform/secrets.ts';
import { indexUrls, type Repository } from '../recipe/description.ts';
import { runScript } from '../sandbox-script.ts';
import type { Step, StepContext } from '../step.ts';

const Problems = Type.Array(Type.Union([Type.String(), Type.Null()]));
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;
const mask = maskerOf([]);

export interface Missing {
  repository: Repository;
  problem: string;
}

/** Throws `repository-unreachable`, which names each one with its line. */
export const repositories: Step<readonly Repository[], void> = {
  name: 'repositories',
  async run(context, all) {
    const asked = all.filter((repository) => indexUrls(repository).length > 0);
    const end = performance.now() + context.document.repository_wait_seconds * 1000;
    let said = '';
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const missing = await missingOf(context, asked);
      context.progress({ done: asked.length - missing.length, total: asked.length, unit: 'items' });
      if (missing.length === 0) {
        context.note(asked.length === 0 ? 'none to wait for' : `${asked.length} reachable`);
        return;
      }
      const text = missing.map(describe).join('; ');
      if (text !== said) {
        context.log(`waiting for ${text}`);
        said = text;
      }
      if (performance.now() + pause > end) {
        throw new KilnError('repository-unreachable', text, {
          items: missing.map((each) => ({
            message: describe(each),
            file: 'config.xml',
            line: each.repository.line,
          })),
        });
      }
      await sleep(pause, undefined, { signal: context.signal });
    }
  },
};

function describe({ repository, problem }: Missing): string {
  return `${mask(repository.url)}: ${problem}`;
}

/** Those that do not answer; a repository inside the recipe is there. */
export async function missingOf(context: StepContext, all: readonly Repository[]): Promise<Missing[]> {
  const asked = all.filter((repository) => indexUrls(repository).length > 0);
  if (asked.length === 0) {
    return [];
  }
  const problems = await runScript(context, Problems, {
    script: 'check_repositories.py',
    args: [],
    binds: [],
    input: JSON.stringify(asked.map((repository) => ({ urls: indexUrls(repository) }))),
    network: 'outbound',
  });
  return asked.flatMap((repository, index) => {
    const problem = problems[index] ?? null;
    return problem === null ? [] : [{ repository, problem }];
  });
}
