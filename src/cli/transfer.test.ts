import { expect, test } from 'vitest';
import { showTransfer } from './transfer.ts';

async function transfer(isTTY: boolean, times: readonly number[]): Promise<{ text: string; bytes: number }> {
  const clock = [...times];
  let text = '';
  let bytes = 0;
  const shown = showTransfer(chunks(4), {
    label: 'uploading',
    totalBytes: 4096,
    output: { isTTY, write: (part) => (text += part) },
    now: () => clock.shift() ?? 0,
  });
  for await (const chunk of shown) {
    bytes += chunk.length;
  }
  return { text, bytes };
}

async function* chunks(count: number) {
  for (let index = 0; index < count; index += 1) {
    yield Buffer.alloc(1024);
  }
}

test('a quick one shows nothing', async () => {
  expect(await transfer(true, [0, 1, 2, 3, 4])).toEqual({ text: '', bytes: 4096 });
});

test('one of more than a second shows how far it is, and leaves no line behind', async () => {
  const { text, bytes } = await transfer(true, [0, 500, 1000, 1000, 1100, 1150]);

  expect(bytes).toBe(4096);
  expect(text).toBe('\r\u001b[Kuploading: 2.0 KiB of 4.0 KiB, 50 %\r\u001b[K');
});

test('a pipe gets no line', async () => {
  expect((await transfer(false, [0, 5000, 6000, 7000, 8000])).text).toBe('');
});
