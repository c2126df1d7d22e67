/**
 * Images of aarch64, built on x86_64 from the recipes of which x86_64 images are made: one with apt, one with dnf5. Each of
 * their files is looked at. The first is customized, by a playbook and over SSH, and the result boots.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HOST_ARCHITECTURE } from '../../src/builder/emulation.ts';
import type { InspectionReport } from '../../src/contract/inspections.ts';
import type { Job } from '../../src/contract/jobs.ts';
import { basePlaybook, expectBase } from '../support/base-playbook.ts';
import { bootUntil } from '../support/boot.ts';
import { AARCH64, elfFilesOf, elfFilesOfInitrd } from '../support/elf.ts';
import { fetchArtifact, packagesOf } from '../support/image-objects.ts';
import { logOf } from '../support/jobs.ts';
import { expectNothingLeft } from '../support/kiln.ts';
import { makeAuthority } from '../support/packages.ts';
import { hostMirror } from '../support/recipes.ts';
import { REPORT_UNIT, reportUnit } from '../support/report-unit.ts';
import { openRpmBench, type RpmBench } from '../support/rpm-bench.ts';
import { run } from '../support/run.ts';

/** Where builds and a boot are emulated on a busy machine. */
const PATIENCE_MS = 3_600_000;

const RECIPES = ['debian-barebones', 'rpm-dnf'] as const;
type Recipe = (typeof RECIPES)[number];

const EXPECTED = {
  'debian-barebones': {
    architectures: ['all', 'arm64'],
    packages: ['bash', 'linux-image-arm64', 'dracut-live', 'openssh-server', 'curl'],
    // A plugin of iproute2 whose library Debian only recommends, on every architecture.
    lacks: ['/usr/lib/aarch64-linux-gnu/tc/q_atm.so of the image needs libatm.so.1, which is not there'],
  },
  'rpm-dnf': {
    architectures: ['aarch64', 'noarch'],
    packages: ['bash', 'linux-image-arm64', 'dracut', 'openssh-server', 'kiln-test-hello'],
    lacks: [],
  },
} as const;

/** What has such a name and belongs to the image: its packages and recipe, and the certificate of the platform. */
const OWN =
  /kernel\/drivers\/.*qemu|dracut\/modules\.d\/\d+qemu(-net)?$|rpm\/platform\/(x86_64|amd64)|kiln-(test|platform|base)|kilnos/;

