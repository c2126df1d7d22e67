/** How two trees differ: the paths of what was added, removed or changed, by everything that an image has to keep. */
import { LISTING } from './listing.ts';
import { run } from './run.ts';

/** Sorted. Of a folder its time does not count: that changes with what is in it. */
export async function differencesOf(before: string, after: string): Promise<string[]> {
  const [one, two] = await Promise.all([entriesOf(before), entriesOf(after)]);
  const paths = new Set([...one.keys(), ...two.keys()]);
  return [...paths].filter((path) => one.get(path) !== two.get(path)).sort();
}

async function entriesOf(root: string): Promise<Map<string, string>> {
  const lines = (await run('python3', ['-c', LISTING, root])).trimEnd().split('\n');
  return new Map(
    lines.map((line) => {
      const [, path = '', mode = '', owners = '', time = '', rest = ''] =
        /^(.*?) (0o\d+) (\d+ \d+ (?:\d+|-)) (\d+) (.*)$/s.exec(line) ?? [];
      const isFolder = mode.startsWith('0o4');
      return [path, `${mode} ${owners} ${isFolder ? '' : time} ${rest}`];
    }),
  );
}
