import { defineConfig } from 'tsdown';

const common = {
  format: 'esm',
  platform: 'node',
  target: 'node20',
  outDir: 'dist',
  sourcemap: true,
  outExtensions: () => ({ js: '.js' }),
} as const;

export default defineConfig([
  { ...common, entry: ['src/main.ts'], clean: true },
  // Everything in one file: see src/runner-main.ts.
  {
    ...common,
    entry: { runner: 'src/runner-main.ts' },
    clean: false,
    deps: { alwaysBundle: [/.*/] },
    outputOptions: { codeSplitting: false },
  },
]);
