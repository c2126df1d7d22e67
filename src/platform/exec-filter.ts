/** Commands as filters: data in, data out, as a stream. The rest of running commands is in exec.ts. */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { defaultEnvironment } from './exec.ts';

/**
 * What the command writes when it is given the data. The stream fails when the command does not end with 0, with
 * the last of what it said; it is killed when the stream is destroyed.
 */
export async function* filterThrough(argv: readonly string[], data: Readable): AsyncGenerator<Buffer> {
  const [program, ...args] = argv;
  if (program === undefined) {
    throw new TypeError('a command has at least one word');
  }
  const child = spawn(program, args, { env: defaultEnvironment(), stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-2000);
  });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  // Its input may break because it ended: then its exit code says why.
  const feeding = pipeline(data, child.stdin).catch((error: unknown) => error);
  exit.catch(() => {});
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    const code = await exit;
    const failure = await feeding;
    if (code !== 0) {
      throw new Error(`${program} ended with code ${code}: ${said.trim()}`);
    }
    if (failure !== undefined) {
      throw failure;
    }
  } finally {
    child.kill('SIGKILL');
    data.destroy();
  }
}
