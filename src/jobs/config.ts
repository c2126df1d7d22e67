/** The settings that matter to jobs, as the engine wants them. */
import { availableParallelism } from 'node:os';
import { GIB, MIB } from '../platform/bytes.ts';
import type { Settings } from '../platform/options.ts';
import type { StoredJob } from './store.ts';

export interface JobsConfig {
  /** How many jobs run at the same time. */
  readonly concurrency: number;
  /** Whether the machine of the service runs jobs, other than inspections. */
  readonly local: boolean;
  /** Whether it runs those for other architectures. */
  readonly emulates: boolean;
  /** How many inspections run besides. */
  readonly inspections: number;
  /** How many customize jobs run besides. */
  readonly customizations: number;
  readonly heartbeatSeconds: number;
  readonly graceSeconds: number;
  readonly urlSeconds: number;
  /** Folder of packages and layers that jobs share. */
  readonly cacheFolder: string;
  readonly cpus: number;
  readonly pids: number;
  readonly logBytes: number;
  readonly recipeBytes: number;
  readonly recipeEntries: number;
  readonly repositoryWaitSeconds: number;
  readonly squashfsZstdLevel: number;
  /** Seconds per step, `default` for the others. */
  readonly deadlines: Readonly<Record<string, number>>;
  readonly shells: {
    readonly listen: string;
    /** What clients connect to. */
    readonly host: string;
    readonly firstPort: number;
    readonly lastPort: number;
    readonly idleSeconds: number;
    readonly totalSeconds: number;
  };
  readonly imageCacheBytes: number;
  /** Limits of a job that names none, in GiB. */
  readonly defaults: { readonly diskGib: number; readonly memoryGib: number };
}

export function jobsConfigOf(settings: Settings): JobsConfig {
  const defaultSeconds = settings['deadlines.default_seconds'];
  return {
    concurrency: settings['jobs.concurrency'],
    local: settings['jobs.local'] === 'yes',
    emulates: settings['jobs.emulation'] === 'yes',
    inspections: settings['jobs.inspections'],
    customizations: settings['jobs.customizations'],
    heartbeatSeconds: settings['jobs.heartbeat_seconds'],
    graceSeconds: settings['jobs.grace_seconds'],
    urlSeconds: settings['artifacts.url_seconds'],
    cacheFolder: settings['cache.folder'],
    cpus: settings['jobs.cpus'] === 0 ? availableParallelism() : settings['jobs.cpus'],
    pids: settings['jobs.pids'],
    logBytes: settings['jobs.log_mib'] * MIB,
    recipeBytes: settings['recipe.max_mib'] * MIB,
    recipeEntries: settings['recipe.max_entries'],
    repositoryWaitSeconds: settings['repositories.wait_seconds'],
    squashfsZstdLevel: settings['squashfs.zstd_level'],
    deadlines: {
      default: defaultSeconds,
      // Waiting is what this step is for: its deadline only guards against more than that.
      repositories: defaultSeconds + settings['repositories.wait_seconds'],
      // A shell has limits of its own, which can be extended; timers of Node.js end at 24 days.
      shell: 2_000_000,
      apply: settings['deadlines.apply_seconds'],
      prepare: settings['deadlines.prepare_seconds'],
      squash: settings['deadlines.squash_seconds'],
      publish: settings['deadlines.publish_seconds'],
    },
    shells: {
      listen: settings['shells.listen'],
      host: settings['shells.host'] === '' ? settings['shells.listen'] : settings['shells.host'],
      firstPort: settings['shells.first_port'],
      lastPort: settings['shells.last_port'],
      idleSeconds: settings['shells.idle_minutes'] * 60,
      totalSeconds: settings['shells.total_minutes'] * 60,
    },
    imageCacheBytes: settings['cache.images_gib'] * GIB,
    defaults: { diskGib: settings['jobs.env_size_gib'], memoryGib: settings['jobs.mem_size_gib'] },
  };
}

/** The limits that the sandbox of this job has. */
export function limitsOf(config: JobsConfig, job: StoredJob) {
  return {
    disk_bytes: job.request.build_env_size * GIB,
    memory_bytes: job.request.job_mem_size * GIB,
    cpus: config.cpus,
    pids: config.pids,
    recipe_bytes: config.recipeBytes,
    recipe_entries: config.recipeEntries,
    log_bytes: config.logBytes,
  };
}
