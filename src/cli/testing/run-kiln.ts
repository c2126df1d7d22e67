/** Runs a command line in this process, as main.ts would, and gives what a person would see of it. */
import { vi } from 'vitest';
import { createProgram, type ProgramDeps, runProgram } from '../program.ts';

export interface Seen {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const refuse = () => Promise.reject(new Error('not in this test'));

const NO_DEPS: ProgramDeps = {
  version: '1.2.3',
  serve: refuse,
  describePackages: refuse,
  builderRoots: () => ({ ensure: refuse, list: refuse, prune: refuse, mirror: refuse }),
};

export async function runKiln(words: readonly string[], deps: Partial<ProgramDeps> = {}): Promise<Seen> {
  const seen = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      seen[name] += String(text);
      return true;
    }),
  );
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    const program = createProgram({ ...NO_DEPS, ...deps });
    await runProgram(program, ['node', 'kiln', ...words]);
    return { ...seen, exitCode: Number(process.exitCode ?? 0) };
  } finally {
    process.exitCode = before;
    for (const spy of spies) {
      spy.mockRestore();
    }
  }
}
