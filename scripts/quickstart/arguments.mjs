// The flags of the quickstart, and where what they name is.
import { join, resolve } from 'node:path';

export const HELP = `usage: npm run quickstart -- [FLAGS]

Builds the first image on this machine: installs what is missing, makes or reuses the builder root, starts the
service, registers the recipe debian-barebones, builds an image from it and says how to boot it. Safe to repeat.

  --state-folder DIR   records, images and the log of the service (KILN_STATE_FOLDER, else /var/lib/kiln)
  --port NUMBER        port of the service (KILN_SERVER_PORT, else 9000; the next free one when it is taken)
  --boot               boot the image at the end, to its login prompt
  --stop-after         stop the service at the end
  --help               this text

Ctrl-C cancels the build and stops the service again, if it was started here.`;

/** A command line that cannot be understood: exit code 2. */
export class UsageError extends Error {}

/**
 * @param {readonly string[]} words
 * @param {Record<string, string | undefined>} environment
 */
export function parseArguments(words, environment) {
  const options = {
    help: false,
    boot: false,
    stopAfter: false,
    stateFolder: environment.KILN_STATE_FOLDER || '/var/lib/kiln',
    stateFolderIsGiven: Boolean(environment.KILN_STATE_FOLDER),
    port: portOf(environment.KILN_SERVER_PORT || '9000'),
  };
  const rest = words.flatMap((word) => (/^--[a-z-]+=/.test(word) ? splitOnce(word) : [word]));
  while (rest.length > 0) {
    const flag = rest.shift();
    if (flag === '--help' || flag === '-h') options.help = true;
    else if (flag === '--boot') options.boot = true;
    else if (flag === '--stop-after') options.stopAfter = true;
    else if (flag === '--port') options.port = portOf(valueAfter(flag, rest));
    else if (flag === '--state-folder') {
      options.stateFolder = valueAfter(flag, rest);
      options.stateFolderIsGiven = true;
    } else throw new UsageError(`there is no flag ${flag}; --help lists those there are`);
  }
  options.stateFolder = resolve(options.stateFolder);
  return { ...options, files: filesIn(options.stateFolder) };
}

/** Files of the quickstart in the state folder. */
function filesIn(stateFolder) {
  return {
    pid: join(stateFolder, 'service.pid'),
    url: join(stateFolder, 'service.url'),
    log: join(stateFolder, 'service.log'),
    workspaceOf: (job) => join(stateFolder, 'workspaces', job),
  };
}

function splitOnce(word) {
  const place = word.indexOf('=');
  return [word.slice(0, place), word.slice(place + 1)];
}

function valueAfter(flag, rest) {
  const value = rest.shift();
  if (value === undefined || value.startsWith('--')) {
    throw new UsageError(`${flag} needs a value`);
  }
  return value;
}

function portOf(text) {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new UsageError(`${text} is no port: a whole number from 1 to 65535`);
  }
  return port;
}
