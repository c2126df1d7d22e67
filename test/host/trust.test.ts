/**
 * The certificates of the platform in images of the rpm families: roots that the builder's rpm makes of tiny packages,
 * with a stand-in for the tool of the family. Who owns the files, what a change of roots leaves, and a TLS connection
 * from a chroot of the image. A Debian image that Kiwi builds is the business of the end-to-end suite.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Workspace } from '../../src/builder/sandbox.ts';
import { openWorkspace } from '../../src/builder/workspace.ts';
import type { Authority } from '../../src/packages/authority/index.ts';
import { GIB } from '../../src/platform/bytes.ts';
import { trust } from '../../src/runner/steps/trust.ts';
import { unattended } from '../../src/runner/testing/context.ts';
import { testDocument } from '../../src/runner/testing/document.ts';
import { startTlsServer, testAuthority } from '../support/authority.ts';
import { testBuilderRoot } from '../support/builder-root.ts';
import { connectFrom } from '../support/tls-client.ts';

const PLATFORM_FILE = '/etc/cray/ca/certificate_authority.crt';

interface Family {
  readonly release: string;
  readonly tool: string;
  readonly anchors: string;
  readonly database: string;
  /** Programs that the image has besides. */
  readonly programs: string;
}

const SUSE: Family = {
  release: 'ID=example-linux\\nID_LIKE="suse opensuse"\\nPRETTY_NAME="Example SUSE 15"',
  tool: 'update-ca-certificates',
  anchors: '/etc/pki/trust/anchors',
  database: '/usr/lib/sysimage/rpm',
  programs: '',
};
const RHEL: Family = {
  release: 'ID=rocky\\nID_LIKE="rhel centos fedora"\\nPRETTY_NAME="Example RHEL 9"',
  tool: 'update-ca-trust',
  anchors: '/etc/pki/ca-trust/source/anchors',
  database: '/var/lib/rpm',
  programs: '',
};

/** Two packages, one with os-release and one with the tool, and a few programs that no package owns. */
const makeRoot = ({ release, tool, anchors, database, programs }: Family) => `
set -eu
root=/work/build/image-root
mkdir -p $root /tmp/p && cd /tmp/p
package() {
  cat > $1.spec <<END
Name: $1
Version: 1
Release: 1
Summary: x
License: x
BuildArch: noarch
AutoReqProv: no
%description
x
%install
cp -a /tmp/p/$1/. %{buildroot}/
%files
$2
END
  rpmbuild -bb --quiet --define '_topdir /tmp/p/out' --define '_rpmformat 4' $1.spec
}
mkdir -p release/etc tools/usr/sbin
printf '${release}\\n' > release/etc/os-release
printf '#!/bin/sh\\ncat ${anchors}/*.crt > /etc/bundle.pem\\n' > tools/usr/sbin/${tool}
chmod 755 tools/usr/sbin/${tool}
package release /etc/os-release
package tools /usr/sbin/${tool}
rpm --root $root --dbpath ${database} -i --nosignature out/RPMS/noarch/*.rpm
cd $root
mkdir -p etc/rpm usr/lib dev proc tmp
for file in /bin/sh /bin/cat /usr/bin/openssl ${programs}; do
  for each in $file $(ldd $file | grep -o '/[^ ]*'); do
    mkdir -p .$(dirname $each)
    cp -L $each .$each
  done
done
cp -a /usr/lib/rpm usr/lib/
echo '%_dbpath ${database}' > etc/rpm/macros
`;

let folder: string;
let workspace: Workspace;
let authority: Authority;
let builder: { path: string; digest: string };
let serial = 0;
const said: string[] = [];

