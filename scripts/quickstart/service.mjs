// The service that the quickstart leaves behind: found again by its files in the state folder, or started.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { isHealthy } from './api.mjs';
import { kiln } from './build.mjs';
import { isRunning, startDetached, throwIfInterrupted } from './processes.mjs';

const START_MS = 60_000;
const STOP_MS = 30_000;
const PORTS_TRIED = 100;

/**
 * A healthy service: the one of this state folder, else one that somebody started on the port, else a new one.
 * `rebuilt`: a service of this state folder is started again, because it runs what was there before. Jobs of it
 * go on meanwhile.
 */
export async function findOrStartService(options, { rebuilt, signal }) {
  const pid = pidOf(options);
  if (pid !== undefined) {
    const url = readFileSync(options.files.url, 'utf8').trim();
    if (rebuilt) {
      await stopService(options);
      return { url, startedHere: false, pid: await start(options, url, signal) };
    }
    await untilHealthy(url, options, pid, signal);
    return { url, startedHere: false, pid };
  }
  const usual = `http://127.0.0.1:${options.port}`;
  if (!options.stateFolderIsGiven && (await isHealthy(usual))) {
    return { url: usual, startedHere: false };
  }
  const url = `http://127.0.0.1:${await freePortFrom(options.port)}`;
  return { url, startedHere: true, pid: await start(options, url, signal) };
}

async function start(options, url, signal) {
  // The folder may be passed through, not listed: sandboxes find their workspaces below it.
  mkdirSync(options.stateFolder, { recursive: true, mode: 0o711 });
  const { port } = new URL(url);
  const words = [
    'serve',
    '--state-folder',
    options.stateFolder,
    '--server-port',
    port,
    '--packages-port',
    '0',
  ];
  const pid = await startDetached(kiln(...words), options.files.log);
  writeFileSync(options.files.pid, `${pid}\n`);
  writeFileSync(options.files.url, `${url}\n`);
  try {
    await untilHealthy(url, options, pid, signal);
  } catch (error) {
    await stopService(options);
    throw error;
  }
  return pid;
}

/** Stops the service of this state folder, when there is one. */
export async function stopService(options) {
  const pid = pidOf(options);
  if (pid !== undefined) {
    process.kill(pid, 'SIGTERM');
    const end = performance.now() + STOP_MS;
    while (pidOf(options) !== undefined) {
      if (performance.now() > end) {
        process.kill(pid, 'SIGKILL');
      }
      await pause(100);
    }
  }
  rmSync(options.files.pid, { force: true });
  rmSync(options.files.url, { force: true });
}

/** Process id of the running service of this state folder. */
function pidOf({ files, stateFolder }) {
  let pid;
  try {
    pid = Number(readFileSync(files.pid, 'utf8'));
  } catch {
    return undefined;
  }
  return isRunning(pid, ['serve', stateFolder]) ? pid : undefined;
}

async function untilHealthy(url, options, pid, signal) {
  const end = performance.now() + START_MS;
  while (!(await isHealthy(url))) {
    throwIfInterrupted(signal);
    if (!isRunning(pid, ['serve'])) {
      throw new Error(
        `the service ended at once; ${options.files.log} says:\n${lastLines(options.files.log)}`,
      );
    }
    if (performance.now() > end) {
      throw new Error(`the service at ${url} is not ready; its log is ${options.files.log}`);
    }
    await pause(100);
  }
}

function lastLines(file) {
  return readFileSync(file, 'utf8').trim().split('\n').slice(-10).join('\n');
}

async function freePortFrom(first) {
  for (let port = first; port < first + PORTS_TRIED && port <= 65_535; port += 1) {
    if (await isFree(port)) {
      return port;
    }
  }
  throw new Error(`no port from ${first} on is free; name one with --port`);
}

function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
