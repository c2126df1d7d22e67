import { defineConfig } from 'tsdown';

const common = {
  format: 'esm',
  platform: 'node',
  target: 'node20',
  outDir: 'dist',
  sourcemap: true,
  outExtensions: () => ({ js: '.js' }),
} as const;

/**
 * What every command loads, in hundreds of small files: bundled, a command starts in a third of the processor time. What only
 * the service needs stays where it is, and so does what is native.
 */
const LOADED_BY_EVERY_COMMAND = /^(typebox|yaml|smol-toml|commander|tar-stream)(\/|$)/;

export default defineConfig([
  {
    ...common,
    entry: ['src/main.ts'],
    clean: true,
    deps: { alwaysBundle: [LOADED_BY_EVERY_COMMAND] },
  },
  // Everything in one file: see src/runner-main.ts.
  {
    ...common,
    entry: { runner: 'src/runner-main.ts' },
    clean: false,
    deps: { alwaysBundle: [/.*/] },
    outputOptions: { codeSplitting: false },
  },
]);
