/**
 * Records in memory, for the tests of this room only. As faithful as they need it: one writer at a time, a
 * transaction is undone when it throws, and `advance` is compare-and-set.
 */
import type { Image } from '../../contract/images.ts';
import type { InspectionReport } from '../../contract/inspections.ts';
import type { LogLine } from '../../contract/jobs.ts';
import type { BuildNode, NodeKnowledge } from '../../contract/nodes.ts';
import type { PublicKey } from '../../contract/public-keys.ts';
import type { Recipe } from '../../contract/recipes.ts';
import { NOTHING_KNOWN } from '../../features/nodes/store.ts';
import type { CleanupEntry } from '../../ports/cleanup.ts';
import type { JobRecords } from '../../ports/records.ts';
import { isOver } from '../states.ts';
import type { JobSnapshot, JobStore, StoredJob } from '../store.ts';

export interface MemoryState {
  recipes: Map<string, Recipe>;
  images: Map<string, Image>;
  publicKeys: Map<string, PublicKey>;
  jobs: Map<string, StoredJob>;
  snapshots: Map<string, JobSnapshot[]>;
  logs: Map<string, LogLine[]>;
  reports: Map<string, InspectionReport>;
  secrets: Map<string, string>;
  nodes: Map<string, { node: BuildNode; knowledge: NodeKnowledge }>;
  cleanup: Map<string, CleanupEntry>;
}

export function emptyState(): MemoryState {
  return {
    recipes: new Map(),
    images: new Map(),
    publicKeys: new Map(),
    jobs: new Map(),
    snapshots: new Map(),
    logs: new Map(),
    reports: new Map(),
    secrets: new Map(),
    nodes: new Map(),
    cleanup: new Map(),
  };
}

/** Several of them may share a state, as replicas share a database. */
export function memoryRecords(state: MemoryState = emptyState()): JobRecords {
  const lock = mutex();
  const direct = directRecords(state);
  return {
    recipes: guarded(direct.recipes, lock),
    images: guarded(direct.images, lock),
    publicKeys: guarded(direct.publicKeys, lock),
    signingKeys: direct.signingKeys,
    nodes: direct.nodes,
    jobs: guarded(direct.jobs, lock),
    cleanup: guarded(direct.cleanup, lock),
    transaction: (work) =>
      lock(async () => {
        const before = structuredClone(state);
        try {
          return await work(direct);
        } catch (error) {
          Object.assign(state, before);
          throw error;
        }
      }),
  };
}

type Lock = <T>(work: () => Promise<T>) => Promise<T>;

function mutex(): Lock {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work);
    last = next.catch(() => {});
    return next;
  };
}

/** The same store, with each of its functions waiting for the lock. */
function guarded<T extends object>(store: T, lock: Lock): T {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (...args: unknown[]) => lock(async () => value(...args)) : value;
    },
  });
}

function nounStore<T extends { id: string }>(map: () => Map<string, T>) {
  return {
    list: async () => [...map().values()],
    find: async (id: string) => map().get(id),
    async insert(record: T) {
      if (map().has(record.id)) {
        throw new Error(`${record.id} is there already`);
      }
      map().set(record.id, record);
    },
    async update(record: T) {
      return map().has(record.id) && map().set(record.id, record) !== undefined;
    },
    delete: async (id: string) => map().delete(id),
  };
}

function directRecords(state: MemoryState): JobRecords {
  const byLink =
    <T extends { link: { path: string } | null }>(map: () => Map<string, T>) =>
    async (path: string) =>
      [...map().values()].find((record) => record.link?.path === path);
  return {
    signingKeys: { list: async () => [] },
    nodes: {
      list: async () => [...state.nodes.values()].map(({ node }) => node),
      find: async (xname) => state.nodes.get(xname)?.node,
      knowledge: async (xname) => state.nodes.get(xname)?.knowledge ?? NOTHING_KNOWN,
    },
    recipes: { ...nounStore(() => state.recipes), findByLinkPath: byLink(() => state.recipes) },
    images: { ...nounStore(() => state.images), findByLinkPath: byLink(() => state.images) },
    publicKeys: nounStore(() => state.publicKeys),
    jobs: jobStore(state),
    cleanup: {
      async insert(entry) {
        state.cleanup.set(entry.id, entry);
      },
      due: async () => [...state.cleanup.values()].filter((entry) => entry.jobId === null),
      async releaseByJob(jobId) {
        for (const entry of state.cleanup.values()) {
          if (entry.jobId === jobId) {
            state.cleanup.set(entry.id, { ...entry, jobId: null });
          }
        }
      },
      async releaseByOwnersLike(prefix) {
        for (const entry of state.cleanup.values()) {
          if (entry.jobId?.startsWith(prefix)) {
            state.cleanup.set(entry.id, { ...entry, jobId: null });
          }
        }
      },
      async forgetByJob(jobId) {
        for (const entry of [...state.cleanup.values()]) {
          if (entry.jobId === jobId) {
            state.cleanup.delete(entry.id);
          }
        }
      },
      async delete(id) {
        state.cleanup.delete(id);
      },
    },
    transaction: () => Promise.reject(new Error('transactions are not to be nested')),
  };
}

function jobStore(state: MemoryState): JobStore {
  const change = (id: string, changes: Partial<StoredJob>) => {
    const job = state.jobs.get(id);
    if (job !== undefined) {
      state.jobs.set(id, { ...job, ...changes });
    }
  };
  return {
    list: async () => [...state.jobs.values()],
    find: async (id) => state.jobs.get(id),
    async insert(job) {
      state.jobs.set(job.request.id, job);
      state.snapshots.set(job.request.id, [job.snapshot]);
      state.logs.set(job.request.id, []);
    },
    async advance(id, expected, next, also = {}) {
      const job = state.jobs.get(id);
      if (job?.snapshot.sequence !== expected) {
        return false;
      }
      const snapshot = { ...next, sequence: expected + 1 };
      state.snapshots.get(id)?.push(snapshot);
      if (isOver(next.state)) {
        state.secrets.delete(id);
      }
      change(id, {
        snapshot,
        started: job.started ?? (next.state === 'starting' ? next.at : null),
        finished: isOver(next.state) ? next.at : null,
        ...also,
      });
      return true;
    },
    setExecution: async (id, execution) => change(id, { execution }),
    setHeartbeat: async (id, heartbeat) => change(id, { heartbeat }),
    setSteps: async (id, steps) => change(id, { steps }),
    setWire: async (id, wire) => change(id, { wire }),
    setShell: async (id, shell) => change(id, { shell }),
    setRetry: async (id, retry) => change(id, { retry }),
    async setSecrets(id, sealed) {
      state.secrets.set(id, sealed);
    },
    secrets: async (id) => state.secrets.get(id),
    async appendLog(id, lines) {
      const stored = state.logs.get(id) ?? [];
      const fresh = lines.filter((line) => line.line > stored.length);
      state.logs.set(id, [...stored, ...fresh]);
      change(id, { logLines: stored.length + fresh.length });
    },
    readLog: async (id, after, limit) => (state.logs.get(id) ?? []).slice(after, after + limit),
    async setReport(id, report) {
      state.reports.set(id, report);
    },
    report: async (id) => state.reports.get(id),
    snapshots: async (id) => [...(state.snapshots.get(id) ?? [])],
    async delete(id) {
      state.snapshots.delete(id);
      state.logs.delete(id);
      state.reports.delete(id);
      state.secrets.delete(id);
      return state.jobs.delete(id);
    },
    inStates: async (states) => [...state.jobs.values()].filter((job) => states.includes(job.snapshot.state)),
  };
}
