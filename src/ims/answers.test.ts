import { expect, test } from 'vitest';
import { KilnError } from '../contract/errors.ts';
import { wireErrorOf } from './answers.ts';

test('what nobody expected is a 500 that says nothing of the inside', () => {
  for (const error of [new Error('secret'), new KilnError('internal-error', 'secret'), 'secret', undefined]) {
    const answer = wireErrorOf(error);
    expect([answer.status, answer.type, answer.body]).toEqual([
      500,
      'application/json',
      { message: 'Internal Server Error' },
    ]);
    expect(answer.cause).toBe(error);
  }
});

test('a refusal of the service that names an object is about the link', () => {
  const error = new KilnError('manifest-invalid', 'bad manifest', { items: [{ message: 'no version' }] });
  expect(wireErrorOf(error).body).toEqual({
    status: 422,
    title: 'Unprocessable Entity',
    detail: 'bad manifest',
    errors: { link: ['bad manifest', 'no version'] },
  });
});
