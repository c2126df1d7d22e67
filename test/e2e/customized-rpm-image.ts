/**
 * The tests of customizing an rpm image, of which rpm-images.test.ts has one for each family: the playbook `base` and a jailed
 * shell make a second image of it, a shell beside the image a third one, and that boots.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ImageArtifact } from '../../src/contract/images.ts';
import type { Job } from '../../src/contract/jobs.ts';
import { runCommand } from '../../src/platform/exec.ts';
import { playOverSsh } from '../support/ansible.ts';
import {
  type BaseLayout,
  baseTwice,
  expectBase,
  expectSecondRunToChangeNothing,
} from '../support/base-playbook.ts';
import { bootUntil } from '../support/boot.ts';
import { differencesOf } from '../support/differences.ts';
import { logOf } from '../support/jobs.ts';
import { expectNothingLeft } from '../support/kiln.ts';
import { makeAuthority } from '../support/packages.ts';
import { hostMirror } from '../support/recipes.ts';
import { REPORT_UNIT, reportUnit } from '../support/report-unit.ts';
import type { RpmBench } from '../support/rpm-bench.ts';
import { run } from '../support/run.ts';

export interface RpmFamily {
  readonly recipe: string;
  /** The package manager, as it is called without questions. */
  readonly manager: string;
  readonly clean: string;
  readonly repositories: string;
  readonly base: BaseLayout;
  /** What the image's own programs make of the configuration of name and time servers: a command, and what it says. */
  readonly effect: readonly [command: string, says: string];
  /** What the package manager writes, besides the packages. */
  readonly written: RegExp;
}

const AT = '/mnt/image/image-root';
const HELLO = 'https://packages.local/repository/kilnos/repodata/repomd.xml';
const NAME_SERVERS =
  '$(cat /run/systemd/resolve/resolv.conf /etc/resolv.conf 2>/dev/null | grep -m1 nameserver)';
const REPORT = reportUnit(`$(uname -n), $(kiln-test-hello), $(getent hosts registry.local), ${NAME_SERVERS}`);
const UPDATES = { name: 'kilnos-updates', url: 'https://packages.local/repository/kilnos-updates' };

/** In the image, by Ansible over SSH: a file, a line, and a unit that is not to start any more. */
const PLAY = (root: string) => `
- hosts: all
  gather_facts: true
  tasks:
    - copy: { content: "{{ ansible_facts.python.executable }} ${root}\\n", dest: "${root}/etc/ansible", mode: "0640" }
    - lineinfile: { path: "${root}/etc/issue", line: by Ansible }
`;
const PLAY_JAILED = `${PLAY('')}
    - systemd_service: { name: systemd-networkd-wait-online.service, enabled: false }
    - command: rpm -q kiln-test-hello
      changed_when: false
`;

/** What the playbook and the commands of the shell say that they change. */
const CHANGED = [
  'boot/initrd-',
  'etc/(hosts|hostname|ansible|issue)$',
  'etc/dracut.conf.d/20-test.conf$',
  'etc/systemd/system/([a-z-]+.target.wants/)?kiln-test-customized.service$',
  'etc/systemd/system/network-online.target.wants(/systemd-networkd-wait-online.service)?$',
  'etc/(zypp/repos.d|yum.repos.d)/kilnos-updates.repo$',
  'etc/(chrony.conf|chrony.d/pool.conf|sysconfig/network/config)$',
  'etc/systemd/(resolved|timesyncd).conf.d(/kiln-base.conf)?$',
  // Ansible makes that wherever it is a client.
  'root/.ansible',
  'srv/(scp|sftp|rsync)',
  'usr/bin/kiln-test-hello$',
  // The authority of the playbook, and that of the platform, whose package is removed.
  '.*/anchors/kiln-(base|platform-[0-9a-f]+).crt$',
  'etc/cray',
  'var/lib/ca-certificates/ca-bundle.pem$',
  'etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem$',
  '(var/lib|usr/lib/sysimage)/rpm/',
].map((path) => new RegExp(`^${path}`));

