/** `npm run bench -- NAME`: each benchmark puts Kiln beside the alternative in one run and prints their ratio. */
import { benchAarch64 } from './aarch64.ts';
import { benchApi } from './api.ts';
import { benchCreate } from './create.ts';
import { benchCustomize } from './customize.ts';
import { benchRepositories } from './repositories.ts';

const BENCHMARKS: Record<string, () => Promise<void>> = {
  aarch64: benchAarch64,
  api: benchApi,
  create: benchCreate,
  customize: benchCustomize,
  repositories: benchRepositories,
};

const name = process.argv[2] ?? '';
const benchmark = BENCHMARKS[name];
if (benchmark === undefined) {
  console.error(`usage: npm run bench -- NAME, where NAME is one of: ${Object.keys(BENCHMARKS).join(', ')}`);
  process.exit(2);
}
await benchmark();
