/**
 * Kiwi's own package managers and the certificates of the platform: an rpm root from a repository of two tiny packages,
 * without an image phase. Whole distributions are built elsewhere.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Workspace } from '../../src/builder/sandbox.ts';
import { openWorkspace } from '../../src/builder/workspace.ts';
import type { Authority } from '../../src/packages/authority/index.ts';
import { GIB } from '../../src/platform/bytes.ts';
import type { StepContext } from '../../src/runner/step.ts';
import { prepare } from '../../src/runner/steps/prepare.ts';
import { trust } from '../../src/runner/steps/trust.ts';
import { unattended } from '../../src/runner/testing/context.ts';
import { testDocument } from '../../src/runner/testing/document.ts';
import { testAuthority } from '../support/authority.ts';
import { testBuilderRoot } from '../support/builder-root.ts';

/** A repository of packages with os-release and with a shell, below the recipe. */
const MAKE_REPOSITORY = `
set -eu
mkdir -p /tmp/p && cd /tmp/p
package() {
  cat > $1.spec <<END
Name: $1
Version: 1
Release: 1
Summary: x
License: x
AutoReqProv: no
%description
x
%install
cp -a /tmp/p/$1/. %{buildroot}/
%files
/*
END
  rpmbuild -bb --quiet --define '_topdir /tmp/p/out' --define '_rpmformat 4' --define 'debug_package %{nil}' \\
    --define '_build_id_links none' --define '__os_install_post %{nil}' $1.spec
}
mkdir -p release/etc shell/usr/bin
for name in bin lib lib64; do ln -s usr/$name shell/$name; done
printf 'ID=sles\\nPRETTY_NAME="Example SUSE 15"\\n' > release/etc/os-release
for file in /bin/sh /bin/bash /bin/cat; do
  for each in $file $(ldd $file | grep -o '/[^ ]*'); do
    target=shell/usr/$(echo $each | sed 's,^/usr,,; s,^/,,')
    mkdir -p $(dirname $target)
    cp -L $each $target
  done
done
package release
package shell
mkdir -p /work/recipe/repository
cp out/RPMS/*/*.rpm /work/recipe/repository
createrepo_c --quiet /work/recipe/repository
`;

const description = (manager: string) => `<?xml version="1.0" encoding="utf-8"?>
<image schemaversion="8.5" name="tiny">
    <description type="system"><author>A</author><contact>a@example.org</contact><specification>S</specification></description>
    <preferences>
        <type image="tbz"/>
        <version>1.0.0</version>
        <packagemanager>${manager}</packagemanager>
    </preferences>
    <repository type="rpm-md" alias="tiny" repository_gpgcheck="false" package_gpgcheck="false">
        <source path="dir:///work/recipe/repository"/>
    </repository>
    <packages type="bootstrap">
        <package name="release"/>
        <package name="shell"/>
    </packages>
</image>
`;

let folder: string;
let workspace: Workspace;
let authority: Authority;
let serial = 0;
const said: string[] = [];

beforeEach(async () => {
  said.length = 0;
  serial += 1;
  folder = await mkdtemp(join(tmpdir(), 'kiln-trust-kiwi-'));
  authority = await testAuthority(join(folder, 'authority'));
  workspace = await openWorkspace({
    jobId: `trust-kiwi-${process.pid}-${serial}`,
    folder: join(folder, 'sandbox'),
    builderRoot: (await testBuilderRoot()).path,
    limits: { diskBytes: GIB, memoryBytes: 2 * GIB, cpus: 2, pids: 1024 },
    trustedCertificates: authority.trusted(),
  });
  await workspace.makeFolder('recipe');
});
afterEach(async () => {
  authority.close();
  await workspace?.close();
  await rm(folder, { recursive: true, force: true });
});

async function contextOf(): Promise<StepContext> {
  return {
    document: testDocument({
      trusted_certificates: [...authority.trusted()],
      cache: join(folder, 'cache'),
      builder_root: await testBuilderRoot(),
    }),
    workspace,
    signal: new AbortController().signal,
    log: (text) => said.push(text),
    note: (text) => said.push(text),
    progress: () => {},
    ...unattended(testDocument()),
  };
}

async function sandboxed(...argv: string[]): Promise<string> {
  const binds = ['recipe', 'build'].map((name) => ({ folder: name, at: `/work/${name}`, writable: true }));
  await workspace.makeFolder('build');
  const result = await workspace.run({ argv, binds, network: 'none' });
  expect(result.exitCode, [...result.tail, ...said].join('\n')).toBe(0);
  return result.stdout.trim();
}

it.each(['zypper', 'dnf5', 'dnf4'])(
  'a root that %s installs has them after its bootstrap, as a package',
  async (manager) => {
    await sandboxed('sh', '-c', MAKE_REPOSITORY);
    await workspace.writeFile('recipe', 'config.xml', description(manager));
    const context = await contextOf();
    try {
      await prepare.run(context, []);
    } catch (error) {
      throw new Error(said.join('\n'), { cause: error });
    }
    expect(said.join('\n')).toMatch(/--> kiln-platform-ca-/);

    await trust.run(context, undefined);
    expect(said.at(-1)).toMatch(
      /^1 certificate as the package kiln-platform-ca-.*: it has no ca-certificates$/,
    );
    const database = '$(for d in usr/lib/sysimage/rpm var/lib/rpm; do [ -e $d ] && echo /$d && break; done)';
    const owned = `cd /work/build/image-root; rpm --root $PWD --dbpath ${database} -qa | sort;
    rpm --root $PWD --dbpath ${database} -qf /etc/cray/ca/certificate_authority.crt`;
    expect((await sandboxed('sh', '-c', owned)).split('\n')).toEqual([
      expect.stringMatching(/^kiln-platform-ca-/),
      expect.stringMatching(/^release-1-1/),
      expect.stringMatching(/^shell-1-1/),
      expect.stringMatching(/^kiln-platform-ca-/),
    ]);
  },
);
