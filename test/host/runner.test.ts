/**
 * The second half of the create pipeline over a root made by hand in a real sandbox: trust, boot files, inventory,
 * squash. Builds are the business of the end-to-end suite.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../src/builder/sandbox.ts';
import { openWorkspace } from '../../src/builder/workspace.ts';
import type { JobDocument } from '../../src/contract/runner.ts';
import { GIB, MIB } from '../../src/platform/bytes.ts';
import { mustRun } from '../../src/platform/exec.ts';
import type { Step } from '../../src/runner/step.ts';
import { bootFiles } from '../../src/runner/steps/boot-files.ts';
import { inventory } from '../../src/runner/steps/inventory.ts';
import { squash } from '../../src/runner/steps/squash.ts';
import { trust } from '../../src/runner/steps/trust.ts';
import { unattended } from '../../src/runner/testing/context.ts';
import { testDocument } from '../../src/runner/testing/document.ts';
import { testAuthority } from '../support/authority.ts';
import { testBuilderRoot } from '../support/builder-root.ts';

const LIMITS = {
  disk_bytes: GIB,
  memory_bytes: GIB,
  cpus: 2,
  pids: 1024,
  recipe_bytes: 64 * MIB,
  recipe_entries: 1000,
  log_bytes: MIB,
};

/** A shell, what it needs, and what an image has; nothing in it comes from a package. */
const MAKE_ROOT = `
set -eu
root=/work/build/image-root
mkdir -p $root && cd $root
mkdir -p etc/ssh etc/ssl/certs usr/sbin boot data image proc tmp run var/lib/dpkg/updates var/lib/dpkg/info dev root usr/bin
for file in /bin/sh $(ldd /bin/sh | grep -o '/[^ ]*'); do
  mkdir -p .$(dirname $file)
  cp -L $file .$file
done
printf 'ID=debian\\nPRETTY_NAME="Handmade 1"\\n' > etc/os-release
cat > usr/sbin/update-ca-certificates <<'END'
#!/bin/sh
echo "not the real tool" > /dev/null
for file in /usr/local/share/ca-certificates/*.crt; do
  while read line; do echo "$line"; done < $file
done > /etc/ssl/certs/ca-certificates.crt
END
chmod 755 usr/sbin/update-ca-certificates
echo secret > etc/ssh/ssh_host_rsa_key
echo public > etc/ssh/ssh_host_rsa_key.pub
echo secret > etc/ssh/ssh_host_ed25519_key

kernel() { head -c 510 /dev/zero > $1; printf '\\125\\252\\0\\0HdrS%s' $2 >> $1; }
kernel boot/vmlinuz-6.1.0-9-amd64 nine
kernel boot/vmlinuz-6.1.0-10-amd64 ten
ln -s vmlinuz-6.1.0-9-amd64 boot/vmlinuz
echo initrd-of-nine > boot/initrd.img-6.1.0-9-amd64
echo initrd-of-ten > data/initrd
ln -s /data/initrd boot/initrd.img-6.1.0-10-amd64
echo 'console=ttyS0' > boot/kernel-parameters
ln -s /nowhere boot/vmlinuz-7.0.0

cat > var/lib/dpkg/status <<'END'
Package: zlib
Status: install ok installed
Architecture: amd64
Version: 1:1.3-1

Package: bash
Status: install ok installed
Architecture: amd64
Version: 5.2-1

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0

END
touch image/config.xml .profile .kconfig proc/left tmp/left tmp/.left run/left
install -o 33 -g 33 -m 4755 /dev/null usr/bin/odd
`;

let folder: string;
let workspace: Workspace;
const said: string[] = [];

