/** The judge of histories that tests with crashes rely on. */
import { describe, expect, it } from 'vitest';
import { contradiction, type Operation } from '../support/history.ts';

const set = (to: string, asked: number, answered?: number): Operation<string> => ({
  name: `set ${to}`,
  asked,
  answered,
  apply: () => to,
});
const saw = (value: string, asked: number, answered: number): Operation<string> => ({
  name: `saw ${value}`,
  asked,
  answered,
  apply: (state) => (state === value ? state : undefined),
});

describe('a history', () => {
  it.each<[string, Operation<string>[], string]>([
    ['nothing happened', [], 'a'],
    ['one after the other', [set('b', 0, 1), set('c', 2, 3)], 'c'],
    ['at the same time, either order', [set('b', 0, 2), set('c', 1, 3)], 'b'],
    ['no answer, and it happened', [set('b', 0), saw('a', 1, 2)], 'b'],
    ['no answer, and it did not happen', [set('b', 0), saw('a', 1, 2)], 'a'],
    ['seen halfway', [set('b', 0, 9), saw('a', 1, 2), saw('b', 3, 4)], 'b'],
  ])('can have happened: %s', (_name, operations, after) => {
    expect(contradiction('a', operations, after)).toBeUndefined();
  });

  it.each<[string, Operation<string>[], string]>([
    ['it was lost', [set('b', 0, 1)], 'a'],
    ['it came from nowhere', [], 'b'],
    ['the order is wrong', [set('b', 0, 1), set('c', 2, 3)], 'b'],
    ['it was seen and then not any more', [set('b', 0), saw('b', 1, 2), saw('a', 3, 4)], 'b'],
    ['it was seen before it was asked for', [saw('b', 0, 1), set('b', 2, 3)], 'b'],
  ])('cannot have happened: %s', (_name, operations, after) => {
    const found = contradiction('a', operations, after);
    expect(found).toContain('from "a"');
    expect(found).toContain(`to "${after}"`);
    for (const { name } of operations) {
      expect(found).toContain(name);
    }
  });
});
