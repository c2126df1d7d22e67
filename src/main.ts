/** Wiring: reads the configuration, builds the objects, hands over to the command that was asked for. */
import { fileURLToPath } from 'node:url';
import { createProgram, runProgram } from './cli/program.ts';
import type { SettingFlags } from './cli/setting-flags.ts';
import { createLog } from './platform/log.ts';
import { packageVersion } from './platform/package-root.ts';
import { readSettings } from './platform/settings.ts';
import { builderRootsOf } from './wiring/builder-roots.ts';

const settingsOf = ({ flags, file }: SettingFlags) =>
  readSettings({ flags, environment: process.env, ...(file === undefined ? {} : { file }) });

const program = createProgram({
  version: packageVersion(),
  builderRoots: (flags) => builderRootsOf(settingsOf(flags)),
  // The service and the runner are loaded when they are asked for: a client command starts without them.
  async serve(flags) {
    const { serve } = await import('./wiring/serve.ts');
    await serve(settingsOf(flags), [process.execPath, fileURLToPath(import.meta.url)]);
  },
  async runJob() {
    const { runJob } = await import('./runner/run-job.ts');
    // At once: process 1 of a namespace must not stay because of a descriptor that somebody left open.
    process.exit(await runJob({ input: process.stdin, log: createLog('info') }));
  },
  async describePackages() {
    const { describePackages } = await import('./packages/index.ts');
    await describePackages(process.stdin);
  },
});
await runProgram(program, process.argv);
