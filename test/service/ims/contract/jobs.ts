/** Jobs: sections 1.9 and 2 of the contract, and the rows of section 8 about them. */
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { JOB_STATUSES } from '../../../../src/contract/jobs.ts';
import { timestamp } from '../../../../src/platform/clock.ts';
import type { InProcessService } from '../../../support/service.ts';
import { fieldsOf, type Record_, type WireClient } from './client.ts';
import { KERNEL, RECIPE, readyForJobs, uploadImage, uploadManifest, uploadRecipe } from './fixtures.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export function jobContract(client: () => WireClient, service: () => InProcessService): void {
  const moveOn = async (id: string, state: 'starting' | 'running' | 'failed'): Promise<void> => {
    const { jobs } = service().records;
    const job = await jobs.find(id);
    const { sequence, attempt } = job?.snapshot ?? { sequence: 0, attempt: 0 };
    const next = { state, at: timestamp(new Date()), attempt, reason: null, resultantImageId: null };
    expect(await jobs.advance(id, sequence, next)).toBe(true);
  };

  describe.each(['/v3', '/v2', '', '/apis/ims/v3'])('jobs at %s', (base) => {
    const url = `${base}/jobs`;

    test('POST create without debug: no shell, the defaults of the service', async () => {
      const request = await readyForJobs(client());
      const job = await client().make(url, request);
      expect(job).toMatchObject({
        ...request,
        status: 'creating',
        arch: 'x86_64',
        enable_debug: false,
        build_env_size: 60,
        job_mem_size: 8,
        kernel_file_name: 'vmlinuz',
        initrd_file_name: 'initrd',
        kernel_parameters_file_name: 'kernel-parameters',
        require_dkms: true,
        ssh_containers: null,
        resultant_image_id: null,
        remote_build_node: '',
        kubernetes_job: `cray-ims-${job.id}-create`,
        kubernetes_service: `cray-ims-${job.id}-service`,
        kubernetes_configmap: `cray-ims-${job.id}-configmap`,
        kubernetes_pvc: `cray-ims-${job.id}-job-claim`,
        kubernetes_secret: `cray-ims-${job.id}-signing-keys`,
        kubernetes_namespace: 'a-namespace',
      });
      expect((await client().get(`${url}/${job.id}`)).json).toEqual(job);
      expect(await client().list(url)).toEqual([job]);
      expect((await client().get(`${url}/${randomUUID()}`)).status).toBe(404);
    });

    test('POST create with debug: a shell for whoever looks into a failure', async () => {
      const job = await client().make(url, { ...(await readyForJobs(client())), enable_debug: 'on' });
      expect(job['ssh_containers']).toEqual([
        {
          name: 'debug',
          jail: false,
          status: 'pending',
          connection_info: {
            customer_access: { host: `${job.id}.ims.cmn.shasta.local`, port: 22 },
            'cluster.local': { host: `cray-ims-${job.id}-service.a-namespace.svc.cluster.local`, port: 22 },
          },
        },
      ]);
    });

    test('PATCH: what a client says is echoed, any status after any other', async () => {
      const job = await client().make(url, await readyForJobs(client()));
      for (const status of [...JOB_STATUSES, 'creating']) {
        expect((await client().patch(`${url}/${job.id}`, { status })).json).toEqual({ ...job, status });
      }
      const resultant_image_id = randomUUID().toUpperCase();
      const said = { ...job, status: 'creating', resultant_image_id };
      expect((await client().patch(`${url}/${job.id}`, { resultant_image_id })).json).toEqual(said);
      expect((await client().get(`${url}/${job.id}`)).json).toEqual(said);
      await service().restart();
      expect((await client().get(`${url}/${job.id}`)).json).toEqual(said);
    });

    test('DELETE one: whatever it is doing', async () => {
      const request = await readyForJobs(client());
      const queued = await client().make(url, request);
      expect((await client().delete(`${url}/${queued.id}`)).status).toBe(204);
      expect((await client().delete(`${url}/${queued.id}`)).status).toBe(404);
      const running = await client().make(url, request);
      await moveOn(running.id, 'starting');
      await moveOn(running.id, 'running');
      expect((await client().delete(`${url}/${running.id}`)).status).toBe(204);
      for (const method of ['GET', 'DELETE', 'PATCH']) {
        expect((await client().send(method, `${url}/${running.id}`)).status).toBe(404);
      }
      expect(await client().list(url)).toEqual([]);
      expect((await service().records.jobs.find(running.id))?.snapshot.state).toBe('cancelling');
      const over = await client().make(url, request);
      await moveOn(over.id, 'starting');
      await moveOn(over.id, 'failed');
      expect((await client().get(`${url}/${over.id}`)).json).toMatchObject({ status: 'error' });
      expect((await client().delete(`${url}/${over.id}`)).status).toBe(204);
    });
  });

  describe('POST of a create job', () => {
    test('{}, an unknown recipe and an unknown key are a 400', async () => {
      const request = await readyForJobs(client());
      expect((await client().post('/v3/jobs', {})).status).toBe(400);
      expect((await client().post('/v3/jobs', { ...request, artifact_id: randomUUID() })).status).toBe(400);
      expect((await client().post('/v3/jobs', { ...request, public_key_id: randomUUID() })).status).toBe(400);
      expect(await client().list('/v3/jobs')).toEqual([]);
    });

    test('a recipe without link is a 400, one whose archive is gone a 422', async () => {
      const request = await readyForJobs(client());
      const { id } = await client().make('/v3/recipes', RECIPE);
      expect((await client().post('/v3/jobs', { ...request, artifact_id: id })).status).toBe(400);
      const link = await uploadRecipe(client());
      const gone = await client().make('/v3/recipes', { ...RECIPE, link });
      await client().lose(link.path);
      const answer = await client().post('/v3/jobs', { ...request, artifact_id: gone.id });
      expect(answer.status).toBe(422);
    });

    test('it takes no SSH containers of its own', async () => {
      const request = await readyForJobs(client());
      const shell = { name: 'a', jail: true };
      expect((await client().post('/v3/jobs', { ...request, ssh_containers: [shell] })).status).toBe(400);
      expect((await client().post('/v3/jobs', { ...request, ssh_containers: [shell, shell] })).status).toBe(
        400,
      );
      expect(await client().make('/v3/jobs', { ...request, ssh_containers: [] })).toMatchObject({
        ssh_containers: null,
      });
      expect(await client().make('/v3/jobs', { ...request, ssh_containers: null })).toMatchObject({
        ssh_containers: null,
      });
    });

    test.each([
      [
        'nothing that is needed',
        { enable_debug: true },
        ['artifact_id', 'image_root_archive_name', 'job_type', 'public_key_id'],
      ],
      [
        'wrong types',
        { artifact_id: 1, public_key_id: [], image_root_archive_name: 2 },
        ['artifact_id', 'image_root_archive_name', 'public_key_id'],
      ],
      ['malformed ids', { artifact_id: 'x', public_key_id: '' }, ['artifact_id', 'public_key_id']],
      [
        'unknown fields',
        { arch: 'x86_64', status: 'creating', resultant_image_id: null, kubernetes_job: 'x' },
        ['arch', 'kubernetes_job', 'resultant_image_id', 'status'],
      ],
      ['a blank archive name', { image_root_archive_name: '' }, ['image_root_archive_name']],
      ['a blank initrd', { initrd_file_name: '' }, ['initrd_file_name']],
      ['blank parameters', { kernel_parameters_file_name: '' }, ['kernel_parameters_file_name']],
      ['a null kernel', { kernel_file_name: null }, ['kernel_file_name']],
      ['a path for a kernel', { kernel_file_name: '../vmlinuz' }, ['kernel_file_name']],
      ['a bad type', { job_type: 'Create' }, ['job_type']],
      ['sizes of nothing', { build_env_size: 0, job_mem_size: '0' }, ['build_env_size', 'job_mem_size']],
      [
        'sizes that are none',
        { build_env_size: true, job_mem_size: null },
        ['build_env_size', 'job_mem_size'],
      ],
      ['a shell with more', { ssh_containers: [{ name: 'a', port: 1 }] }, ['ssh_containers']],
    ])('%s is a 422 that names it', async (_name, change, fields) => {
      const isBare = 'enable_debug' in change;
      const body = isBare ? change : { ...(await readyForJobs(client())), ...change };
      const answer = await client().post('/v3/jobs', body);
      expect([answer.status, fieldsOf(answer).sort()]).toEqual([422, fields]);
      expect(await client().list('/v3/jobs')).toEqual([]);
    });

    test('kernel names: default, empty, custom; numbers and ids in any dress', async () => {
      const request = await readyForJobs(client());
      const job = async (change: object) => await client().make('/v3/jobs', { ...request, ...change });
      expect(await job({ kernel_file_name: '' })).toMatchObject({ kernel_file_name: 'vmlinuz' });
      expect(await job({ kernel_file_name: 'bzImage-6.4' })).toMatchObject({
        kernel_file_name: 'bzImage-6.4',
      });
      expect(
        await job({
          artifact_id: `{${request.artifact_id.toUpperCase()}}`,
          public_key_id: `urn:uuid:${request.public_key_id.replaceAll('-', '')}`,
          build_env_size: '12',
          job_mem_size: 3.9,
          require_dkms: 'No',
        }),
      ).toMatchObject({ ...request, build_env_size: 12, job_mem_size: 3, require_dkms: false });
    });

    test('modules are compiled as the recipe says, unless the job says otherwise', async () => {
      const request = await readyForJobs(client(), { require_dkms: false });
      expect(await client().make('/v3/jobs', request)).toMatchObject({ require_dkms: false });
      expect(await client().make('/v3/jobs', { ...request, require_dkms: true })).toMatchObject({
        require_dkms: true,
      });
    });

    test('what the engine cannot run is refused with a reason', async () => {
      const packer = await readyForJobs(client(), { recipe_type: 'packer' });
      const answer = await client().post('/v3/jobs', packer);
      expect([answer.status, fieldsOf(answer)]).toEqual([422, ['artifact_id']]);
    });
  });

  describe('POST of a customize job', () => {
    const customize = async (link: object | null, change: object = {}) => {
      const image = await client().make('/v3/images', { name: 'base', link });
      const { public_key_id } = await readyForJobs(client());
      return await client().post('/v3/jobs', {
        job_type: 'customize',
        artifact_id: image.id,
        public_key_id,
        image_root_archive_name: 'customized',
        ...change,
      });
    };
    /** An image is linked while all is well; then its manifest becomes this. */
    const withManifest = async (manifest: unknown) => {
      const { link } = await uploadImage(client());
      const image = await client().make('/v3/images', { name: 'base', link });
      const text = typeof manifest === 'string' ? manifest : JSON.stringify(manifest);
      await client().put(link.path, text);
      const { public_key_id } = await readyForJobs(client());
      const job = {
        job_type: 'customize',
        artifact_id: image.id,
        public_key_id,
        image_root_archive_name: 'c',
      };
      return (await client().post('/v3/jobs', job)).status;
    };

    test('more than one container is a 400, also an unknown image and one without link', async () => {
      const { link } = await uploadImage(client());
      expect((await customize(link, { ssh_containers: [{ name: 'a' }, { name: 'b' }] })).status).toBe(400);
      expect((await customize(null)).status).toBe(400);
      expect((await customize(null, { artifact_id: randomUUID() })).status).toBe(400);
    });

    test('the manifest: too large, of another version, without or with several rootfs are a 400', async () => {
      expect(await withManifest('{}'.padEnd(1_048_576, ' '))).toBe(400);
      expect(await withManifest({ artifacts: [] })).toBe(400);
      expect(await withManifest({ version: '42.0', artifacts: [] })).toBe(400);
      expect(await withManifest({ version: '1.0', artifacts: [] })).toBe(400);
      expect(await withManifest({ version: '1.0', artifacts: [{ type: KERNEL }] })).toBe(400);
      const root = { type: 'application/vnd.cray.image.rootfs.squashfs' };
      expect(await withManifest({ version: '1.0', artifacts: [root] })).toBe(400);
      expect(await withManifest({ version: '1.0', artifacts: [root, root] })).toBe(400);
    });

    test('a manifest that cannot be read or is gone, and a rootfs that is gone, are a 422', async () => {
      expect(await withManifest('{')).toBe(422);
      const link = { path: 's3://boot-images/none', type: 's3' };
      const root = { type: 'application/vnd.cray.image.rootfs.squashfs', link };
      expect(await withManifest({ version: '1.0', artifacts: [root] })).toBe(422);
      const gone = await uploadManifest(client(), {});
      const image = await client().make('/v3/images', { name: 'base', link: gone });
      await client().lose(gone.path);
      const { public_key_id } = await readyForJobs(client());
      const job = {
        job_type: 'customize',
        artifact_id: image.id,
        public_key_id,
        image_root_archive_name: 'c',
      };
      expect((await client().post('/v3/jobs', job)).status).toBe(422);
    });

    test('one that is all right has one shell, of the name and kind that was asked for', async () => {
      const { link } = await uploadImage(client());
      const answer = await customize(link);
      expect(answer.status).toBe(201);
      const job = answer.json as { id: string; ssh_containers: object[] };
      const host = { host: `${job.id}.ims.cmn.shasta.local`, port: 22 };
      expect(job.ssh_containers).toEqual([
        {
          name: 'customize',
          jail: false,
          status: 'pending',
          connection_info: {
            customer_access: host,
            'cluster.local': { host: expect.stringMatching(/^cray-ims-.*-service\./), port: 22 },
          },
        },
      ]);
    });

    test('a jailed one is given back as it was asked for, with all keys of a job', async () => {
      const { link } = await uploadImage(client());
      const answer = await customize(link, { ssh_containers: [{ name: 'cfs', jail: true }] });
      expect(answer.status).toBe(201);
      expect(answer.json).toMatchObject({
        job_type: 'customize',
        status: 'creating',
        require_dkms: true,
        resultant_image_id: null,
        ssh_containers: [{ name: 'cfs', jail: true }],
      });
      expect(Object.keys(answer.json as object)).toHaveLength(24);
    });
  });

  test('PATCH takes a status and an image, and nothing else', async () => {
    const { id } = await client().make('/v3/jobs', await readyForJobs(client()));
    expect((await client().patch(`/v3/jobs/${id}`, {})).status).toBe(400);
    for (const [field, value] of Object.entries({ status: 'done', resultant_image_id: 'x', image_id: id })) {
      const answer = await client().patch(`/v3/jobs/${id}`, { [field]: value });
      expect([answer.status, fieldsOf(answer)]).toEqual([422, [field]]);
    }
    expect((await client().patch(`/v3/jobs/${randomUUID()}`, { status: 'success' })).status).toBe(404);
  });

  test('what the engine does later overrules what a client said', async () => {
    const { id } = await client().make('/v3/jobs', await readyForJobs(client()));
    await client().patch(`/v3/jobs/${id}`, { status: 'success' });
    await moveOn(id, 'starting');
    expect((await client().get(`/v3/jobs/${id}`)).json).toMatchObject({ status: 'creating' });
    await moveOn(id, 'failed');
    expect((await client().get(`/v3/jobs/${id}`)).json).toMatchObject({ status: 'error' });
  });

  describe('DELETE of many jobs', () => {
    /** Two create jobs, a week old: one that failed and one that waits. */
    const aWeekAgo = async (): Promise<{ failed: Record_; waiting: Record_ }> => {
      service().setTime(new Date(Date.now() - 7 * DAY));
      const request = await readyForJobs(client());
      const failed = await client().make('/v3/jobs', request);
      const waiting = await client().make('/v3/jobs', request);
      service().setTime(undefined);
      await moveOn(failed.id, 'starting');
      await moveOn(failed.id, 'failed');
      return { failed, waiting };
    };
    const remaining = async (query: string): Promise<number> => {
      const answer = await client().delete(`/v3/jobs${query}`);
      expect(answer.status, `${query}: ${answer.text}`).toBe(204);
      return (await client().list('/v3/jobs')).length;
    };

    test('without filters: all', async () => {
      await aWeekAgo();
      expect(await remaining('')).toBe(0);
      expect(await remaining('')).toBe(0);
    });

    test.each([
      ['2w', 2],
      ['3d', 0],
      ['3days', 0],
      ['8d', 2],
      ['1W', 0],
      ['1w%201h', 2],
      ['1w1h', 2],
      ['6d%2023h%2059m', 0],
      ['%202w%20', 2],
      ['0m', 0],
      ['167hours', 0],
      ['169h', 2],
      ['10081minutes', 2],
    ])('age=%s leaves %i of two that are a week old', async (age, left) => {
      await aWeekAgo();
      expect(await remaining(`?age=${age}`)).toBe(left);
    });

    test('by status, which may be repeated and written in any case', async () => {
      const { waiting } = await aWeekAgo();
      expect(await remaining('?status=success')).toBe(2);
      expect(await remaining('?status=building_image&status=SUCCESS')).toBe(2);
      expect(await remaining('?status=Error')).toBe(1);
      expect(await client().list('/v3/jobs')).toMatchObject([{ id: waiting.id }]);
      expect(await remaining('?status=error&status=creating')).toBe(0);
    });

    test('by type, of which the first counts', async () => {
      await aWeekAgo();
      expect(await remaining('?job_type=customize')).toBe(2);
      expect(await remaining('?job_type=customize&job_type=create')).toBe(2);
      expect(await remaining('?job_type=create')).toBe(0);
    });

    test('all filters have to fit', async () => {
      await aWeekAgo();
      expect(await remaining('?status=error&age=2w')).toBe(2);
      expect(await remaining('?status=error&job_type=customize')).toBe(2);
      expect(await remaining('?status=error&job_type=create&age=1d')).toBe(1);
    });

    test.each([
      'status=done',
      'status=',
      'status=success,error',
      'status=error&status=x',
      'job_type=Create',
      'job_type=',
      'job_type=x&job_type=create',
      'age=99999999999999999999w',
    ])('?%s is a 400 that deletes nothing', async (query) => {
      await aWeekAgo();
      expect((await client().delete(`/v3/jobs?${query}`)).status).toBe(400);
      expect(await client().list('/v3/jobs')).toHaveLength(2);
    });
  });
}

/** On a service that builds for the other architecture. */
export function aarch64Contract(client: () => WireClient): void {
  test('a job for aarch64: another kernel, and modules are always compiled', async () => {
    const request = await readyForJobs(client(), { arch: 'aarch64', require_dkms: false });
    const expected = { arch: 'aarch64', kernel_file_name: 'Image', require_dkms: true };
    expect(await client().make('/v3/jobs', request)).toMatchObject(expected);
    expect(await client().make('/v3/jobs', { ...request, require_dkms: false })).toMatchObject(expected);
    expect(await client().make('/v3/jobs', { ...request, kernel_file_name: 'vmlinuz' })).toMatchObject({
      kernel_file_name: 'vmlinuz',
    });
  });
}
