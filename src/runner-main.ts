/**
 * The runner as a program of its own, in one file with all that it needs: it starts in a fraction of the time of the whole
 * program, and is what goes to build nodes, where it also starts and looks after runners.
 */
import { createAgent } from './adapters/executors/local/agent.ts';
import { carryJob } from './adapters/executors/node/carry.ts';
import { nodeProgram } from './platform/exec.ts';
import { createLog } from './platform/log.ts';
import { readDocument } from './runner/document.ts';
import { runJob } from './runner/run-job.ts';

const USAGE = `usage: runner.js run-job < JOB_DOCUMENT
       runner.js carry-job < CARRIAGE           the job runs on a build node
on a build node, with KILN_NODE, KILN_RUNNER and KILN_NODE_FOLDER as enter.sh sets them:
  runner.js start-job HOURS < JOB_DOCUMENT     HOURS: how long the work of failed jobs is kept
  runner.js follow-job EXECUTION
  runner.js stop-job EXECUTION SECONDS
  runner.js release-job HOURS JOB
  runner.js sweep-jobs HOURS FILES JOB...      FILES: digests of what is wanted, separated by commas
`;
const log = createLog('info');

function agent(hours = '0') {
  const { KILN_RUNNER: runner = '', KILN_NODE_FOLDER: folder = '' } = process.env;
  if (runner === '' || folder === '') {
    throw new Error('KILN_RUNNER and KILN_NODE_FOLDER are not set');
  }
  return createAgent({ folder, entry: [nodeProgram(), runner], checkpointHours: Number(hours), log });
}

const say = (words: unknown) => process.stdout.write(`${JSON.stringify(words)}\n`);

const COMMANDS: Record<string, (...words: string[]) => Promise<number>> = {
  'run-job': () => runJob({ input: process.stdin, log }),
  'carry-job': () => carryJob(process.stdin, log),
  async 'start-job'(hours) {
    say({ execution: await agent(hours).start(await readDocument(process.stdin)) });
    return 0;
  },
  async 'follow-job'(execution = '') {
    process.stdout.write('following\n');
    say({ tail: await agent().follow(execution) });
    return 0;
  },
  async 'stop-job'(execution = '', seconds) {
    await agent().stop(execution, Number(seconds));
    return 0;
  },
  async 'release-job'(hours, jobId = '') {
    await agent(hours).release(jobId);
    return 0;
  },
  async 'sweep-jobs'(hours, files = '', ...jobs) {
    await agent(hours).sweep({ files: new Set(files.split(',')), jobs: new Set(jobs) });
    return 0;
  },
};

async function main(): Promise<number> {
  const [name = '', ...words] = process.argv.slice(2);
  const command = COMMANDS[name];
  if (command === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  try {
    return await command(...words);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

// At once: process 1 of a namespace must not stay because of a descriptor that somebody left open.
process.exit(await main());
