import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';
import { ownMounts } from './test/support/own-mounts.ts';

/** Of tests that keep a processor busy, what two processors and 24 GiB carry. */
const FILES_AT_ONCE = 2;
/** Those of the host wait half of their time: for programs to start, disks, and other machines. */
const HOST_FILES_AT_ONCE = 3;

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
          testTimeout: 1_800_000,
          hookTimeout: 1_800_000,
          maxWorkers: HOST_FILES_AT_ONCE,
        },
      },
      {
        test: {
          name: 'e2e',
          pool: ownMounts,
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 1_800_000,
          hookTimeout: 1_800_000,
          maxWorkers: FILES_AT_ONCE,
        },
      },
    ],
  },
});
