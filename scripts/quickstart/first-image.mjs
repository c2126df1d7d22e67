// The way from a checkout to a published image, stage by stage. What has to be undone when it is interrupted is
// noted in `made` before anything else happens.
import { join } from 'node:path';
import { isOver, request } from './api.mjs';
import { buildUnlessFresh, kiln, PROJECT } from './build.mjs';
import { run, throwIfInterrupted } from './processes.mjs';
import { findOrStartService } from './service.mjs';

const RECIPE = 'debian-barebones';
const BUILD_ENV_GIB = 10;

/** Gives what the block at the end tells of. */
export async function firstImage({ options, screen, signal, made }) {
  const runHere = (argv) => run(argv, { signal });

  await screen.stage('What this machine needs', () =>
    runHere(['bash', join(PROJECT, 'scripts', 'prerequisites.sh'), '--for', 'boot']),
  );
  let rebuilt = false;
  await screen.stage('The kiln program', async () => {
    rebuilt = await buildUnlessFresh(signal);
    return rebuilt ? 'built' : 'is built already';
  });
  let builderRoot = { reused: false };
  await screen.stage('Builder root: Kiwi and the package managers', async () => {
    const roots = JSON.parse(
      await run(kiln('builder', 'list', '--format', 'json'), { capture: true, signal }),
    );
    builderRoot = { reused: roots.some((root) => root.current) };
    await runHere(kiln('builder', 'build'));
    return builderRoot.reused ? 'reused' : 'made';
  });
  await screen.stage('Service', async () => {
    made.service = await findOrStartService(options, { rebuilt, signal });
    return `${made.service.startedHere ? 'started' : 'runs already'} at ${made.service.url}`;
  });
  const { url } = made.service;
  let recipe;
  await screen.stage(`Recipe ${RECIPE}`, async () => {
    recipe = await registerRecipe(url, signal);
    return `${recipe.reused ? 'is registered already' : 'registered'}: ${recipe.id}`;
  });
  let job;
  await screen.stage('Image', async () => {
    job = await buildImage(url, recipe.id, { signal, made });
  });
  if (job.state !== 'succeeded') {
    const log = `./bin/kiln jobs logs ${job.id} --server ${url}`;
    throw new Error(`${job.reason?.title}: ${job.reason?.detail}\n${job.reason?.hint}\nIts log: ${log}`);
  }
  const artifacts = await request(url, 'GET', `/kiln/v1/images/${job.resultant_image_id}/artifacts`);
  return { job, artifacts, builderRoot, recipeReused: recipe.reused, service: made.service };
}

/** The mirror is a value of the recipe: it is that of this machine, and no address ships with Kiln. */
async function registerRecipe(url, signal) {
  const mirror = (await run(kiln('builder', 'mirror'), { capture: true, signal })).trim();
  const known = await request(url, 'GET', '/kiln/v1/recipes');
  const words = [
    ...['recipes', 'create', RECIPE, '--from', join(PROJECT, 'recipes', RECIPE)],
    ...['--linux-distribution', 'debian12', '--value', `DEBIAN_MIRROR=${mirror}`],
    ...['--reuse', '--format', 'json', '--server', url],
  ];
  const { id } = JSON.parse(await run(kiln(...words), { capture: true, signal }));
  return { id, reused: known.some((recipe) => recipe.id === id) };
}

async function buildImage(url, recipe, { signal, made }) {
  throwIfInterrupted(signal);
  const created = await request(url, 'POST', '/kiln/v1/jobs', {
    job_type: 'create',
    artifact_id: recipe,
    image_root_archive_name: RECIPE,
    build_env_size: BUILD_ENV_GIB,
  });
  made.job = created.id;
  try {
    // It is only a view of the job; it has nothing to clean up, and would say that the job goes on.
    await run(kiln('jobs', 'watch', created.id, '--server', url), { signal, endWith: 'SIGKILL' });
  } catch (error) {
    // A failed job ends its watching with a failure too; the job itself knows why.
    throwIfInterrupted(signal);
    const job = await request(url, 'GET', `/kiln/v1/jobs/${created.id}`);
    if (!isOver(job)) {
      throw error;
    }
  }
  made.job = undefined;
  return await request(url, 'GET', `/kiln/v1/jobs/${created.id}`);
}
