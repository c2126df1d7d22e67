/**
 * Images of the SUSE and RHEL families, as a site makes them: packages in a hosted repository of the service, recipes that
 * name it as https://packages.local, built with zypper and with dnf5, looked into, customized, and booted to their login
 * prompt.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InspectionReport } from '../../src/contract/inspections.ts';
import type { Job } from '../../src/contract/jobs.ts';
import { expectNothingLeft, packagesPortOf } from '../support/kiln.ts';
import { openRpmBench, type RpmBench } from '../support/rpm-bench.ts';
import { run } from '../support/run.ts';
import { customized, type RpmFamily } from './customized-rpm-image.ts';

const FAMILIES: readonly RpmFamily[] = [
  {
    recipe: 'rpm-zypper',
    manager: 'zypper --non-interactive',
    clean: 'zypper clean --all',
    repositories: 'etc/zypp/repos.d',
    base: {
      names: 'netconfig',
      chrony: ['etc/chrony.conf', 'etc/chrony.d/pool.conf'],
      bundle: 'var/lib/ca-certificates/ca-bundle.pem',
    },
    effect: ['chronyd -p | grep -E "^(server|pool)"', 'server 192.0.2.123 iburst\nserver time.nmn iburst\n'],
    written: /^var\/(log\/zypp(er.log|\/history)|cache\/zypp|lib\/zypp\/AnonymousUniqueId|tmp\/zypp)/,
  },
  {
    recipe: 'rpm-dnf',
    manager: 'dnf5 --assumeyes',
    clean: 'dnf5 clean all',
    repositories: 'etc/yum.repos.d',
    base: {
      names: 'systemd-resolved',
      chrony: [],
      bundle: 'etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
    },
    effect: [
      'systemd-analyze cat-config systemd/timesyncd.conf systemd/resolved.conf | grep -E "^(NTP|DNS|Domains)="',
      'NTP=192.0.2.123 time.nmn\nDNS=192.0.2.53 192.0.2.54\nDomains=nmn hmn\n',
    ],
    written: /^(var\/(log\/dnf5.log|cache\/libdnf5|lib\/dnf)|usr\/lib\/sysimage\/libdnf5)/,
  },
];

let bench: RpmBench;
beforeAll(async () => {
  bench = await openRpmBench();
});
afterAll(() => bench?.close());

describe.each(FAMILIES.map((family) => [family.recipe, family] as const))(
  'an image of %s',
  (recipe, family) => {
    let job: Job;
    let root: string;
    beforeAll(async () => {
      job = await bench.build(recipe);
      root = await bench.unpack(job);
    });

    it('holds what its recipe names: packages of both phases, users, services, overlay', async () => {
      const names = await run('chroot', [root, 'rpm', '-qa', '--qf', '%{NAME}\n']);
      expect(names.split('\n')).toEqual(
        expect.arrayContaining(['bash', 'systemd', 'linux-image-amd64', 'openssh-server', 'kiln-test-hello']),
      );
      expect(await run('chroot', [root, 'id', 'tester'])).toContain('uid=1000');
      expect(await run('sh', ['-c', 'ls "$0/etc/ssh"', root])).not.toMatch(/ssh_host_.*_key/);
      expect(await run('sh', ['-c', 'cat "$0/etc/hosts" 2>/dev/null || true', root])).not.toContain(
        'packages.local',
      );
      expect(await run('sh', ['-c', 'ls "$0"', root])).not.toMatch(/^image$/m);
      await expectNothingLeft(bench.service, job.id);
    });

    it('has what a plan of its recipe promises, so that the plan of the next build differs in nothing', async () => {
      const planned = await bench.kiln('recipes', 'plan', job.artifact_id, '--format', 'json');
      const { plan }: InspectionReport = JSON.parse(planned);
      expect(plan?.difference).toEqual({
        image_id: job.resultant_image_id,
        added: [],
        removed: [],
        changed: [],
      });
    });

    it('was verified, and says so', () => {
      expect(job.steps.find(({ name }) => name === 'prepare')?.note).not.toContain('not verified');
    });

    it('trusts the platform: its package owns the certificates, and a TLS connection from a chroot succeeds', async () => {
      const owner = await run('chroot', [root, 'rpm', '-qf', '/etc/cray/ca/certificate_authority.crt']);
      expect(owner).toContain('kiln-platform-ca');
      const port = packagesPortOf(bench.service);
      const address = `https://packages.local:${port}/repository/kilnos/repodata/repomd.xml`;
      const resolve = `packages.local:${port}:127.0.0.1`;
      expect(await run('chroot', [root, 'curl', '-sSf', '--resolve', resolve, address])).toContain('<repomd');
    });

    it('has the repository, so that its package manager goes on to use it on the node', async () => {
      const text = await run('sh', ['-c', `cat "$0"/${family.repositories}/*.repo`, root]);
      expect(text).toContain('https://packages.local/repository/kilnos');
      expect(text).not.toMatch(/password|:[^/]*@/);
    });

    customized(family, () => ({ bench, job, root }));
  },
);