beforeEach(async () => {
  builder = await testBuilderRoot();
  folder = await mkdtemp(join(tmpdir(), 'kiln-trust-'));
  serial += 1;
  authority = await testAuthority(join(folder, 'authority'));
  workspace = await openWorkspace({
    jobId: `trust-test-${process.pid}-${serial}`,
    folder: join(folder, 'sandbox'),
    builderRoot: builder.path,
    limits: { diskBytes: GIB, memoryBytes: GIB, cpus: 2, pids: 1024 },
    trustedCertificates: [],
  });
  await workspace.makeFolder('recipe');
  await workspace.makeFolder('build');
});
afterEach(async () => {
  authority.close();
  await workspace?.close();
  await rm(folder, { recursive: true, force: true });
});

async function sandboxed(...argv: string[]): Promise<string> {
  const binds = [{ folder: 'build', at: '/work/build', writable: true }];
  const result = await workspace.run({ argv, binds, network: 'none' });
  expect(result.exitCode, result.tail.join('\n')).toBe(0);
  return result.stdout.trim();
}

const make = (family: Family) => sandboxed('sh', '-c', makeRoot(family));
const query = ({ database }: Family, ...words: string[]) =>
  sandboxed('rpm', '--root', '/work/build/image-root', '--dbpath', database, '-q', ...words);

