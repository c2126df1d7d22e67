import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { jobOf, json, problem, type StandIn, startStandIn } from '../client/testing/service.ts';
import { confirmed } from './confirm.ts';
import { runKiln } from './testing/run-kiln.ts';

vi.mock('./confirm.ts', { spy: true });

const ended = { state: 'succeeded', status: 'success' } as const;
const ago = (hours: number) => new Date(Date.now() - hours * 60 * 60_000).toISOString();
const JOBS = [
  jobOf({ id: 'good', ...ended, created: ago(100) }),
  jobOf({
    id: 'bad',
    image_root_archive_name: 'com\u001b[2Kpute',
    state: 'failed',
    status: 'error',
    created: ago(5),
  }),
  jobOf({ id: 'root', job_type: 'import', ...ended, created: ago(1) }),
  jobOf({ id: 'busy', created: ago(2) }),
];

let service: StandIn;
beforeEach(async () => {
  service = await startStandIn();
  service.on('GET /kiln/v1/jobs', (_asked, response) => json(response, 200, JOBS));
  for (const { id } of JOBS) {
    service.on(`DELETE /kiln/v1/jobs/${id}`, (_asked, response) => response.writeHead(204).end());
  }
});
afterEach(() => service[Symbol.asyncDispose]());

const deleteAll = (...words: string[]) => runKiln(['jobs', 'deleteall', ...words, '--server', service.url]);

const deleted = () =>
  service.asked.filter(({ method }) => method === 'DELETE').map(({ path }) => path.split('/').at(-1));

test.each([
  ['--status success', 'good root'],
  ['--status SUCCESS,error', 'good bad root'],
  ['--status success --status error', 'good bad root'],
  ['--status success --job-type create', 'good'],
  ['--job-type import', 'root'],
  ['--age 3h', 'good bad'],
  ['--age 1d6h', 'good'],
  ['--status error --job-type create --age 3h', 'bad'],
  ['--status error --age 1d', ''],
])('%s leaves: %s', async (filters, expected) => {
  expect(await deleteAll(...filters.split(' '))).toMatchObject({ exitCode: 0, stdout: '' });
  expect(deleted().join(' ')).toBe(expected);
});

test.each([
  [['--status', 'finished']],
  [['--status', '']],
  [['--status', 'success,']],
  [['--job-type', 'Create']],
  [['--age', 'garbage']],
  [['--age', '']],
  [['--type', 'create']],
  [['good']],
])('%j is refused, and nothing is asked for', async (words) => {
  expect(await deleteAll(...words)).toMatchObject({ exitCode: 2 });
  expect(service.asked).toEqual([]);
});

test('without a filter all go but those that have not ended', async () => {
  const seen = await deleteAll();

  expect(seen.exitCode).toBe(1);
  expect(seen.stderr).toContain('job busy has not ended');
  expect(deleted()).toEqual(['good', 'bad', 'root']);
});

test('a dry run says what would go, without what a name would do to a terminal, and deletes nothing', async () => {
  const seen = await deleteAll('--job-type', 'create', '--dry-run');

  expect(seen).toMatchObject({
    exitCode: 1,
    stderr:
      'job busy has not ended, so it stays; to end it: kiln jobs cancel busy\n' +
      'would delete:\n  good compute (success)\n  bad compute (error)\n',
  });
  expect(deleted()).toEqual([]);
});

test('whoever is asked and says no keeps them all', async () => {
  vi.mocked(confirmed).mockResolvedValueOnce(false);

  const seen = await deleteAll('--status', 'error');

  expect(seen).toMatchObject({ exitCode: 1, stderr: 'nothing was deleted\n' });
  expect(confirmed).toHaveBeenLastCalledWith(
    'These jobs would go, with their logs:\n  bad compute (error)\nDelete them?',
    undefined,
  );
  expect(deleted()).toEqual([]);
});

test('one that cannot be deleted does not keep the others', async () => {
  service.on('DELETE /kiln/v1/jobs/good', (_asked, response) =>
    problem(response, 409, 'job-is-running', 'job good is running'),
  );
  service.on('DELETE /kiln/v1/jobs/bad', (_asked, response) =>
    problem(response, 404, 'job-not-found', 'somebody else was quicker'),
  );

  const seen = await deleteAll('--status', 'success,error');

  expect(seen.exitCode).toBe(1);
  expect(seen.stderr).toContain('job good is running');
  expect(seen.stderr).not.toContain('quicker');
  expect(seen.stderr).toContain('deleted job root\n');
});
