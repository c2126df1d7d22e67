// The block at the end: what was made, how long it took, and what to do with it.
import { duration, size } from './screen.mjs';

/** A step that took its result from a cache says so by its state. */
const REUSED = { cached: ' (from the cache)', skipped: ' (not needed)' };

export function summary({ job, artifacts, builderRoot, recipeReused, service, options, times }) {
  const ended = job.steps.filter((step) => step.started !== null && step.finished !== null);
  const seconds = (step) => (Date.parse(step.finished) - Date.parse(step.started)) / 1000;
  const server = service.url === 'http://127.0.0.1:9000' ? '' : ` --server ${service.url}`;
  const cached = job.steps.filter((step) => step.state === 'cached').map((step) => step.name);
  return [
    '',
    `Image ${job.resultant_image_id} (${job.image_root_archive_name}) is published.`,
    '',
    'Artifacts',
    ...artifacts.flatMap((artifact) => [
      `  ${artifact.path}  ${size(artifact.size_bytes)}`,
      `    sha256 ${artifact.sha256}`,
      `    md5    ${artifact.md5}`,
    ]),
    '',
    'Time per step of the build',
    ...ended.map(
      (step) => `  ${duration(seconds(step)).padStart(12)}  ${step.title}${REUSED[step.state] ?? ''}`,
    ),
    '',
    'Time of the quickstart',
    ...times.map(({ title, seconds: taken }) => `  ${duration(taken).padStart(12)}  ${title}`),
    '',
    'Reused',
    `  builder root: ${builderRoot.reused ? 'yes' : 'no, it was made now; the next run reuses it'}`,
    `  recipe: ${recipeReused ? 'yes' : 'no, it was registered now'}`,
    `  steps of the build: ${cached.length === 0 ? 'none' : cached.join(', ')}`,
    '',
    ...(options.stopAfter
      ? ['Start the service again with', '', `  npm run quickstart${again(options)}`]
      : [
          `API            ${service.url}/kiln/v1`,
          `Documentation  ${service.url}/kiln/v1/docs`,
          ...(service.pid === undefined
            ? []
            : [`Service log    ${options.files.log}`, `Stop it with   kill ${service.pid}`]),
          '',
          'Boot the image in a virtual machine on this terminal with',
          '',
          `  ./bin/kiln images boot ${job.resultant_image_id}${server}`,
        ]),
    '',
  ].join('\n');
}

function again(options) {
  return options.stateFolderIsGiven ? ` -- --state-folder ${options.stateFolder}` : '';
}
