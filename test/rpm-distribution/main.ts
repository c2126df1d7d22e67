/** `npm run fixture:rpm [-- aarch64]`: makes the rpm distribution unless it is there, and says where it is. */
import { ensureRpmDistribution } from './index.ts';
import { HOST, isMachine } from './package-set.ts';

const machine = process.argv[2] ?? HOST;
if (!isMachine(machine)) {
  throw new Error(`the rpm distribution is made for x86_64 and aarch64, not for ${machine}`);
}
const { folder } = await ensureRpmDistribution(machine);
process.stdout.write(`${folder}\n`);
