import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';
import { ownMounts } from './test/support/own-mounts.ts';

/** What two processors and 24 GiB carry of tests that start whole machines, builds and services. */
const FILES_AT_ONCE = 2;

/**
 * Four suites: `unit` needs nothing but Node.js and little time; `service` has whole services in the tests' own
 * process; `host` needs root, mounts and runc, and no package mirror beyond the cached builder root; `e2e` does what a
 * user does, builds and boots included. The files of the last two have mounts of their own.
 *
 * Times are for what hangs and nothing else: a machine may be several times slower than another. What waits in a test ends
 * before that, with evidence.
 */
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/unit/**/*.test.ts', 'test/rpm-distribution/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          maxWorkers: FILES_AT_ONCE,
        },
      },
      {
        test: {
          name: 'service',
          include: ['test/service/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          maxWorkers: FILES_AT_ONCE,
        },
      },
      {
        test: {
          name: 'host',
          pool: ownMounts,
          include: ['test/host/**/*.test.ts'],
          testTimeout: 900_000,
          hookTimeout: 900_000,
          maxWorkers: FILES_AT_ONCE,
        },
      },
      {
        test: {
          name: 'e2e',
          pool: ownMounts,
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 900_000,
          hookTimeout: 900_000,
          maxWorkers: FILES_AT_ONCE,
        },
      },
    ],
  },
});
