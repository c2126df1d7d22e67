import { describe, expect, test } from 'vitest';
import type { BuildNodeCreate, NodeFacts } from '../contract/nodes.ts';
import { NOTHING_KNOWN, nodeOf } from '../features/nodes/store.ts';
import { GIB } from '../platform/bytes.ts';
import { choosePlace, type LocalMachine } from './placement.ts';
import type { StoredJob } from './store.ts';
import { createWorld } from './testing/world.ts';

const FACTS: NodeFacts = {
  arch: 'x86_64',
  machine: 'x86_64',
  system: 'Debian 12',
  kernel: '6.1',
  cpus: 8,
  memory_bytes: 64 * GIB,
  disk_free_bytes: 1_000 * GIB,
};
const HERE: LocalMachine = { arch: 'x86_64', takesJobs: true, emulates: true, free: 1 };

interface Node extends Partial<BuildNodeCreate> {
  readonly facts?: Partial<NodeFacts>;
  readonly state?: 'ready' | 'unable';
  /** Jobs that it runs. */
  readonly runs?: number;
}

/** Where a job goes, with these nodes and this machine. */
async function choice(
  job: {
    arch?: 'x86_64' | 'aarch64';
    node?: string;
    labels?: Record<string, string>;
    kept?: string | null;
    memory?: number;
  },
  nodes: Record<string, Node> = {},
  local: Partial<LocalMachine> = {},
) {
  const world = createWorld();
  const { id } = await world.create({
    node: job.node ?? null,
    node_labels: job.labels ?? {},
    job_mem_size: job.memory ?? 8,
  });
  const queued = world.state.jobs.get(id) as StoredJob;
  for (const [xname, { facts, state = 'ready', runs = 0, ...said }] of Object.entries(nodes)) {
    const node = nodeOf({ xname, ...said });
    world.state.nodes.set(xname, {
      node,
      knowledge: { ...NOTHING_KNOWN, state, facts: { ...FACTS, ...facts } },
    });
    for (let number = 0; number < runs; number += 1) {
      const other = `${xname}-${number}`;
      world.state.jobs.set(other, {
        ...queued,
        request: { ...queued.request, id: other },
        snapshot: { ...queued.snapshot, state: 'running' },
        place: xname,
      });
    }
  }
  const resumed =
    job.kept === undefined
      ? {}
      : {
          retry: { ...queued.retry, of: id, resume: { stage: 'root', changes: 0 } as const, place: job.kept },
        };
  const asked = { ...queued, ...resumed, request: { ...queued.request, arch: job.arch ?? 'x86_64' } };
  return await choosePlace(world.service.records, asked, { ...HERE, ...local });
}
const at = (place: string | null) => ({ kind: 'place', place });

describe('a job of this architecture', () => {
  test('runs here without nodes, and waits for this machine when it is busy', async () => {
    expect(await choice({})).toEqual(at(null));
    expect(await choice({}, {}, { free: 0 })).toMatchObject({ kind: 'wait' });
  });

  test('goes to the machine with the most room', async () => {
    const nodes = {
      small: { capacity: { jobs: 2, memory_gib: null, disk_gib: null } },
      large: { capacity: { jobs: 9, memory_gib: null, disk_gib: null } },
    };
    expect(await choice({}, nodes)).toEqual(at('large'));
    expect(
      await choice({}, { ...nodes, large: { ...nodes.large, runs: 8, facts: { memory_bytes: 512 * GIB } } }),
    ).toEqual(at('small'));
    expect(await choice({}, { small: { ...nodes.small, runs: 1 } })).toEqual(at(null));
  });

  test('goes only to nodes that are ready, not drained, and have the memory that is not promised to others', async () => {
    expect(await choice({}, { one: { state: 'unable' } }, { takesJobs: false })).toMatchObject({
      kind: 'wait',
    });
    expect(await choice({}, { one: { drained: true } })).toEqual(at(null));
    const memory = { facts: { memory_bytes: 20 * GIB } };
    expect(await choice({}, { one: { ...memory } }, { free: 0 })).toEqual(at('one'));
    expect(await choice({}, { one: { ...memory, runs: 2 } }, { free: 0 })).toMatchObject({ kind: 'wait' });
    expect(await choice({ memory: 40 }, { one: memory }, { takesJobs: false })).toMatchObject({
      kind: 'never',
    });
  });
});

describe('a job of another architecture', () => {
  const arm = { facts: { arch: 'aarch64' as const } };

  test('is emulated here only where no machine of its own is ready', async () => {
    expect(await choice({ arch: 'aarch64' })).toEqual(at(null));
    expect(await choice({ arch: 'aarch64' }, { arm })).toEqual(at('arm'));
    expect(await choice({ arch: 'aarch64' }, { arm: { ...arm, state: 'unable' } })).toEqual(at(null));
    expect(await choice({ arch: 'aarch64' }, { intel: {} })).toEqual(at(null));
  });

  test('waits for a machine of its own that is busy, rather than to be emulated', async () => {
    expect(await choice({ arch: 'aarch64' }, { arm: { ...arm, runs: 2 } })).toMatchObject({ kind: 'wait' });
  });

  test('ends where nothing emulates and nothing is of its own', async () => {
    expect(await choice({ arch: 'aarch64' }, { intel: {} }, { emulates: false })).toMatchObject({
      kind: 'never',
    });
    const away = { arm: { ...arm, state: 'unable' as const } };
    expect(await choice({ arch: 'aarch64' }, away, { emulates: false })).toEqual({
      kind: 'wait',
      why: 'arm: not ready',
    });
  });
});

describe('a job that asks for nodes', () => {
  test('goes to the one that it names, or one with its labels, and nowhere else', async () => {
    const nodes = { one: { labels: { pool: 'a' } }, two: { labels: { pool: 'b', rack: '7' } } };
    expect(await choice({ node: 'two' }, nodes)).toEqual(at('two'));
    expect(await choice({ labels: { pool: 'b', rack: '7' } }, nodes)).toEqual(at('two'));
    expect(await choice({ labels: { pool: 'c' } }, nodes)).toMatchObject({
      kind: 'never',
      why: 'no build node is {"pool":"c"}',
    });
    expect(await choice({ node: 'two' }, { two: { state: 'unable' } })).toMatchObject({ kind: 'wait' });
    expect(await choice({ node: 'two', arch: 'aarch64' }, nodes)).toMatchObject({
      kind: 'never',
      why: 'two: not for aarch64',
    });
    expect(await choice({ node: 'two', memory: 500 }, nodes)).toMatchObject({ kind: 'never' });
  });
});

describe('a job that goes on with what was kept', () => {
  test('runs where that is', async () => {
    expect(await choice({ kept: null }, { one: {} })).toEqual(at(null));
    expect(await choice({ kept: 'one' }, { one: {}, two: {} })).toEqual(at('one'));
    expect(await choice({ kept: 'one' }, { one: { state: 'unable' }, two: {} })).toMatchObject({
      kind: 'wait',
    });
    expect(await choice({ kept: 'one' }, { two: {} })).toMatchObject({ kind: 'never' });
  });
});
