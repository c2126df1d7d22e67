/**
 * A service with the rpm distribution of the tests in a hosted repository, as a site has its packages: images are built from
 * it, customized over SSH, and unpacked to be looked at.
 */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Job, JobCreate } from '../../src/contract/jobs.ts';
import { PACKAGE_ROOT } from '../../src/platform/package-root.ts';
import { ensureRpmDistribution } from '../rpm-distribution/index.ts';
import { HOST, type Machine } from '../rpm-distribution/package-set.ts';
import { createJob, logOf, untilJob, untilOver } from './jobs.ts';
import { startService, type TestService } from './kiln.ts';
import { register } from './recipes.ts';
import { run } from './run.ts';
import { openSshClient, type SshClient } from './ssh.ts';

export interface RpmBench {
  readonly service: TestService;
  readonly folder: string;
  /** Its private key is `key` in the folder. */
  readonly ssh: SshClient;
  kiln(...words: string[]): Promise<string>;
  /** Of a recipe in test/fixtures. */
  build(recipe: string): Promise<Job>;
  /** Of a recipe that is registered. */
  buildFrom(recipeId: string, name: string): Promise<Job>;
  /** Gives the job once its shell is open. */
  customize(imageId: string, also: Partial<JobCreate>): Promise<Job>;
  finish(job: Job): Promise<Job>;
  /** The root of the image that a job has made. */
  unpack(job: Job): Promise<string>;
  close(): Promise<void>;
}

/** `machine`: which the packages and recipes are for. */
export async function openRpmBench(
  machine: Machine = HOST,
  settings: Record<string, string> = {},
): Promise<RpmBench> {
  const distribution = await ensureRpmDistribution(machine);
  const folder = await mkdtemp(join(tmpdir(), 'kiln-rpm-images-'));
  const service = await startService(settings);
  const kiln = async (...words: string[]) => {
    const result = await service.kiln(words);
    expect(result.exitCode, result.tail.join('\n')).toBe(0);
    return result.stdout;
  };
  const upload = async (name: string, packages: string) => {
    const files = (await readdir(packages)).filter((file) => file.endsWith('.rpm'));
    await kiln('repositories', 'create', name);
    await kiln('repositories', 'upload', name, ...files.map((file) => join(packages, file)));
  };
  await upload('kilnos', distribution.repositories.main);
  await upload('kilnos-updates', distribution.repositories.updates);
  await writeFile(join(folder, 'key.asc'), distribution.publicKey);
  await kiln('signing-keys', 'add', join(folder, 'key.asc'));
  const ssh = await openSshClient(service, folder);
  const patienceMs = machine === HOST ? 1_500_000 : 3_000_000;
  const buildFrom = async (recipeId: string, name: string) => {
    const { id } = await createJob(service, recipeId, { image_root_archive_name: name, build_env_size: 8 });
    return succeeded(id);
  };
  const succeeded = async (id: string): Promise<Job> => {
    const job = await untilOver(service, id, patienceMs);
    const evidence = `${JSON.stringify(job.reason)}\n${(await logOf(service, job.id)).slice(-60).join('\n')}`;
    expect(job.state, evidence).toBe('succeeded');
    return job;
  };

  return {
    service,
    folder,
    ssh,
    kiln,
    async build(recipe) {
      const source = join(PACKAGE_ROOT, 'test', 'fixtures', recipe);
      return buildFrom(await register(service, recipe, source, { ARCH: machine }, machine), recipe);
    },
    buildFrom,
    async customize(imageId, also) {
      const { id } = await service.client.jobs.create({
        job_type: 'customize',
        artifact_id: imageId,
        image_root_archive_name: 'customized',
        public_key_id: ssh.publicKeyId,
        build_env_size: 8,
        ...also,
      });
      return untilJob(
        service,
        id,
        `the shell of job ${id}`,
        ({ shell }) => shell?.state === 'open',
        patienceMs,
      );
    },
    async finish({ id }) {
      await service.client.jobs.finish(id);
      return succeeded(id);
    },
    async unpack(job) {
      const [rootfs] = await service.client.images.artifacts(job.resultant_image_id ?? '');
      const file = join(folder, `${job.id}.squashfs`);
      await writeFile(file, Buffer.from(await (await fetch(rootfs?.download_url ?? '')).arrayBuffer()));
      const root = join(folder, job.id);
      await run('unsquashfs', ['-quiet', '-no-progress', '-dest', root, file]);
      await rm(file);
      return root;
    },
    async close() {
      await service.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
