/**
 * The rpm distribution as package managers see it, in a sandbox on the builder root: whole, signed as it says, and
 * laid out as rpm wants it. That images built from it boot is the business of the end-to-end suite.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SandboxResult, Workspace } from '../../src/builder/sandbox.ts';
import { openWorkspace } from '../../src/builder/workspace.ts';
import { GIB } from '../../src/platform/bytes.ts';
import { ensureRpmDistribution, type RpmDistribution } from '../rpm-distribution/index.ts';
import { testBuilderRoot } from '../support/builder-root.ts';

let distribution: RpmDistribution;
let workspace: Workspace;
let folder: string;

beforeAll(async () => {
  distribution = await ensureRpmDistribution();
  folder = await mkdtemp(join(tmpdir(), 'kiln-rpm-test-'));
  workspace = await openWorkspace({
    jobId: `rpm-distribution-test-${process.pid}`,
    folder: join(folder, 'sandbox'),
    builderRoot: (await testBuilderRoot()).path,
    limits: { diskBytes: GIB, memoryBytes: GIB, cpus: 2, pids: 1024 },
    trustedCertificates: [],
  });
});
afterAll(async () => {
  await workspace?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Runs a script in a sandbox that has the distribution as /dist and an empty folder. */
async function shell(script: string): Promise<SandboxResult> {
  await workspace.removeFolder('scratch');
  await workspace.makeFolder('scratch');
  return await workspace.run({
    argv: ['sh', '-euc', script],
    binds: [{ folder: 'scratch', at: '/work/scratch', writable: true }],
    hostBinds: [{ hostPath: distribution.folder, at: '/dist', writable: false }],
    network: 'none',
  });
}

it('is whole: every dependency of the main repository is met inside it', async () => {
  const result = await shell(
    'dnf5 --setopt=reposdir=/none --repofrompath=main,/dist/main --repo=main repoclosure',
  );
  expect(result.exitCode, result.tail.join('\n')).toBe(0);
});

it('has all that was asked for, in both families', async () => {
  const { stdout } = await shell('rpm -qp --nosignature --qf "%{NAME}\\n" /dist/main/*.rpm');
  const names = stdout.trim().split('\n');
  expect(names.length).toBeGreaterThan(200);
  const wanted = [
    'bash',
    'systemd',
    'dracut',
    'openssh-server',
    'zypper',
    'dnf5',
    'dnf',
    'kilnos-release-zypp',
  ];
  expect(names).toEqual(expect.arrayContaining(wanted));
  expect(names).not.toContain('dpkg');
});

it('is signed with its key, but for the packages that are there to be refused', async () => {
  const { stdout, exitCode } = await shell(
    'rpmkeys --import /dist/right-key.asc; rpmkeys -K /dist/main/*.rpm | grep -v "digests signatures OK$" || true; ' +
      'rpmkeys -K /dist/broken/*.rpm || true',
  );
  expect(exitCode).toBe(0);
  expect(stdout.trim().split('\n').sort()).toEqual([
    '/dist/broken/kiln-test-badsig-1.0-1.noarch.rpm: digests SIGNATURES NOT OK',
    '/dist/broken/kiln-test-broken-1.0-1.noarch.rpm: digests signatures OK',
    '/dist/broken/kiln-test-unsigned-1.0-1.noarch.rpm: digests OK',
  ]);
});

it('has metadata that its key signed', async () => {
  const result = await shell(
    'export GNUPGHOME=$(mktemp -d); gpg --quiet --import /dist/right-key.asc; ' +
      'for each in main updates broken; do gpg --verify /dist/$each/repodata/repomd.xml.asc /dist/$each/repodata/repomd.xml; done',
  );
  expect(result.exitCode, result.tail.join('\n')).toBe(0);
});

it('goes through no link, and keeps owners, modes and configuration', async () => {
  const { stdout } = await shell(
    'cd /dist/main; query() { rpm -qp --nosignature "$@"; }; ' +
      'query --qf "[%{FILENAMES}\\n]" $(ls *.rpm | grep -v ^filesystem-) | grep -E "^/(bin|sbin|lib|lib64)(/|$)" || true; ' +
      'query -lv passwd-*.rpm | grep bin/chage; query -c openssh-server-*.rpm | grep sshd_config$',
  );
  const [chage = '', config = '', ...others] = stdout.trim().split('\n');
  expect(others).toEqual([]);
  expect(chage).toMatch(/^-rwxr-sr-x\s+\d+ root\s+shadow\s/);
  expect(config).toBe('/etc/ssh/sshd_config');
});

it('has an update, and a package that nobody can install', async () => {
  const update = await shell('rpm -qp --nosignature --qf "%{NVR}" /dist/updates/*.rpm');
  expect(update.stdout).toBe('kiln-test-hello-2.0-1');
  const install = await shell(
    'dnf5 -y --installroot=/tmp/root --releasever=1 --setopt=reposdir=/none --setopt=gpgcheck=0 ' +
      '--repofrompath=main,/dist/main --repofrompath=broken,/dist/broken install kiln-test-broken',
  );
  expect(install.exitCode).not.toBe(0);
  expect(install.tail.join('\n')).toContain('nothing provides kiln-test-does-not-exist >= 3');
});

it.each([
  ['suse', '/etc/pki/trust/anchors', 'update-ca-certificates', '/var/lib/ca-certificates/ca-bundle.pem'],
  ['rhel', '/etc/pki/ca-trust/source/anchors', 'update-ca-trust extract', '/etc/pki/tls/certs/ca-bundle.crt'],
])(
  'installs with signatures checked, and trusts an anchor the way of %s',
  async (family, anchors, tool, bundle) => {
    const result = await shell(
      'root=/work/scratch/root; dnf5 -y --installroot=$root --releasever=1 --setopt=reposdir=/none ' +
        '--repofrompath=main,/dist/main --setopt=main.gpgcheck=1 --setopt=main.gpgkey=file:///dist/right-key.asc ' +
        `install ca-certificates-${family} basesystem >&2; ` +
        `echo "an anchor" > $root${anchors}/site.crt; PATH=/usr/sbin:/usr/bin chroot $root ${tool}; ` +
        `chroot $root grep -c "^-----BEGIN CERTIFICATE" ${bundle}; chroot $root grep "an anchor" /etc/ssl/certs/ca-certificates.crt; ` +
        'chroot $root stat -c "%G %a" /etc/shadow; chroot $root readlink /bin /usr/bin/sh /usr/bin/awk',
    );
    expect(result.exitCode, result.tail.join('\n')).toBe(0);
    const [certificates, ...others] = result.stdout.trim().split('\n');
    expect(Number(certificates)).toBeGreaterThan(100);
    expect(others).toEqual(['an anchor', 'shadow 640', 'usr/bin', 'dash', 'mawk']);
  },
);
