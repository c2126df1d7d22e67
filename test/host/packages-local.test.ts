/**
 * Builds from `https://packages.local/repository/NAME`, which the service serves itself with a certificate of its own
 * authority: what a site's recipes say. What comes out is looked at inside the squashfs.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createJob, logOf, untilOver } from '../support/jobs.ts';
import { packagesPortOf, startService, type TestService } from '../support/kiln.ts';
import { askPackages, makeAuthority, makePackages } from '../support/packages.ts';
import { run } from '../support/run.ts';
import { makeTinyRpm, registerTinyRpm, TINY_RPM } from '../support/tiny-rpm.ts';

let service: TestService;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-packages-local-'));
  service = await startService();
  await writeFile(join(folder, TINY_RPM), await makeTinyRpm());
  await kiln('repositories', 'create', 'tiny');
  await kiln('repositories', 'upload', 'tiny', join(folder, TINY_RPM));
  const lonely = await makePackages(folder, [
    { name: 'lonely', version: '1.0', requires: 'nobody-has-this' },
  ]);
  for (const [name, data] of lonely) {
    await writeFile(join(folder, name), data);
    await kiln('repositories', 'create', 'unsolvable');
    await kiln('repositories', 'upload', 'unsolvable', join(folder, TINY_RPM), join(folder, name));
  }
});
afterAll(async () => {
  await service?.close();
  await rm(folder, { recursive: true, force: true });
});

async function kiln(...words: string[]): Promise<string> {
  const result = await service.kiln(words);
  expect(result.exitCode, result.tail.join('\n')).toBe(0);
  return result.stdout;
}

/** The published root, unpacked. */
async function rootOf(imageId: string): Promise<string> {
  const [rootfs] = await service.client.images.artifacts(imageId);
  const file = join(folder, `${imageId}.squashfs`);
  await writeFile(file, Buffer.from(await (await fetch(rootfs?.download_url ?? '')).arrayBuffer()));
  const root = join(folder, imageId);
  await run('unsquashfs', ['-quiet', '-no-progress', '-dest', root, file]);
  return root;
}

describe('a recipe from packages.local', () => {
  it.each([
    ['zypper', 'etc/zypp/repos.d'],
    ['dnf5', 'etc/yum.repos.d'],
    ['dnf4', 'etc/yum.repos.d'],
  ] as const)('is built with %s, and the image knows repository and certificate', async (manager, repos) => {
    const url = 'https://packages.local/repository/tiny';
    const recipe = await registerTinyRpm(service, { manager, url });
    const job = await untilOver(service, (await createJob(service, recipe)).id);
    expect(job.reason, (await logOf(service, job.id)).slice(-40).join('\n')).toBeNull();
    const root = await rootOf(job.resultant_image_id ?? '');
    const repositories = await run('sh', ['-c', `cat "$0"/${repos}/*.repo`, root]);
    expect(repositories).toContain(
      `baseurl = ${url}`.replaceAll(' ', repositories.includes('baseurl=') ? '' : ' '),
    );
    expect(await run('cat', [join(root, 'etc/cray/ca/certificate_authority.crt')])).toContain(
      'BEGIN CERTIFICATE',
    );
    // What was laid over the root for the build is gone.
    expect(await run('sh', ['-c', 'cat "$0/etc/hosts" 2>/dev/null || echo none', root])).not.toContain(
      'packages.local',
    );
  });

  it.each(['zypper', 'dnf5', 'dnf4'] as const)(
    'that cannot be solved ends with the words of the solver of %s',
    async (manager) => {
      const url = 'https://packages.local/repository/unsolvable';
      const recipe = await registerTinyRpm(service, { manager, url, packages: ['lonely'] });
      const job = await untilOver(service, (await createJob(service, recipe)).id);
      expect(job.reason?.code, (await logOf(service, job.id)).slice(-40).join('\n')).toBe(
        'dependency-unsolvable',
      );
      expect(job.reason?.detail).toMatch(
        /nothing provides '?nobody-has-this'? needed by (?:the to be installed )?lonely/,
      );
    },
  );

  it('goes on while the upstream of a proxy is away, and says so; with nothing kept it says why', async () => {
    const upstream = await upstreamOf('tiny');
    await kiln(
      'repositories',
      'create',
      'warm',
      '--kind',
      'proxy',
      '--upstream',
      upstream.url,
      '--refresh-seconds',
      '0',
    );
    await kiln('repositories', 'create', 'cold', '--kind', 'proxy', '--upstream', upstream.url);
    const url = 'https://packages.local/repository/warm';
    const recipe = await registerTinyRpm(service, { manager: 'zypper', url });
    const before = await untilOver(service, (await createJob(service, recipe)).id);
    expect(before.state, (await logOf(service, before.id)).slice(-40).join('\n')).toBe('succeeded');
    await upstream.close();

    const after = await untilOver(service, (await createJob(service, recipe)).id);
    expect(after.state, (await logOf(service, after.id)).slice(-40).join('\n')).toBe('succeeded');
    expect((await logOf(service, after.id)).join('\n')).toMatch(
      /upstream of "warm" cannot be asked .*refuses connections/,
    );

    const cold = await registerTinyRpm(service, { manager: 'zypper', url: url.replace('warm', 'cold') });
    await untilLoggedThenCancel((await createJob(service, cold)).id, 'it refuses connections');
  });

  it('says which repository it is when there is none of that name', async () => {
    const url = 'https://packages.local/repository/missing';
    const recipe = await registerTinyRpm(service, { manager: 'zypper', url });
    const job = await service.client.jobs.create({
      job_type: 'create',
      artifact_id: recipe,
      image_root_archive_name: 'never',
      build_env_size: 1,
    });
    await untilLoggedThenCancel(job.id, 'there is no repository "missing"');
  });
});

