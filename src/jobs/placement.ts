/**
 * Where a job runs: on the machine of the service, or on a build node. Decided inside the transaction that claims the job, over
 * the records alone: what nodes are and have was found out before, and what is promised to jobs is what those that run may use.
 */
import type { Architecture } from '../contract/common.ts';
import type { BuildNode } from '../contract/nodes.ts';
import { type Amount, fits, type Need, NOTHING, reservedBy, roomOf } from '../features/nodes/capacity.ts';
import type { JobRecords } from '../ports/records.ts';
import type { StoredJob } from './store.ts';

export interface LocalMachine {
  readonly arch: Architecture;
  /** Whether it takes jobs at all. */
  readonly takesJobs: boolean;
  /** Whether it runs jobs for other architectures, by emulation. */
  readonly emulates: boolean;
  /** How many more jobs of this kind it takes now. */
  readonly free: number;
}

export type Choice =
  /** The name of a build node; null for the machine of the service. */
  | { readonly kind: 'place'; readonly place: string | null }
  | { readonly kind: 'wait'; readonly why: string }
  /** No machine that is known could ever run it. */
  | { readonly kind: 'never'; readonly why: string };

interface Candidate {
  readonly place: string | null;
  readonly free: number;
}

interface KnownNode {
  readonly node: BuildNode;
  /** What it has with nothing running; nothing when it is not ready. */
  readonly whole: Amount;
  readonly room: Amount;
  readonly arch: Architecture | null;
}

/**
 * A machine of the job's own architecture, the one with the most room; when they are all busy it waits for one of them. Only
 * where no such machine is ready, the job is emulated by the service's own.
 */
export async function choosePlace(
  records: Pick<JobRecords, 'jobs' | 'nodes'>,
  job: StoredJob,
  local: LocalMachine,
): Promise<Choice> {
  const { request, retry } = job;
  const need: Need = { memory_gib: request.job_mem_size, disk_gib: request.build_env_size };
  const nodes = await knownNodes(records, job);
  if (retry.resume !== null) {
    return whereItWasKept(retry.place, nodes, need, local);
  }
  const isAsked = request.node !== null || Object.keys(request.node_labels).length > 0;
  const wanted = nodes.filter(({ node }) => isWanted(node, request));
  const native = wanted.filter(({ arch, whole }) => arch === request.arch && fits(whole, need));
  const candidates: Candidate[] = native
    .filter(({ room }) => fits(room, need))
    .map(({ node, room }) => ({ place: node.xname, free: room.jobs }));
  const isNativeHere = local.takesJobs && !isAsked && local.arch === request.arch;
  if (isNativeHere && local.free > 0) {
    candidates.unshift({ place: null, free: local.free });
  }
  const [best] = candidates.sort((a, b) => b.free - a.free);
  if (best !== undefined) {
    return { kind: 'place', place: best.place };
  }
  if (native.length > 0 || isNativeHere) {
    return { kind: 'wait', why: `every machine for ${request.arch} is busy` };
  }
  if (isAsked) {
    return withoutNode(wanted, request, need);
  }
  return emulated(request.arch, nodes, local);
}

function emulated(arch: Architecture, nodes: readonly KnownNode[], local: LocalMachine): Choice {
  if (!local.takesJobs || !local.emulates || local.arch === arch) {
    const away = nodes
      .filter((each) => each.arch === arch && each.whole.jobs === 0)
      .map(({ node }) => node.xname);
    if (away.length > 0) {
      return { kind: 'wait', why: `${away.join(', ')}: not ready` };
    }
    return {
      kind: 'never',
      why: `no build node for ${arch} is ready, and this machine does not run such jobs`,
    };
  }
  return local.free > 0
    ? { kind: 'place', place: null }
    : { kind: 'wait', why: `this machine, which emulates ${arch}, is busy` };
}

/** Nodes that are asked for and not ready now may be so later; without one the job would wait for ever. */
function withoutNode(wanted: readonly KnownNode[], request: StoredJob['request'], need: Need): Choice {
  const asked = request.node ?? JSON.stringify(request.node_labels);
  if (wanted.length === 0) {
    return { kind: 'never', why: `no build node is ${asked}` };
  }
  const names = wanted.map(({ node }) => node.xname).join(', ');
  const isOther = wanted.every(({ arch }) => arch !== null && arch !== request.arch);
  const isSmall = wanted.every(({ whole }) => whole.jobs > 0 && !fits(whole, need));
  if (isOther || isSmall) {
    const why = isOther
      ? `not for ${request.arch}`
      : `too small for ${need.memory_gib} GiB of memory and ${need.disk_gib} GiB of disk`;
    return { kind: 'never', why: `${names}: ${why}` };
  }
  return { kind: 'wait', why: `${names}: not ready` };
}

/** Its work is on that machine, and nowhere else. */
function whereItWasKept(
  place: string | null,
  nodes: readonly KnownNode[],
  need: Need,
  local: LocalMachine,
): Choice {
  if (place === null) {
    return local.free > 0 ? { kind: 'place', place } : { kind: 'wait', why: 'this machine is busy' };
  }
  const found = nodes.find(({ node }) => node.xname === place);
  if (found === undefined) {
    return { kind: 'never', why: `what is kept of its work is on ${place}, which is no build node any more` };
  }
  return fits(found.room, need) ? { kind: 'place', place } : { kind: 'wait', why: `${place}: not ready` };
}

function isWanted(node: BuildNode, request: Pick<StoredJob['request'], 'node' | 'node_labels'>): boolean {
  const labelled = Object.entries(request.node_labels).every(([name, value]) => node.labels[name] === value);
  return labelled && (request.node === null || request.node === node.xname);
}

async function knownNodes(records: Pick<JobRecords, 'jobs' | 'nodes'>, job: StoredJob): Promise<KnownNode[]> {
  const nodes = await records.nodes.list();
  if (nodes.length === 0) {
    return [];
  }
  const active = (await records.jobs.inStates(['starting', 'running', 'cancelling'])).filter(
    ({ request }) => request.id !== job.request.id,
  );
  return await Promise.all(
    nodes.map(async (node) => {
      const { state, facts } = await records.nodes.knowledge(node.xname);
      const isReady = state === 'ready' && !node.drained;
      const running = active.filter(({ place }) => place === node.xname);
      const reserved = reservedBy(
        running.map(({ request }) => ({
          memory_gib: request.job_mem_size,
          disk_gib: request.build_env_size,
        })),
      );
      return {
        node,
        arch: facts?.arch ?? null,
        whole: isReady ? roomOf(node, facts, NOTHING) : NOTHING,
        room: isReady ? roomOf(node, facts, reserved) : NOTHING,
      };
    }),
  );
}
