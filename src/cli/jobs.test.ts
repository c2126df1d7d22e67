import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  IMAGE_ID,
  JOB_ID,
  jobOf,
  json,
  RECIPE_ID,
  recipeOf,
  type StandIn,
  SUCCEEDED,
  startStandIn,
  stepOf,
} from '../client/testing/service.ts';
import type { Job } from '../contract/jobs.ts';
import { runKiln } from './testing/run-kiln.ts';

let service: StandIn;
beforeEach(async () => {
  service = await startStandIn();
});
afterEach(() => service[Symbol.asyncDispose]());

const kiln = (...words: string[]) => runKiln([...words, '--server', service.url]);

/** The job as it is when it is asked for, and what a watcher hears of it. */
function playJob(...states: Job[]): void {
  service.on(`GET /kiln/v1/jobs/${JOB_ID}`, (_asked, response) => json(response, 200, states.at(-1)));
  service.on(`GET /kiln/v1/jobs/${JOB_ID}/events`, (_asked, response) =>
    response.end(states.map((job) => `event: job\ndata: ${JSON.stringify(job)}\n\n`).join('')),
  );
}

const TIMES = { started: '2026-01-01T00:00:01.000Z', finished: '2026-01-01T00:01:01.000Z' };
const running = jobOf({ steps: [stepOf({ state: 'running', started: TIMES.started })] });
const succeeded = jobOf({ ...SUCCEEDED, steps: [stepOf({ state: 'done', note: '171 packages', ...TIMES })] });
const failed = jobOf({
  state: 'failed',
  status: 'error',
  finished: TIMES.finished,
  steps: [stepOf({ state: 'failed', ...TIMES })],
  reason: {
    code: 'package-not-found',
    title: 'A package is nowhere',
    detail: 'no package "\u001b[31mfoo"',
    hint: 'Check its spelling.',
    step: 'prepare',
    command: 'kiwi-ng system prepare',
    errors: [{ message: 'foo', file: 'config.xml', line: 3 }],
  },
});

describe('kiln jobs create', () => {
  beforeEach(() => {
    service.on('POST /kiln/v1/jobs', (_asked, response) => json(response, 201, jobOf()));
  });

  it('takes the newest recipe of a name, and its name for the image', async () => {
    const recipes = [
      recipeOf({ created: '2026-01-02T00:00:00.000Z' }),
      recipeOf({ id: 'old' }),
      recipeOf({ id: 'other', name: 'other', created: '2026-01-03T00:00:00.000Z' }),
    ];
    service.on('GET /kiln/v1/recipes', (_asked, response) => json(response, 200, recipes));

    const seen = await kiln('jobs', 'create', '--recipe', 'compute', '--job-mem-size', '4');

    expect(seen.exitCode).toBe(0);
    expect(JSON.parse(String(service.asked[1]?.body))).toEqual({
      job_type: 'create',
      artifact_id: RECIPE_ID,
      image_root_archive_name: 'compute',
      job_mem_size: 4,
    });
  });

  it('says that there is no such recipe', async () => {
    service.on('GET /kiln/v1/recipes', (_asked, response) => json(response, 200, []));

    const seen = await kiln('jobs', 'create', '--recipe', 'nobody');

    expect(seen).toMatchObject({ exitCode: 1 });
    expect(seen.stderr).toContain('there is no recipe named nobody');
  });

  it('with --watch and a format gives the job as it ended on standard output', async () => {
    playJob(running, succeeded);

    const words = ['--artifact-id', RECIPE_ID, '--image-root-archive-name', 'compute'];
    const seen = await kiln('jobs', 'create', ...words, '--watch', '--format', 'json');

    expect(seen.exitCode).toBe(0);
    expect(JSON.parse(seen.stdout)).toEqual(succeeded);
    expect(seen.stderr).toContain(`Image ${IMAGE_ID} is ready`);
  });
});

describe('kiln jobs watch', () => {
  it('shows each change and the times, and ends well', async () => {
    playJob(running, succeeded);

    const seen = await kiln('jobs', 'watch', JOB_ID);

    expect(seen).toMatchObject({ exitCode: 0, stderr: '' });
    expect(seen.stdout).toBe(
      `running Install the root of the image
done    Install the root of the image (1 min 0 s): 171 packages

   1 min 0 s  Install the root of the image

Image ${IMAGE_ID} is ready, after 1 min 0 s.
`,
    );
  });

  it('ends in failure with the reason when the job does, without its escape sequences', async () => {
    playJob(running, failed);

    const seen = await kiln('jobs', 'watch', JOB_ID);

    expect(seen.exitCode).toBe(1);
    expect(seen.stdout).toContain(
      'The job ended in error after 1 min 0 s, in step prepare: A package is nowhere\n' +
        '  no package "foo"\n' +
        '  - config.xml:3: foo\n' +
        '  command: kiwi-ng system prepare\n' +
        '  Check its spelling.\n',
    );
  });

  it('says when it is interrupted that the job goes on, and how to come back', async () => {
    service.on(`GET /kiln/v1/jobs/${JOB_ID}`, (_asked, response) => json(response, 200, running));
    service.on(`GET /kiln/v1/jobs/${JOB_ID}/events`, (_asked, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(': alive\n\n');
      process.emit('SIGINT');
    });

    const seen = await kiln('jobs', 'watch', JOB_ID);

    expect(seen).toMatchObject({ exitCode: 130, stderr: '' });
    expect(seen.stdout).toContain(`kiln jobs watch ${JOB_ID}`);
    expect(seen.stdout).toContain(`kiln jobs cancel ${JOB_ID}`);
  });
});

describe('kiln jobs logs', () => {
  const log = (...numbers: number[]) =>
    numbers
      .map(
        (line) =>
          `id: ${line}\ndata: ${JSON.stringify({ line, at: '', step: '', text: `line ${line}` })}\n\n`,
      )
      .join('');

  it('prints what there is, and does not wait for more', async () => {
    service.on(`GET /kiln/v1/jobs/${JOB_ID}`, (_asked, response) =>
      json(response, 200, jobOf({ log_lines: 3 })),
    );
    service.on(`GET /kiln/v1/jobs/${JOB_ID}/log`, (_asked, response) => {
      response.write(log(2, 3));
    });

    expect(await kiln('jobs', 'logs', JOB_ID, '--after', '1')).toEqual({
      exitCode: 0,
      stdout: 'line 2\nline 3\n',
      stderr: '',
    });
    expect(service.asked.at(-1)?.path).toContain('after=1');
  });

  it('with -f waits for the end, and fails when the job did', async () => {
    playJob(failed);
    service.on(`GET /kiln/v1/jobs/${JOB_ID}/log`, (_asked, response) =>
      response.end(`${log(1)}event: end\ndata: {}\n\n`),
    );

    expect(await kiln('jobs', 'logs', JOB_ID, '-f')).toMatchObject({ exitCode: 1, stdout: 'line 1\n' });
  });
});

describe('kiln jobs cancel', () => {
  it('waits until the job has stopped', async () => {
    service.on(`POST /kiln/v1/jobs/${JOB_ID}/cancel`, (_asked, response) =>
      json(response, 202, jobOf({ state: 'cancelling' })),
    );
    playJob(jobOf({ state: 'cancelling' }), jobOf({ state: 'cancelled', status: 'error' }));

    const seen = await kiln('jobs', 'cancel', JOB_ID);

    expect(seen.exitCode).toBe(0);
    expect(seen.stderr).toContain(`job ${JOB_ID} is cancelled`);
  });
});