describe('a server certificate of an authority of the site', () => {
  it('is trusted as package managers do, also when the authority was made without a key usage', async () => {
    const authority = await makeAuthority(join(folder, 'site'));
    const { cert, key } = await authority.issue(['packages.local']);
    const files = {
      cert: join(folder, 'site.crt'),
      key: join(folder, 'site.key'),
      ca: join(folder, 'site-ca.pem'),
    };
    await writeFile(files.cert, cert);
    await writeFile(files.key, key, { mode: 0o600 });
    await writeFile(files.ca, authority.ca);
    const site = await startService({
      'packages.certificate_file': files.cert,
      'packages.key_file': files.key,
      'trust.ca_file': files.ca,
      'repositories.wait_seconds': '5',
    });
    try {
      for (const words of [
        ['repositories', 'create', 'tiny'],
        ['repositories', 'upload', 'tiny', join(folder, TINY_RPM)],
      ]) {
        const result = await site.kiln(words);
        expect(result.exitCode, result.tail.join('\n')).toBe(0);
      }
      const url = 'https://packages.local/repository/tiny';
      const recipe = await registerTinyRpm(site, { manager: 'zypper', url });
      const job = await untilOver(site, (await createJob(site, recipe)).id);
      expect(job.state, (await logOf(site, job.id)).slice(-40).join('\n')).toBe('succeeded');
    } finally {
      await site.close();
    }
  });
});

/** What the service says of a repository, as the content of another server. */
async function upstreamOf(repository: string) {
  const ca = await kiln('authority', 'export');
  const port = packagesPortOf(service);
  const fetchOne = async (path: string) =>
    (await askPackages({ port, ca }, `/repository/${repository}/${path}`)).body;
  const content = new Map<string, Buffer>();
  const repomd = await fetchOne('repodata/repomd.xml');
  content.set('/repodata/repomd.xml', repomd);
  for (const [, href = ''] of repomd.toString().matchAll(/href="([^"]+)"/g)) {
    content.set(`/${href}`, await fetchOne(href));
  }
  content.set(`/Packages/${TINY_RPM}`, await fetchOne(`Packages/${TINY_RPM}`));
  const server = createServer((request, response) => {
    const body = content.get(request.url ?? '');
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function untilLoggedThenCancel(id: string, text: string): Promise<void> {
  const { untilLogged } = await import('../support/jobs.ts');
  await untilLogged(service, id, text);
  await service.client.jobs.cancel(id);
  await untilOver(service, id);
}
