/** Asks before something is destroyed; only on a terminal, where somebody can answer. */
import { createInterface } from 'node:readline/promises';

/** Whether to go on: yes when `--yes` was given or nobody is there to ask. */
export async function confirmed(question: string, yes: boolean | undefined): Promise<boolean> {
  if (yes === true || !process.stdin.isTTY || !process.stderr.isTTY) {
    return true;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C and the end of the input are a no, too: without this the question would never settle.
  const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  try {
    const answer = await Promise.race([terminal.question(`${question} [y/N] `), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
