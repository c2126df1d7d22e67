import { expect, test } from 'vitest';
import { watchConsole } from './console.ts';

test('sees a text that comes in pieces', () => {
  const watched = watchConsole('login:');
  watched.write(Buffer.from('localhost log'));
  expect(watched.seen).toBe(false);
  watched.write(Buffer.from('in: '));
  expect(watched.seen).toBe(true);
});

test('sees a text with escape sequences in it', () => {
  const watched = watchConsole('Reached target');
  watched.write(Buffer.from('[\u001b[0;32m  OK  \u001b[0m] Reached \u001b[0;1;39mtarget\u001b[0m\r\n'));
  expect(watched.seen).toBe(true);
});

test('what was seen stays seen, however much follows', () => {
  const watched = watchConsole('login:');
  watched.write(Buffer.from('login:'));
  watched.write(Buffer.alloc(1024 * 1024, 'x'));
  expect(watched.seen).toBe(true);
});

test('sees a text at the end of a large piece, and one after much else', () => {
  const atTheEnd = watchConsole('login:');
  atTheEnd.write(Buffer.from(`${'x'.repeat(200_000)}login:`));
  expect(atTheEnd.seen).toBe(true);
  const afterMuch = watchConsole('login:');
  afterMuch.write(Buffer.alloc(200_000, 'x'));
  afterMuch.write(Buffer.from('login:'));
  expect(afterMuch.seen).toBe(true);
});

test('a letter of several bytes may be split between pieces', () => {
  const watched = watchConsole('Prêt');
  const bytes = Buffer.from('Prêt');
  watched.write(bytes.subarray(0, 3));
  watched.write(bytes.subarray(3));
  expect(watched.seen).toBe(true);
});

test('gives the last lines without escape sequences', () => {
  const watched = watchConsole(undefined);
  watched.write(Buffer.from('one\r\n\u001b[31mtwo\u001b[0m\r\nthree\r\n'));
  expect(watched.lastLines(2)).toEqual(['two', 'three']);
  expect(watched.seen).toBe(false);
});
