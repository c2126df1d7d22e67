/** What jobs may use of a build node, what is promised to those that run on it, and what is left. */
import type { BuildNode, BuildNodeStatus, NodeFacts } from '../../contract/nodes.ts';
import { GIB } from '../../platform/bytes.ts';

export type Amount = BuildNodeStatus['room'];

/** What a job may use. */
export interface Need {
  readonly memory_gib: number;
  readonly disk_gib: number;
}

export const NOTHING: Amount = { jobs: 0, memory_gib: 0, disk_gib: 0 };
const CPUS_OF_A_JOB = 4;
/** Share of the memory that stays with the node itself. */
const OWN_MEMORY = 0.1;

export function reservedBy(needs: readonly Need[]): Amount {
  const sum = (field: keyof Need) => needs.reduce((total, need) => total + need[field], 0);
  return { jobs: needs.length, memory_gib: sum('memory_gib'), disk_gib: sum('disk_gib') };
}

/**
 * What is left for more jobs. Disks of jobs take their space only as they fill, so what is free now is shared with those that
 * run: they may still want all that they were promised.
 */
export function roomOf(
  { capacity }: Pick<BuildNode, 'capacity'>,
  facts: NodeFacts | null,
  reserved: Amount,
): Amount {
  if (facts === null) {
    return NOTHING;
  }
  const jobs = capacity.jobs ?? Math.max(1, Math.floor(facts.cpus / CPUS_OF_A_JOB));
  const memory = capacity.memory_gib ?? Math.floor((facts.memory_bytes * (1 - OWN_MEMORY)) / GIB);
  const disk = capacity.disk_gib ?? Math.floor(facts.disk_free_bytes / GIB);
  return {
    jobs: Math.max(0, jobs - reserved.jobs),
    memory_gib: Math.max(0, memory - reserved.memory_gib),
    disk_gib: Math.max(0, disk - reserved.disk_gib),
  };
}

export function fits(room: Amount, need: Need): boolean {
  return room.jobs >= 1 && room.memory_gib >= need.memory_gib && room.disk_gib >= need.disk_gib;
}
