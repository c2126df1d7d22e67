import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { NodeFacts } from '../../contract/nodes.ts';
import { GIB } from '../../platform/bytes.ts';
import { fits, NOTHING, reservedBy, roomOf } from './capacity.ts';

const facts: NodeFacts = {
  arch: 'x86_64',
  machine: 'x86_64',
  system: 'Debian 12',
  kernel: '6.1',
  cpus: 16,
  memory_bytes: 64 * GIB,
  disk_free_bytes: 500 * GIB,
};
const whatItHas = { capacity: { jobs: null, memory_gib: null, disk_gib: null } };

test('a node of which nothing is said gives what it has, less what is its own', () => {
  expect(roomOf(whatItHas, facts, NOTHING)).toEqual({ jobs: 4, memory_gib: 57, disk_gib: 500 });
  expect(roomOf(whatItHas, { ...facts, cpus: 2 }, NOTHING).jobs).toBe(1);
  expect(roomOf(whatItHas, null, NOTHING)).toEqual(NOTHING);
});

test('jobs that are placed one after the other never get more than there is', () => {
  const need = fc.record({
    memory_gib: fc.integer({ min: 1, max: 40 }),
    disk_gib: fc.integer({ min: 1, max: 200 }),
  });
  const limit = fc.record({
    jobs: fc.integer({ min: 1, max: 8 }),
    memory_gib: fc.integer({ min: 1, max: 128 }),
    disk_gib: fc.integer({ min: 1, max: 1_000 }),
  });
  fc.assert(
    fc.property(limit, fc.array(need), (capacity, needs) => {
      const placed: typeof needs = [];
      for (const each of needs) {
        if (fits(roomOf({ capacity }, facts, reservedBy(placed)), each)) {
          placed.push(each);
        }
      }
      const sum = reservedBy(placed);
      expect(sum.jobs).toBeLessThanOrEqual(capacity.jobs);
      expect(sum.memory_gib).toBeLessThanOrEqual(capacity.memory_gib);
      expect(sum.disk_gib).toBeLessThanOrEqual(capacity.disk_gib);
    }),
  );
});
