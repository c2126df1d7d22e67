/** Build nodes: how they are reached, and what carries jobs to them. */
import { join } from 'node:path';
import type { Carriage } from '../adapters/executors/node/carriage.ts';
import { createReach } from '../adapters/executors/node/reach.ts';
import type { Architecture } from '../contract/common.ts';
import { KilnError } from '../contract/errors.ts';
import type { JobDocument } from '../contract/runner.ts';
import type { Settings } from '../platform/options.ts';
import type { Records } from '../ports/records.ts';

export interface NodesDeps {
  readonly records: Records;
  /** The words that start the runner's program. */
  readonly runner: readonly string[];
  /** Makes or finds the builder root for machines of this architecture; gives its file. */
  readonly builderRoot: (arch: Architecture) => Promise<string>;
}

export function nodesOf(settings: Settings, { records, runner, builderRoot }: NodesDeps) {
  const state = settings['state.folder'];
  const door = join(state, 'door', 'runners.sock');
  const checkpointHours = settings['checkpoints.hours'];
  const reach = createReach({
    folder: join(state, 'nodes'),
    cacheFolder: settings['cache.folder'],
    checkpointHours,
    builderRoot,
  });

  async function carriage(document: JobDocument, place: string) {
    const node = await records.nodes.find(place);
    const arch = (await records.nodes.knowledge(place)).facts?.arch ?? null;
    if (node === undefined || arch === null) {
      throw new KilnError('no-node', `${place} is no build node any more`);
    }
    const equipment = await reach.equipmentFor(arch);
    const input: Carriage = {
      document,
      node,
      identity: reach.identityOf(node),
      equipment: { builderRoot: equipment.builderRoot, runner: equipment.runner },
      door,
      checkpointHours,
    };
    return { words: [...runner, 'carry-job'], input: JSON.stringify(input) };
  }

  return { door, reach, carriage };
}
