/** Wiring: reads the configuration, builds the objects, hands over to the command that was asked for. */
import { fileURLToPath } from 'node:url';
import { createProgram, runProgram } from './cli/program.ts';
import type { SettingFlags } from './cli/setting-flags.ts';
import { packageVersion } from './platform/package-root.ts';
import { readSettings } from './platform/settings.ts';
import { builderRootsOf } from './wiring/builder-roots.ts';

const settingsOf = ({ flags, file }: SettingFlags) =>
  readSettings({ flags, environment: process.env, ...(file === undefined ? {} : { file }) });

const program = createProgram({
  version: packageVersion(),
  builderRoots: (flags) => builderRootsOf(settingsOf(flags)),
  // The service is loaded when it is asked for: a client command starts without it.
  async serve(flags) {
    const { serve } = await import('./wiring/serve.ts');
    const started = (file: string) => [process.execPath, fileURLToPath(new URL(file, import.meta.url))];
    await serve(settingsOf(flags), { kiln: started('main.js'), runner: started('runner.js') });
  },
  async describePackages() {
    const { describePackages } = await import('./packages/index.ts');
    await describePackages(process.stdin);
  },
});
await runProgram(program, process.argv);
