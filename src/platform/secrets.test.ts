import { expect, test } from 'vitest';
import { maskerOf } from './secrets.ts';

test('masks the given values wherever they are', () => {
  const mask = maskerOf(['hunter22']);
  expect(mask('login hunter22, again hunter22.')).toBe('login ***, again ***.');
});

test('a secret inside a longer one leaves nothing of the longer one behind', () => {
  const mask = maskerOf(['pass', 'password-long']);
  expect(mask('it is password-long')).toBe('it is ***');
});

test('values too short to be secrets leave the text alone', () => {
  expect(maskerOf(['', 'a', 'abc'])('abc and a banana')).toBe('abc and a banana');
});

test('masks credentials in addresses and keeps the rest of the address', () => {
  const mask = maskerOf([]);
  expect(mask('get https://user:word@packages.local/deb/x')).toBe('get https://***@packages.local/deb/x');
  expect(mask('get https://token@packages.local/deb/x')).toBe('get https://***@packages.local/deb/x');
  expect(mask('mail someone@packages.local')).toBe('mail someone@packages.local');
});

test('masks the signature of a signed address and keeps the other parameters', () => {
  const mask = maskerOf([]);
  expect(mask('http://127.0.0.1/o?expires=17&signature=abc123&method=GET')).toBe(
    'http://127.0.0.1/o?expires=17&signature=***&method=GET',
  );
});

test('a password may hold the signs that end a name', () => {
  expect(maskerOf([])('https://user:p@ss:word@packages.local/deb')).toBe('https://***@packages.local/deb');
});

test('a megabyte without a space is masked in time that a person does not notice', () => {
  const started = performance.now();
  maskerOf([])('x'.repeat(1024 * 1024));
  expect(performance.now() - started).toBeLessThan(5_000);
});
