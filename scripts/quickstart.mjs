#!/usr/bin/env node
// From a fresh checkout on a fresh machine to an image that boots. Needs nothing but Node.js: the packages of the
// project may not be there yet when it starts. Whichever way it ends, nothing is left half done.
import { cancelJob } from './quickstart/api.mjs';
import { HELP, parseArguments, UsageError } from './quickstart/arguments.mjs';
import { kiln } from './quickstart/build.mjs';
import { firstImage } from './quickstart/first-image.mjs';
import { Interrupted, run } from './quickstart/processes.mjs';
import { createScreen } from './quickstart/screen.mjs';
import { stopService } from './quickstart/service.mjs';
import { summary } from './quickstart/summary.mjs';

const EXIT_INTERRUPTED = 130;
const BOOT_SECONDS = 600;

const screen = createScreen();
const stop = new AbortController();
const { signal } = stop;

process.exitCode = await main();

async function main() {
  let options;
  try {
    options = parseArguments(process.argv.slice(2), process.env);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`quickstart: ${error.message}\n`);
    return 2;
  }
  if (options.help) {
    screen.say(HELP);
    return 0;
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(name, () => {
      screen.say(signal.aborted ? '   still cleaning up' : '\n   interrupted: cleaning up');
      stop.abort();
    });
  }
  return await quickstart(options);
}

/** Gives the exit code. */
async function quickstart(options) {
  const made = {};
  try {
    const result = await firstImage({ options, screen, signal, made });
    if (options.boot) {
      await screen.stage('Boot', () => boot(result.job.resultant_image_id, made.service.url));
    }
    if (options.stopAfter) {
      await stopOurs(options, made);
    }
    screen.say(summary({ ...result, options, times: screen.times() }));
    return 0;
  } catch (error) {
    if (!(error instanceof Interrupted)) {
      process.stderr.write(`\nquickstart: ${error.message}\n`);
      if (made.service?.pid !== undefined && !options.stopAfter) {
        process.stderr.write(`The service goes on; stop it with: kill ${made.service.pid}\n`);
      }
      return 1;
    }
    return EXIT_INTERRUPTED;
  } finally {
    await cleanUp(options, made);
  }
}

/** After an interruption the job is cancelled, and a service that was started here is stopped. */
async function cleanUp(options, made) {
  const { service, job } = made;
  if (job !== undefined && signal.aborted) {
    const gone = await cancelJob(service.url, job, options.files.workspaceOf(job));
    screen.say(gone ? '   the build is cancelled and cleaned up' : `   job ${job} has not stopped yet`);
  }
  if (options.stopAfter || (signal.aborted && service?.startedHere)) {
    await stopOurs(options, made);
  }
}

/** One that somebody else started stays. */
async function stopOurs(options, made) {
  if (made.service?.pid !== undefined) {
    await stopService(options);
    made.service = undefined;
    screen.say('\nThe service is stopped.');
  }
}

async function boot(image, url) {
  const words = ['images', 'boot', image, '--until', 'login:', '--timeout', String(BOOT_SECONDS)];
  await run(kiln(...words, '--server', url), { signal });
  return 'it has booted to its login prompt';
}
