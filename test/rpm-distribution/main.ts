/** `npm run fixture:rpm`: makes the rpm distribution unless it is there, and says where it is. */
import { ensureRpmDistribution } from './index.ts';

const { folder } = await ensureRpmDistribution();
process.stdout.write(`${folder}\n`);
