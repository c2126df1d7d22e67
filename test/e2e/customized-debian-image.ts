/**
 * The tests of customizing the Debian image that create-image.test.ts builds: packages of a mirror and of a repository of the
 * service, the playbook `base`, a unit, an initrd and a name for the host, in changes and a jailed shell; the result boots.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Job } from '../../src/contract/jobs.ts';
import { runCommand } from '../../src/platform/exec.ts';
import { baseTwice, expectBase, expectSecondRunToChangeNothing } from '../support/base-playbook.ts';
import { bootUntil } from '../support/boot.ts';
import { logOf, untilJob, untilOver } from '../support/jobs.ts';
import { expectNothingLeft, packagesPortOf, type RunningService } from '../support/kiln.ts';
import { askPackages, makeAuthority, makePackages } from '../support/packages.ts';
import { hostMirror } from '../support/recipes.ts';
import { REPORT_UNIT, reportUnit } from '../support/report-unit.ts';
import { run } from '../support/run.ts';
import { openSshClient, type SshClient } from '../support/ssh.ts';

const REPORT = reportUnit(
  '$(uname -n), $(cat /usr/share/kiln-test-tool/version), $(getent hosts registry.local), $(grep -m1 nameserver /etc/resolv.conf)',
);

export interface DebianImage {
  readonly service: RunningService;
  readonly folder: string;
  readonly job: Job;
}

export function customizedDebian(plain: () => DebianImage): void {
  describe('customized', () => {
    let service: RunningService;
    let ssh: SshClient;
    let authority: string;
    let job: Job;
    let initrd: string;

    beforeAll(async () => {
      const { folder, job: built } = plain();
      service = plain().service;
      ssh = await openSshClient(service, folder);
      authority = (await makeAuthority(join(folder, 'authority'))).ca;
      const signed_by = await publishTool(folder);
      const mirror = await hostMirror(service);
      const list = '/etc/apt/sources.list.d/mirror.list';
      const { id } = await service.client.jobs.create({
        job_type: 'customize',
        artifact_id: built.resultant_image_id ?? '',
        image_root_archive_name: 'customized',
        public_key_id: ssh.publicKeyId,
        build_env_size: 6,
        changes: [
          {
            kind: 'command',
            name: 'chrony',
            command: `echo 'deb ${mirror} bookworm main' > ${list}
              apt-get update -qq; apt-get install -qq -y --no-install-recommends chrony; rm ${list}`,
          },
          ...baseTwice(
            {
              name: 'tools',
              url: 'https://packages.local/repository/tools',
              distribution: 'stable',
              components: 'main',
              signed_by,
            },
            authority,
          ),
        ],
        shell: { jail: true },
      });
      const isOpen = ({ shell }: Job) => shell?.state === 'open';
      job = await untilJob(service, id, `the shell of job ${id}`, isOpen);
    });

    /** A package in a repository of the service; gives the key that its metadata is signed with. */
    async function publishTool(folder: string): Promise<string> {
      const [[name, data] = ['', Buffer.of()]] = await makePackages(folder, [
        { name: 'kiln-test-tool', version: '1.0', format: 'apt' },
      ]);
      await writeFile(join(folder, name), data);
      const tools = ['tools', '--package-format', 'apt', '--distribution', 'stable'];
      for (const words of [
        ['create', ...tools],
        ['upload', 'tools', join(folder, name)],
      ]) {
        const done = await service.kiln(['repositories', ...words]);
        expect(done.exitCode, done.tail.join('\n')).toBe(0);
      }
      const ca = (await service.kiln(['authority', 'export'])).stdout;
      return (
        await askPackages({ port: packagesPortOf(service), ca }, '/repository/tools/key.asc')
      ).body.toString();
    }

    async function say(command: string): Promise<string> {
      const result = await ssh.run(job, `set -e; ${command}`);
      expect(result.exitCode, `${command}\n${result.tail.join('\n')}`).toBe(0);
      return result.stdout;
    }

    it('has what its system gives it from the playbook base, which changes nothing a second time', async () => {
      expectSecondRunToChangeNothing((await logOf(service, job.id)).join('\n'));
      expect(await say('chronyd -p | grep -E "^(server|pool)"')).toBe(
        'server 192.0.2.123 iburst\nserver time.nmn iburst\n',
      );
    });

    it('gets a package from packages.local with apt-get, an enabled unit, and an initrd of dracut', async () => {
      await say(
        'apt-get update; apt-get install -y kiln-test-tool; apt-get clean; rm -r /var/lib/apt/lists/*',
      );
      await writeFile(join(plain().folder, REPORT_UNIT), REPORT);
      const sent = await runCommand([
        ...['scp', '-P', String(job.shell?.port), ...(await ssh.options(job))],
        ...[join(plain().folder, REPORT_UNIT), `root@${job.shell?.host}:/etc/systemd/system/`],
      ]);
      expect(sent.exitCode, sent.tail.join('\n')).toBe(0);
      await say(`systemctl enable ${REPORT_UNIT}; echo customized-debian > /etc/hostname`);
      await say(`echo 'install_items+=" /usr/share/kiln-test-tool/version "' > /etc/dracut.conf.d/20-test.conf
        cd /usr/lib/modules; for each in *; do dracut --force --kver "$each" "/boot/initrd.img-$each"; done`);
      expect(await say('lsinitrd /boot/initrd.img-*')).toContain('usr/share/kiln-test-tool/version');
      initrd = (await say('sha256sum /boot/initrd.img-*')).slice(0, 64);
    });

    it('is an image with all of that, and nothing of what was lent', async () => {
      await say('touch /tmp/complete');
      job = await untilOver(service, job.id);
      expect(
        job.state,
        `${JSON.stringify(job.reason)}\n${(await logOf(service, job.id)).slice(-40).join('\n')}`,
      ).toBe('succeeded');
      const artifacts = await service.client.images.artifacts(job.resultant_image_id ?? '');
      const of = (name: string) => artifacts.find(({ path }) => path.endsWith(`/${name}`));
      const file = join(plain().folder, 'customized.squashfs');
      const root = join(plain().folder, 'customized');
      await writeFile(file, Buffer.from(await (await fetch(of('rootfs')?.download_url ?? '')).arrayBuffer()));
      await run('unsquashfs', ['-quiet', '-no-progress', '-dest', root, file]);

      const layout = {
        names: 'resolv.conf',
        chrony: ['etc/chrony/chrony.conf'],
        bundle: 'etc/ssl/certs/ca-certificates.crt',
      } as const;
      await expectBase(root, layout, authority);
      expect(await readFile(join(root, 'etc/apt/sources.list.d/tools.sources'), 'utf8')).toContain(
        'URIs: https://packages.local/repository/tools\nSuites: stable\nComponents: main\nSigned-By:\n -----BEGIN PGP',
      );
      expect(await run('chroot', [root, 'dpkg', '-l', 'kiln-test-tool', 'chrony'])).toMatch(/^ii .*\nii /m);
      const wanted = `etc/systemd/system/multi-user.target.wants/${REPORT_UNIT}`;
      expect(await run('readlink', [join(root, wanted)])).toBe(`/etc/systemd/system/${REPORT_UNIT}\n`);
      expect(await run('sh', ['-c', 'cd "$0"; find proc sys dev run tmp -mindepth 1', root])).toBe('');
      expect(of('initrd')?.sha256).toBe(initrd);
      await expectNothingLeft(service, job.id);
    });

    it('boots over the network to its login prompt, and shows what was changed', async () => {
      const machine = { cpus: 2, timeoutSeconds: 1200 };
      const shown = await bootUntil(
        service,
        job.resultant_image_id ?? '',
        'customized-debian login:',
        machine,
      );
      expect(shown).toMatch(
        /kiln-test-customized: customized-debian, 1\.0, 192\.0\.2\.9 +registry\.local registry, nameserver 192\.0\.2\.53/,
      );
    });
  });
}