export function customized(
  family: RpmFamily,
  plain: () => { bench: RpmBench; job: Job; root: string },
): void {
  describe('customized', () => {
    let bench: RpmBench;
    let authority: string;
    /** The job whose shell is jailed, and what it leaves. */
    let job: Job;
    let root: string;
    /** Of the initrd that dracut makes in the shell. */
    let initrd: string;
    /** The last image. */
    let final: Job;

    beforeAll(async () => {
      bench = plain().bench;
      authority = (await makeAuthority(join(bench.folder, `authority-${family.recipe}`))).ca;
      job = await bench.customize(plain().job.resultant_image_id ?? '', {
        changes: baseTwice(UPDATES, authority),
        shell: { jail: true },
      });
    });

    /** Standard output of a command in a shell: the jailed one, unless another is named. */
    async function say(command: string, shell = job): Promise<string> {
      const result = await bench.ssh.run(shell, `set -e; ${command}`);
      expect(result.exitCode, `${command}\n${result.tail.join('\n')}`).toBe(0);
      return result.stdout;
    }
    const target = async () => ({
      port: String(job.shell?.port),
      options: await bench.ssh.options(job),
      at: `root@${job.shell?.host}`,
    });
    const mustBe = async (argv: readonly string[]) => {
      const result = await runCommand([...argv]);
      expect(result.exitCode, `${argv[0]}: ${result.tail.join('\n')}`).toBe(0);
      return result.stdout;
    };
    const artifactsOf = async ({ resultant_image_id }: Job) =>
      new Map(
        (await bench.service.client.images.artifacts(resultant_image_id ?? '')).map(
          (each): [string, ImageArtifact] => [each.path.split('/').at(-1) ?? '', each],
        ),
      );

    it('has what its system gives it from the playbook base, which changes nothing a second time', async () => {
      expectSecondRunToChangeNothing((await logOf(bench.service, job.id)).join('\n'));
      const [command, says] = family.effect;
      expect(await say(command)).toBe(says);
      const repository = await say(`cat /${family.repositories}/kilnos-updates.repo`);
      expect(repository).toContain(`baseurl=${UPDATES.url}\n`);
    });

    it('has names, devices and terminals in its shell', async () => {
      const mirror = new URL(await hostMirror(bench.service)).hostname;
      expect(await say('cat /etc/resolv.conf')).toBe('nameserver 10.0.2.3\n');
      expect(await say(`getent hosts ${mirror} | wc -l`)).toBe('1\n');
      expect(await say('getent hosts packages.local')).toMatch(/^127\.0\.0\.2 /);
      await say('test -r /proc/self/status; test -w /sys; echo gone > /dev/null; mkdir /run/mine; mktemp');
      const { port, options, at } = await target();
      const terminal = await mustBe(['ssh', '-tt', '-p', port, ...options, at, 'tty; stat -c %t "$(tty)"']);
      expect(terminal).toMatch(/^\/dev\/pts\/\d+\r\n88\r\n$/);
    });

    it('gets packages from packages.local, of the repositories that it has, and loses others', async () => {
      await say(`${family.manager} install less`);
      expect(await say(`${family.manager} update kiln-test-hello`)).toContain('kilnos-updates');
      await say(`${family.manager} remove iputils-ping`);
      expect(await say('less --version | head -1; kiln-test-hello')).toMatch(/^less \d+.*\nhello 2\.0\n$/);
      expect(await say('rpm -q iputils-ping || true')).toContain('not installed');
      expect(await say(`curl -sS ${HELLO}`)).toContain('<repomd');
      await say(`rpm -e kiln-platform-ca; ${family.clean}`);
    });

    it('takes files with scp, sftp and rsync, a unit among them, which it enables', async () => {
      const folder = join(bench.folder, `sent-${family.recipe}`);
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, REPORT_UNIT), REPORT);
      await writeFile(join(folder, 'batch'), `put -r ${folder} /srv/sftp\n`);
      const { port, options, at } = await target();
      const shell = ['ssh', '-p', port, ...options].map((word) => `'${word}'`).join(' ');
      await mustBe(['scp', '-O', '-P', port, ...options, join(folder, REPORT_UNIT), `${at}:/srv/scp`]);
      await mustBe(['sftp', '-P', port, ...options, '-b', join(folder, 'batch'), at]);
      await mustBe(['rsync', '-a', '-e', shell, `${folder}/`, `${at}:/srv/rsync`]);
      const unit = `/etc/systemd/system/${REPORT_UNIT}`;
      await mustBe(['scp', '-P', port, ...options, join(folder, REPORT_UNIT), `${at}:${unit}`]);
      expect(
        await say(
          `cd /srv; sha256sum scp sftp/*.service rsync/*.service ${unit} | cut -c1-64 | uniq | wc -l`,
        ),
      ).toBe('1\n');
      await say(`systemctl enable ${REPORT_UNIT}`);
      expect(await say(`systemctl is-enabled ${REPORT_UNIT}`)).toBe('enabled\n');
    });

    it('gets a new initrd from dracut', async () => {
      await say(`echo customized-${family.recipe} > /etc/hostname
        echo 'install_items+=" /usr/bin/kiln-test-hello "' > /etc/dracut.conf.d/20-test.conf
        cd /usr/lib/modules; for each in *; do dracut --force --kver "$each" "/boot/initrd-$each"; done`);
      expect(await say('lsinitrd /boot/initrd-*')).toContain('usr/bin/kiln-test-hello');
      initrd = (await say('sha256sum /boot/initrd-*')).slice(0, 64);
    });

    it('is worked in by Ansible, with the Python that it has', async () => {
      const played = await playOverSsh(bench.folder, job, PLAY_JAILED);
      expect(played.exitCode, played.tail.join('\n')).toBe(0);
      expect(played.stdout).toMatch(/ok=5 +changed=3/);
    });

    it('is an image with these changes and no others', async () => {
      job = await bench.finish(job);
      root = await bench.unpack(job);
      const { root: before } = plain();
      const filesOf = async (from: string, name: string) =>
        (await run('chroot', [from, 'rpm', '-ql', name])).split('\n').map((path) => path.slice(1));
      const packages = new Set([
        ...(await filesOf(root, 'less')),
        ...(await filesOf(before, 'iputils-ping')),
      ]);
      const differences = await differencesOf(before, root);
      const others = differences.filter(
        (path) => ![...CHANGED, family.written].some((each) => each.test(path)) && !packages.has(path),
      );
      expect(others).toEqual([]);
      for (const path of [
        'etc/hostname',
        `etc/systemd/system/${REPORT_UNIT}`,
        'usr/bin/less',
        'etc/ansible',
      ]) {
        expect(differences).toContain(path);
      }
      expect(await readFile(join(root, 'etc/ansible'), 'utf8')).toMatch(/^\/usr\/bin\/python3[.\d]* \n$/);

      await expectBase(root, family.base, authority);
      const names = (await run('chroot', [root, 'rpm', '-qa', '--qf', '%{NAME} %{VERSION}\n'])).split('\n');
      expect(names).toContain('kiln-test-hello 2.0');
      expect(names.filter((name) => /^(iputils-ping|kiln-platform-ca) /.test(name))).toEqual([]);
      const wanted = `etc/systemd/system/multi-user.target.wants/${REPORT_UNIT}`;
      expect(await run('readlink', [join(root, wanted)])).toBe(`/etc/systemd/system/${REPORT_UNIT}\n`);
      expect(await run('sh', ['-c', 'cd "$0"; find proc sys dev run tmp -mindepth 1', root])).toBe('');
      const [now, then] = await Promise.all([artifactsOf(job), artifactsOf(plain().job)]);
      expect(now.get('initrd')?.sha256).toBe(initrd);
      expect(now.get('kernel')?.sha256).toBe(then.get('kernel')?.sha256);
      await expectNothingLeft(bench.service, job.id);
    });

    it('is customized again beside the image, which is lent the certificates that it lacks', async () => {
      const bundle = join(root, family.base.bundle);
      const before = await readFile(bundle, 'utf8');
      const platform = (await bench.kiln('authority', 'export')).trim();
      expect(before).not.toContain(platform);
      const beside = await bench.customize(job.resultant_image_id ?? '', { shell: { jail: false } });
      expect(await say(`chroot ${AT} curl -sS ${HELLO}`, beside)).toContain('<repomd');
      await say(`touch ${AT}/${family.base.bundle} ${AT}/etc/hosts`, beside);
      const played = await playOverSsh(bench.folder, beside, PLAY(AT));
      expect(played.exitCode, played.tail.join('\n')).toBe(0);

      final = await bench.finish(beside);
      const after = await bench.unpack(final);
      const differences = await differencesOf(root, after);
      // The other is of the rpm that was run in the unpacked image.
      expect(differences).toEqual(['etc/ansible', expect.stringMatching(/rpm\/rpmdb.sqlite-shm$/)]);
      expect(await readFile(join(after, family.base.bundle), 'utf8')).toBe(before);
    });

    it('boots over the network to its login prompt, and shows what was changed', async () => {
      const prompt = `customized-${family.recipe} login:`;
      // Two emulated processors now and then run a half-patched instruction of this kernel: see docs/rpm-fixture.md.
      const machine = { cpus: 1, timeoutSeconds: 1200 };
      const shown = await bootUntil(bench.service, final.resultant_image_id ?? '', prompt, machine);
      expect(shown).toMatch(
        new RegExp(
          `kiln-test-customized: customized-${family.recipe}, hello 2.0, 192.0.2.9 +registry.local registry, nameserver 192.0.2.53`,
        ),
      );
    });
  });
}
