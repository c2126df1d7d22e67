import { expect, test } from 'vitest';
import { runAttached } from './exec.ts';

const collect = () => {
  let text = '';
  return {
    onOutput: (chunk: Buffer) => {
      text += String(chunk);
    },
    text: () => text,
  };
};

test('an attached command gives both of its streams and how it ended', async () => {
  const output = collect();

  const ended = await runAttached(['sh', '-c', 'echo out; echo err >&2; exit 3'], output);

  expect(ended).toEqual({ exitCode: 3, signal: null });
  expect(output.text().split('\n').sort()).toEqual(['', 'err', 'out']);
});

test('it ends when its signal aborts', async () => {
  const stop = new AbortController();

  const ended = await runAttached(['sh', '-c', 'echo ready; exec sleep 60'], {
    onOutput: () => stop.abort(),
    signal: stop.signal,
  });

  expect(ended).toEqual({ exitCode: null, signal: 'SIGTERM' });
});

test('it throws when there is no such program', async () => {
  await expect(runAttached(['/no/such/program'], collect())).rejects.toThrow('ENOENT');
});