beforeAll(async () => {
  const builder = await testBuilderRoot();
  folder = await mkdtemp(join(tmpdir(), 'kiln-runner-'));
  workspace = await openWorkspace({
    jobId: `runner-test-${process.pid}`,
    folder: join(folder, 'sandbox'),
    builderRoot: builder.path,
    limits: { diskBytes: LIMITS.disk_bytes, memoryBytes: LIMITS.memory_bytes, cpus: 2, pids: 1024 },
    trustedCertificates: [],
  });
  await workspace.makeFolder('recipe');
  await workspace.makeFolder('build');
  const made = await workspace.run({
    argv: ['sh', '-c', MAKE_ROOT],
    binds: [{ folder: 'build', at: '/work/build', writable: true }],
    network: 'none',
  });
  expect(made.exitCode, made.tail.join('\n')).toBe(0);
});
afterAll(async () => {
  await workspace?.close();
  await rm(folder, { recursive: true, force: true });
});

async function run<Output>(step: Step<undefined, Output>, also: Partial<JobDocument> = {}): Promise<Output> {
  said.length = 0;
  return await step.run(
    {
      document: testDocument({ limits: LIMITS, ...also }),
      workspace,
      signal: new AbortController().signal,
      log: (text) => said.push(text),
      note: (text) => said.push(text),
      progress: () => {},
      ...unattended(testDocument()),
    },
    undefined,
  );
}

/** Writes an archive with empty files of these names, as the kernel reads them. */
const NEWC = `import sys
for name in [*sys.argv[1:], 'TRAILER!!!']:
    head = '070701' + ''.join(f'{n:08x}' for n in (0, 0o100644, 0, 0, 1, 0, 0, 0, 0, 0, 0, len(name) + 1, 0)) + name + chr(0)
    sys.stdout.write(head + chr(0) * (-len(head) % 4))`;

async function inRoot(script: string): Promise<void> {
  const binds = [{ folder: 'build', at: '/work/build', writable: true }];
  const made = await workspace.run({ argv: ['sh', '-euc', script], binds, network: 'none' });
  expect(made.exitCode, made.tail.join('\n')).toBe(0);
}

async function rootFile(path: string): Promise<string> {
  return await readFile(join(workspace.hostPath('build'), 'image-root', path), 'utf8');
}

describe('trust', () => {
  it('adds the certificates with the tool of the image, and removes private host keys', async () => {
    const authority = await testAuthority(join(folder, 'authority'));
    await authority.rotate();
    const trusted = authority.trusted();
    await run(trust, { trusted_certificates: [...trusted], cache: join(folder, 'cache') });

    expect(await rootFile('etc/cray/ca/certificate_authority.crt')).toBe(trusted.join(''));
    const bundle = await rootFile('etc/ssl/certs/ca-certificates.crt');
    expect(trusted.filter((pem) => bundle.includes(pem))).toEqual(trusted);
    expect(await readdir(join(workspace.hostPath('build'), 'image-root', 'etc/ssh'))).toEqual([]);
    expect(said.join('\n')).toMatch(/ssh_host_ed25519_key, ssh_host_rsa_key/);
    expect(said.at(-1)).toMatch(
      /^2 certificates as the package kiln-platform-ca-\d{8}\.\d{6}-[0-9a-f]{12}, added to the bundle of the image$/,
    );
  });
});

