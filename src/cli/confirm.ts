/** Asks before something is destroyed; only on a terminal, where somebody can answer. */
import { createInterface } from 'node:readline/promises';

/** Whether to go on: yes when `--yes` was given or nobody is there to ask. */
export async function confirmed(question: string, yes: boolean | undefined): Promise<boolean> {
  if (yes === true || !process.stdin.isTTY || !process.stderr.isTTY) {
    return true;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