describe.runIf(HOST_ARCHITECTURE === 'x86_64')('on x86_64', () => {
  let bench: RpmBench;
  let mirror: string;
  const images = new Map<Recipe, { job: Job; root: string }>();

  function imageOf(recipe: Recipe): { job: Job; root: string; id: string } {
    const image = images.get(recipe);
    if (image === undefined) {
      throw new Error(`${recipe} was not built`);
    }
    return { ...image, id: image.job.resultant_image_id ?? '' };
  }

  beforeAll(async () => {
    // A build keeps little more than one processor busy.
    bench = await openRpmBench('aarch64', { 'jobs.concurrency': '2' });
    mirror = await hostMirror(bench.service);
    const given = ['--arch', 'aarch64', '--values', `DEBIAN_MIRROR=${mirror}`, '--format', 'json'];
    const installed: { id: string }[] = JSON.parse(
      await bench.kiln('recipes', 'install', 'debian-barebones', ...given),
    );
    const builds = {
      'debian-barebones': bench.buildFrom(installed[0]?.id ?? '', 'debian-barebones'),
      'rpm-dnf': bench.build('rpm-dnf'),
    };
    await Promise.all(
      RECIPES.map(async (recipe) => {
        const job = await builds[recipe];
        images.set(recipe, { job, root: await bench.unpack(job) });
      }),
    );
  }, PATIENCE_MS);
  afterAll(() => bench?.close());

  function expectNothingOfAnotherMachine(files: Map<string, number>, least: number): void {
    expect([...files].filter(([, machine]) => machine !== AARCH64)).toEqual([]);
    expect(files.size).toBeGreaterThan(least);
  }

  async function expectNoTraces(root: string): Promise<void> {
    const names = ['qemu', 'kiln', 'emulate', 'x86?64', 'amd64'].map((word) => `-iname '*${word}*'`);
    const script = `cd "$0"; find proc sys dev run tmp -mindepth 1; find . ${names.join(' -o ')}`;
    const found = (await run('sh', ['-c', script, root])).split('\n');
    expect(found.filter((path) => path !== '' && !OWN.test(path))).toEqual([]);
  }

  describe.each(RECIPES)('an aarch64 image of %s', (recipe) => {
    const { architectures, packages, lacks } = EXPECTED[recipe];

    it('is a record of its architecture, whose manifest has kernel and initrd', async () => {
      const { job, id } = imageOf(recipe);
      const image = await bench.service.client.images.get(id);
      expect([job.arch, image.arch, image.job_id]).toEqual(['aarch64', 'aarch64', job.id]);
      const kernel = join(bench.folder, `kernel-${recipe}`);
      await fetchArtifact(bench.service, id, 'kernel', kernel);
      // The mark of an arm64 Image: Documentation/arch/arm64/booting.rst of Linux.
      expect((await readFile(kernel)).toString('latin1', 56, 60)).toBe('ARM\x64');
    });

    it('has programs, libraries and kernel modules of aarch64 and of no other machine', () => {
      const files = elfFilesOf(imageOf(recipe).root);
      expectNothingOfAnotherMachine(files, 500);
      expect(files.has('usr/bin/bash') && files.has('usr/lib/aarch64-linux-gnu/libc.so.6')).toBe(true);
    });

    it('has an initrd of which the same is true', async () => {
      const initrd = join(bench.folder, `initrd-${recipe}`);
      await fetchArtifact(bench.service, imageOf(recipe).id, 'initrd', initrd);
      expectNothingOfAnotherMachine(await elfFilesOfInitrd(initrd), 100);
    });

    it('was looked at by the build, which found no library missing that its packages require', async () => {
      const { job } = imageOf(recipe);
      const warnings = (await logOf(bench.service, job.id)).flatMap(
        (line) => /warning: (.*(?:which is not there|for another machine).*)$/.exec(line)?.[1] ?? [],
      );
      expect(warnings).toEqual(lacks);
      const note = job.steps.find(({ name }) => name === 'boot-files')?.note;
      expect(note).toMatch(/; \d{3,} programs and libraries for aarch64/);
    });

    it('lists the packages that its recipe names, all of them of aarch64 or of any machine', async () => {
      const listed = await packagesOf(bench.service, imageOf(recipe).id);
      expect([...new Set(listed.map(({ arch }) => arch))].sort()).toEqual(architectures);
      expect(listed.map(({ name }) => name)).toEqual(expect.arrayContaining([...packages]));
    });

    it('has what a plan of its recipe promises', async () => {
      const { job, id } = imageOf(recipe);
      const planned = await bench.kiln('recipes', 'plan', job.artifact_id, '--format', 'json');
      const { plan }: InspectionReport = JSON.parse(planned);
      expect(plan?.difference).toEqual({ image_id: id, added: [], removed: [], changed: [] });
    });

    it('holds nothing of the emulator and of the builder, and left nothing on the host', async () => {
      const { job, root } = imageOf(recipe);
      await expectNoTraces(root);
      await expectNothingLeft(bench.service, job.id);
    });
  });

  describe('customized', () => {
    let job: Job;
    let authority: string;

    beforeAll(async () => {
      authority = (await makeAuthority(join(bench.folder, 'authority'))).ca;
      const list = '/etc/apt/sources.list.d/mirror.list';
      const repository = {
        name: 'tools',
        url: 'https://packages.local/repository/tools',
        distribution: 'stable',
        components: 'main',
      };
      job = await bench.customize(imageOf('debian-barebones').id, {
        changes: [
          {
            kind: 'command',
            name: 'chrony',
            command: `echo 'deb ${mirror} bookworm main' > ${list}
              apt-get update -qq; apt-get install -qq -y --no-install-recommends chrony`,
          },
          basePlaybook('base', repository, authority),
        ],
        shell: { jail: true },
      });
    }, PATIENCE_MS);

    async function say(command: string): Promise<string> {
      const result = await bench.ssh.run(job, `set -e; ${command}`);
      expect(result.exitCode, `${command}\n${result.tail.join('\n')}`).toBe(0);
      return result.stdout;
    }

    it('was given what its system gives it by the playbook base', async () => {
      expect((await logOf(bench.service, job.id)).join('\n')).toMatch(/^(.*: )?base: .*\d changed/m);
    });

    it('has a shell of such a machine, in which apt-get installs a package', async () => {
      expect(await say('uname -m; dpkg --print-architecture; echo "$IMS_ARCH"')).toBe(
        'aarch64\narm64\naarch64\n',
      );
      // The name servers that the playbook has given to the image are those of another network.
      await say(`cp -a /etc/resolv.conf /run/; echo 'nameserver 10.0.2.3' > /etc/resolv.conf
        apt-get install -y hello; cp -a /run/resolv.conf /etc/
        rm /etc/apt/sources.list.d/mirror.list; apt-get clean; rm -r /var/lib/apt/lists/*`);
      expect(await say('hello')).toBe('Hello, world!\n');
      const report = reportUnit('$(uname -nm), $(hello), $(getent hosts registry.local)');
      await say(`cat > /etc/systemd/system/${REPORT_UNIT} <<'END'\n${report}END`);
      await say(`systemctl enable ${REPORT_UNIT}; echo customized-aarch64 > /etc/hostname`);
    });

    it('is an image with all of that, of the same machine', async () => {
      job = await bench.finish(job);
      const root = await bench.unpack(job);
      await expectBase(
        root,
        {
          names: 'resolv.conf',
          chrony: ['etc/chrony/chrony.conf'],
          bundle: 'etc/ssl/certs/ca-certificates.crt',
        },
        authority,
      );
      const files = elfFilesOf(root);
      expectNothingOfAnotherMachine(files, 500);
      expect(files.has('usr/bin/hello') && files.has('usr/sbin/chronyd')).toBe(true);
      const listed = (await packagesOf(bench.service, job.resultant_image_id ?? '')).map(
        ({ name, arch }) => `${name} ${arch}`,
      );
      expect(listed).toEqual(expect.arrayContaining(['chrony arm64', 'hello arm64']));
      await expectNoTraces(root);
      await expectNothingLeft(bench.service, job.id);
    });

    it('boots over the network to its login prompt, and shows what was changed', async () => {
      const machine = { cpus: 2, timeoutSeconds: 1200, arch: 'aarch64' } as const;
      const prompt = 'customized-aarch64 login:';
      const shown = await bootUntil(bench.service, job.resultant_image_id ?? '', prompt, machine);
      expect(shown).toMatch(
        /kiln-test-customized: customized-aarch64 aarch64, Hello, world!, 192\.0\.2\.9 +registry\.local registry/,
      );
    });
  });
});