async function addTrust(): Promise<void> {
  said.length = 0;
  await trust.run(
    {
      document: testDocument({
        trusted_certificates: [...authority.trusted()],
        cache: join(folder, 'cache'),
        builder_root: builder,
      }),
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

const imageRoot = () => join(workspace.hostPath('build'), 'image-root');
const inImage = (path: string) => readFile(join(imageRoot(), path), 'utf8');
const anchorsOf = ({ anchors }: Family) => readdir(join(imageRoot(), anchors));
const connect = (port: number) => connectFrom(imageRoot(), port, ['-CAfile', '/etc/bundle.pem']);

describe.each<[string, Family]>([
  ['a SUSE image', { ...SUSE, programs: '/usr/bin/rpm' }],
  ['a SUSE image without rpm', SUSE],
  ['a RHEL image', { ...RHEL, programs: '/usr/bin/rpm' }],
  ['a RHEL image without rpm', RHEL],
])('%s', (_name, family) => {
  it('owns the certificates, and trusts both roots during a change and one after it', async () => {
    await make(family);
    await using server = await startTlsServer(authority);

    await addTrust();
    expect(said.at(-1)).toMatch(/^1 certificate as the package kiln-platform-ca-.*, added to the bundle/);
    const [anchor = ''] = await anchorsOf(family);
    for (const path of [PLATFORM_FILE, `${family.anchors}/${anchor}`]) {
      expect(await query(family, '-f', path), said.join('\n')).toMatch(
        /^kiln-platform-ca-\d{8}\.\d{6}-[0-9a-f]{12}\.noarch$/,
      );
    }
    expect(await inImage(PLATFORM_FILE)).toBe(authority.trusted().join(''));
    expect(await connect(server.port)).toContain('Verify return code: 0 (ok)');

    await authority.rotate();
    await addTrust();
    expect(await anchorsOf(family)).toHaveLength(2);
    await authority.activate();
    expect(await connect(server.port)).toContain('Verify return code: 0 (ok)');

    await authority.retire(authority.describe().roots.at(-1)?.id ?? '');
    await addTrust();
    expect(await connect(server.port)).toContain('Verify return code: 0 (ok)');
    // The upgrade of the package took the anchor of the retired root away, and nothing else is left of it.
    const anchors = await anchorsOf(family);
    expect(anchors).toHaveLength(1);
    expect(anchors).not.toContain(anchor);
    expect((await query(family, '-a')).split('\n').filter((name) => name.startsWith('kiln'))).toHaveLength(1);
  });
});

it('a node whose administrator removes the package trusts the platform no more', async () => {
  await make({ ...RHEL, programs: '/usr/bin/rpm' });
  await addTrust();
  await sandboxed('chroot', '/work/build/image-root', 'rpm', '-e', 'kiln-platform-ca');

  expect(await inImage('/etc/bundle.pem')).toBe('');
  await expect(inImage(PLATFORM_FILE)).rejects.toMatchObject({ code: 'ENOENT' });
});

it('an image of another authority does not trust the server', async () => {
  await make(SUSE);
  await addTrust();
  const other = await testAuthority(join(folder, 'other'));
  await using server = await startTlsServer(other);
  other.close();

  expect(await connect(server.port)).toMatch(/Verify return code: (?!0 )/);
});

describe('an image that cannot have the package', () => {
  it('gets plain files, and the note says why, when nobody knows its distribution', async () => {
    await make({ ...SUSE, release: 'ID=example\\nPRETTY_NAME=Example' });
    await addTrust();

    expect(await inImage(PLATFORM_FILE)).toBe(authority.trusted().join(''));
    expect(said.at(-1)).toBe(
      '1 certificate as plain files (its distribution is not known), not added to the bundle of the image: its distribution is not known',
    );
  });

  it('gets them where its tool looks when it has no package manager', async () => {
    await make(SUSE);
    await rm(join(imageRoot(), SUSE.database), { recursive: true });
    await addTrust();

    expect(await inImage('/etc/bundle.pem')).toBe(authority.trusted().join(''));
    expect(said.at(-1)).toBe(
      '1 certificate as plain files (it has no package manager), added to the bundle of the image',
    );
  });

  it('gets them when its package manager fails, and the package over them when it works', async () => {
    const family = { ...RHEL, programs: '/usr/bin/rpm' };
    await make(family);
    const macros = join(imageRoot(), 'etc/rpm/macros');
    await writeFile(macros, '%_dbpath /proc/nowhere\n');
    await addTrust();
    expect(said.at(-1)).toMatch(
      /^1 certificate as plain files \(rpm ended with code \d+\), added to the bundle/,
    );

    await writeFile(macros, `%_dbpath ${family.database}\n`);
    await addTrust();
    expect(await query(family, '-f', PLATFORM_FILE)).toContain('kiln-platform-ca');
    expect(await anchorsOf(family)).toHaveLength(1);
  });
});

describe('the packages', () => {
  const cached = async () => {
    const cache = join(folder, 'cache', 'platform-ca');
    const keys = await readdir(cache);
    const [key = ''] = keys;
    return { keys, at: (name: string) => join(cache, key, name) };
  };

  it('are the same whenever they are made, made once, and made again when they are damaged', async () => {
    await make(SUSE);
    await addTrust();
    const { keys, at } = await cached();
    const index = await readFile(at('index.json'), 'utf8');
    expect(keys).toHaveLength(1);
    expect((await readdir(at('.'))).sort()).toEqual(['debian.deb', 'index.json', 'rhel.rpm', 'suse.rpm']);

    await writeFile(at('suse.rpm'), 'damaged');
    await addTrust();
    expect(said.at(-1)).toContain('as the package');
    expect((await cached()).keys).toEqual(keys);
    expect(await readFile(at('index.json'), 'utf8')).toBe(index);
    expect((await readFile(at('suse.rpm'))).length).toBeGreaterThan(1000);

    // What is whole is taken as it is.
    const before = await readFile(at('index.json'));
    await writeFile(at('index.json'), `${before} `);
    await addTrust();
    expect(await readFile(at('index.json'), 'utf8')).toBe(`${index} `);
  });

  it('can be read by the rpm of RHEL 8 and SLES 15', async () => {
    await make(SUSE);
    await addTrust();
    const { at } = await cached();
    await writeFile(join(workspace.hostPath('build'), 'suse.rpm'), await readFile(at('suse.rpm')));
    const format = '%{RPMFORMAT} %{PAYLOADCOMPRESSOR} %{FILEDIGESTALGO} [%{REQUIRENAME} ]';

    expect(await sandboxed('rpm', '-qp', '--nosignature', '--qf', format, '/work/build/suse.rpm')).toMatch(
      /^4 gzip 8 (\/bin\/sh |rpmlib\((CompressedFileNames|FileDigests|PayloadFilesHavePrefix)\) ?)+$/,
    );
  });
});