describe('boot-files', () => {
  it('takes the newest kernel, its initrd behind a link inside the root, and the parameters', async () => {
    const files = await run(bootFiles);

    expect(files.map((file) => file.name)).toEqual(['kernel', 'initrd', 'boot_parameters']);
    const contents = await Promise.all(files.map((file) => readFile(file.path, 'utf8')));
    expect(contents[0]).toMatch(/HdrSten$/);
    expect(contents.slice(1)).toEqual(['initrd-of-ten\n', 'console=ttyS0\n']);
    await workspace.removeFolder('out');
  });

  it('takes the kernel that is named, and the initrd of the release that its link means', async () => {
    const files = await run(bootFiles, { kernel_file_name: 'vmlinuz', kernel_parameters_file_name: 'none' });

    const contents = await Promise.all(files.map((file) => readFile(file.path, 'utf8')));
    expect(contents[0]).toMatch(/HdrSnine$/);
    expect(contents.slice(1)).toEqual(['initrd-of-nine\n']);
    await workspace.removeFolder('out');
  });

  it.each(['cat', 'gzip', 'xz', 'bzip2', 'zstd'])(
    'knows an initrd of another kernel, packed with %s',
    async (packer) => {
      const commands = (release: string) => `
      cd /work/build/image-root/boot
      head -c 510 /dev/zero > vmlinuz-6.1.0-11-amd64
      printf '\\125\\252\\0\\0HdrSeleven' >> vmlinuz-6.1.0-11-amd64
      python3 -c "${NEWC}" kernel/x86/microcode > initrd
      head -c 512 /dev/zero >> initrd
      python3 -c "${NEWC}" bin/sh usr/lib/modules/${release}/modules.dep | ${packer} >> initrd`;
      await inRoot(commands('6.1.0-10-amd64'));
      await expect(run(bootFiles)).rejects.toThrow(
        'The kernel /boot/vmlinuz-6.1.0-11-amd64 has no initrd: /boot/initrd has the modules of 6.1.0-10-amd64',
      );
      await workspace.removeFolder('out');
      await run(bootFiles, { initrd_file_name: 'initrd' });
      expect(said.join('\n')).toContain('Warning: /boot/initrd has the modules of 6.1.0-10-amd64');
      await workspace.removeFolder('out');
      await inRoot(commands('6.1.0-11-amd64'));
      expect((await run(bootFiles)).map(({ name }) => name)).toContain('initrd');
      await workspace.removeFolder('out');
      await inRoot(
        'rm /work/build/image-root/boot/initrd /work/build/image-root/boot/vmlinuz-6.1.0-11-amd64',
      );
    },
  );

  it.each([
    [{ kernel_file_name: 'vmlinuz-9.9' }, 'no kernel /boot/vmlinuz-9.9'],
    [{ initrd_file_name: 'initrd-9.9' }, 'no initrd /boot/initrd-9.9'],
    [{ kernel_file_name: 'kernel-parameters' }, 'not a kernel for x86_64'],
    [{ arch: 'aarch64', kernel_file_name: 'vmlinuz' } as const, 'not for aarch64'],
  ])('says what is in /boot when asked for %o', async (asked, problem) => {
    const failing = run(bootFiles, asked);

    await expect(failing).rejects.toMatchObject({ code: 'boot-file-not-found' });
    await expect(failing).rejects.toThrow(problem);
    await expect(failing).rejects.toThrow('vmlinuz-6.1.0-10-amd64');
    await workspace.removeFolder('out');
  });
});

describe('inventory and squash', () => {
  it('list the packages that are installed, and squash the root without what Kiwi left', async () => {
    await run(bootFiles);
    expect(await run(inventory)).toBe(3);
    const list = JSON.parse(await readFile(join(workspace.hostPath('out'), 'packages.json'), 'utf8'));
    expect(list).toEqual([
      { name: 'bash', version: '5.2-1', arch: 'amd64' },
      {
        name: 'kiln-platform-ca',
        version: expect.stringMatching(/^\d{8}\.\d{6}-[0-9a-f]{12}$/),
        arch: 'all',
      },
      { name: 'zlib', version: '1:1.3-1', arch: 'amd64' },
    ]);

    const { path } = await run(squash);

    const { stdout } = await mustRun(['unsquashfs', '-lln', path]);
    expect(stdout).toMatch(/^-rwsr-xr-x 33\/33 .*squashfs-root\/usr\/bin\/odd$/m);
    expect(stdout).toMatch(/squashfs-root\/proc$/m);
    expect(stdout).not.toMatch(/left|squashfs-root\/image|\.profile|\.kconfig/);
    expect(stdout).not.toContain('1000000');
    expect(said.at(-1)).toContain('zstd level 1');
  });
});
