/**
 * `kiln carry-job`: stands for the runner of a job that runs on a build node. It starts that runner, keeps the connection to it,
 * and ends when it has ended; told to stop, it stops the runner first. What it leaves on the node when it is killed itself, the
 * next look at the node removes.
 */
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { CommandResult } from '../../../platform/exec.ts';
import type { Log } from '../../../platform/log.ts';
import { Carriage, type NodePaths, pathsOn, remoteDocument } from './carriage.ts';
import { keepLink, NodeLost } from './link.ts';
import { enterWords } from './reach.ts';
import { openShellPort, type ShellPort } from './shell-port.ts';
import { runOn } from './ssh.ts';

const START_MS = 120_000;
const STOP_SECONDS = 10;
const SHORT_MS = 30_000;
const RELEASE_MS = 120_000;
const Started = Type.Object({ execution: Type.String() });

/** Gives the exit code: 0 when the runner on the node has ended, whatever it said of its job. Writes why it is not 0. */
export async function carryJob(input: Readable, log: Log): Promise<number> {
  const carriage: unknown = JSON.parse(await text(input));
  if (!Value.Check(Carriage, carriage)) {
    log.error('what the carrier was told cannot be read');
    return 2;
  }
  const carrier = new Carrier(carriage, log);
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => carrier.stop());
  }
  return await carrier.run();
}

class Carrier {
  readonly #carriage: Carriage;
  readonly #log: Log;
  readonly #paths: NodePaths;
  readonly #giveUp = new AbortController();
  #execution: string | undefined;
  #stopping: Promise<void> | undefined;

  constructor(carriage: Carriage, log: Log) {
    this.#carriage = carriage;
    this.#log = log;
    this.#paths = pathsOn(carriage);
  }

  async run(): Promise<number> {
    const { document, node } = this.#carriage;
    // In the folder of the job on this machine.
    const shellSocket = join(document.workspace, 'shell.sock');
    let port: ShellPort | undefined;
    try {
      port = document.shell === null ? undefined : await openShellPort(document.shell.door, shellSocket);
      await this.#start(port?.port);
      const tail = await keepLink({
        carriage: this.#carriage,
        paths: this.#paths,
        shellSocket,
        follow: await this.#enter('follow-job', this.#execution ?? ''),
        clear: () => this.#on(['rm', '-f', this.#paths.api], SHORT_MS),
        log: this.#log,
        signal: this.#giveUp.signal,
      });
      process.stdout.write(tail.map((line) => `${line}\n`).join(''));
      await this.#release();
      return 0;
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      process.stdout.write(
        `${JSON.stringify(error instanceof NodeLost ? { lost: words } : { failed: words })}\n`,
      );
      this.#log.error({ node: node.xname, job: document.job_id, words }, 'job on a build node');
      await this.#stopping;
      await this.#release();
      return 1;
    } finally {
      port?.close();
    }
  }

  /** The runner is told, and given time; then its end is that of the carrier. */
  stop(): void {
    this.#stopping ??= this.#stop();
  }

  async #stop(): Promise<void> {
    if (this.#execution !== undefined) {
      const words = await this.#enter('stop-job', this.#execution, String(STOP_SECONDS));
      const result = await this.#on(words, SHORT_MS).catch(() => undefined);
      if (result?.exitCode === 0) {
        return;
      }
    }
    this.#giveUp.abort(new Error('the carrier was told to stop'));
  }

  async #start(shellPort: number | undefined): Promise<void> {
    const { node, checkpointHours } = this.#carriage;
    const made = await this.#on(
      ['install', '-d', '-m', '700', dirname(this.#paths.links), this.#paths.links],
      SHORT_MS,
    );
    mustHaveEnded(made, `${node.xname} has no room for the job`);
    const input = JSON.stringify(remoteDocument(this.#carriage, shellPort));
    const words = await this.#enter('start-job', String(checkpointHours));
    const result = await this.#on(words, START_MS, input);
    mustHaveEnded(result, `the runner could not be started on ${node.xname}`);
    const said: unknown = JSON.parse(result.stdout.trim().split('\n').at(-1) ?? '');
    if (!Value.Check(Started, said)) {
      throw new Error(`${node.xname} did not say which runner it has started`);
    }
    this.#execution = said.execution;
  }

  /** As far as the node can be reached; else the next look at it does the same. */
  async #release(): Promise<void> {
    const { document, checkpointHours } = this.#carriage;
    try {
      const words = await this.#enter('release-job', String(checkpointHours), document.job_id);
      mustHaveEnded(await this.#on(words, RELEASE_MS), 'release-job');
      await this.#on(['rm', '-rf', this.#paths.links], SHORT_MS);
    } catch (error) {
      this.#log.warn({ err: error }, 'what the job left on the node is removed later');
    }
  }

  #enter(...words: string[]): Promise<string[]> {
    return enterWords(this.#carriage.node, this.#carriage.equipment, words);
  }

  #on(argv: readonly string[], timeoutMs: number, input?: string): Promise<CommandResult> {
    const { node, identity } = this.#carriage;
    return runOn(node, identity, argv, { timeoutMs, ...(input === undefined ? {} : { input }) });
  }
}

function mustHaveEnded(result: CommandResult, what: string): void {
  if (result.exitCode !== 0) {
    const why = result.timedOut
      ? 'it took too long'
      : (result.tail.at(-1) ?? `ssh ended with code ${result.exitCode}`);
    throw new Error(`${what}: ${why}`);
  }
}
