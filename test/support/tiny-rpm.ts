/** The smallest rpm system that Kiwi builds: one package with the files that an image has to have, and its recipe. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWorkspace } from '../../src/builder/workspace.ts';
import type { Architecture } from '../../src/contract/common.ts';
import { GIB } from '../../src/platform/bytes.ts';
import { testBuilderRoot } from './builder-root.ts';
import type { RunningService } from './kiln.ts';
import { register } from './recipes.ts';

export const TINY_RPM = 'tiny-base-1.0-1.noarch.rpm';

/** What the package says when it is installed. */
export const TINY_SCRIPT = 'the script of tiny-base has run';

const SPEC = `Name: tiny-base
Version: 1.0
Release: 1
Summary: The files of a system that does nothing
License: MIT
BuildArch: noarch
Provides: filesystem bash rpm zypper dnf5 dnf
%description
Enough to be published, not to boot.
%pre -p <lua>
print("${TINY_SCRIPT}")
%install
cd %{buildroot}
mkdir -p boot etc usr/bin usr/lib usr/sbin var/lib tmp root home run
head -c 510 /dev/zero > boot/vmlinuz-1.0-test
printf '\\125\\252\\0\\0HdrSnine' >> boot/vmlinuz-1.0-test
echo 'not an initrd' > boot/initramfs-1.0-test.img
printf 'ID=tiny\\nID_LIKE="rhel fedora"\\nPRETTY_NAME="Tiny"\\n' > etc/os-release
%files
/boot
/etc/os-release
%dir /usr/bin
%dir /var/lib
`;

const SIGN = `
set -e
export GNUPGHOME=/tmp/gnupg
mkdir -m 700 "$GNUPGHOME"
gpg --batch --quiet --import /tmp/private.asc
rpmsign --define "_gpg_name $1" --addsign /work/out/*.rpm
gpgconf --kill all
`;

/**
 * The package, made with the tools of the builder root; signed with a private key when one is given. `more`: what its script
 * does besides, in Lua.
 */
export async function makeTinyRpm(
  signer?: { armored: string; fingerprint: string },
  more = '',
): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-tiny-rpm-'));
  const workspace = await openWorkspace({
    jobId: `tiny-rpm-${process.pid}-${Math.random().toString(36).slice(2)}`,
    folder: join(folder, 'workspace'),
    builderRoot: (await testBuilderRoot()).path,
    limits: { diskBytes: GIB, memoryBytes: GIB, cpus: 2, pids: 128 },
    trustedCertificates: [],
  });
  try {
    await workspace.makeFolder('out');
    const result = await workspace.run({
      argv: [
        'rpmbuild',
        '--quiet',
        '--define=_topdir /tmp/build',
        '--define=_rpmdir /work/out',
        '--define=_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm',
        '-bb',
        '/tmp/tiny.spec',
      ],
      files: { '/tmp/tiny.spec': SPEC.replace('%install', `${more}\n%install`) },
      binds: [{ folder: 'out', at: '/work/out', writable: true }],
      network: 'none',
    });
    if (result.exitCode !== 0) {
      throw new Error(`the tiny package cannot be made:\n${result.tail.join('\n')}`);
    }
    if (signer !== undefined) {
      const signed = await workspace.run({
        argv: ['sh', '-c', SIGN, 'sign', signer.fingerprint],
        files: { '/tmp/private.asc': signer.armored },
        binds: [{ folder: 'out', at: '/work/out', writable: true }],
        network: 'none',
      });
      if (signed.exitCode !== 0) {
        throw new Error(`the tiny package cannot be signed:\n${signed.tail.join('\n')}`);
      }
    }
    return await readFile(join(workspace.hostPath('out'), TINY_RPM));
  } finally {
    await workspace.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Makes a hosted repository with the package; gives its address for recipes. `script` as in `makeTinyRpm`. */
export async function publishTinyRpm(service: RunningService, name: string, script = ''): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-tiny-rpm-'));
  try {
    const file = join(folder, TINY_RPM);
    await writeFile(file, await makeTinyRpm(undefined, script));
    for (const words of [
      ['create', name],
      ['upload', name, file],
    ]) {
      const said = await service.kiln(['repositories', ...words]);
      if (said.exitCode !== 0) {
        throw new Error(`kiln repositories ${words[0]} failed: ${said.tail.join('\n')}`);
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return `https://packages.local/repository/${name}`;
}

export interface TinyRpmRecipe {
  readonly manager: 'zypper' | 'dnf5' | 'dnf4';
  readonly url: string;
  /** More of what is in the image. */
  readonly packages?: readonly string[];
  /** Attributes of its repository. */
  readonly attributes?: string;
  /** `x86_64` unless given. */
  readonly arch?: Architecture;
}

/** Registers a recipe of it; gives its id. */
export async function registerTinyRpm(service: RunningService, recipe: TinyRpmRecipe): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-recipe-'));
  const { manager, url, packages = [], attributes = '', arch = 'x86_64' } = recipe;
  const description = `<?xml version="1.0" encoding="utf-8"?>
<image schemaversion="8.5" name="tiny-rpm">
    <description type="system">
        <author>Kiln</author>
        <contact>kiln@example.org</contact>
        <specification>The smallest rpm root</specification>
    </description>
    <preferences>
        <type image="tbz"/>
        <version>1.0.0</version>
        <packagemanager>${manager}</packagemanager>
    </preferences>
    <repository type="rpm-md" alias="custom-repo" imageinclude="true" ${attributes}>
        <source path="${url}"/>
    </repository>
    <packages type="bootstrap">
        ${['tiny-base', ...packages].map((name) => `<package name="${name}"/>`).join('\n        ')}
    </packages>
</image>
`;
  try {
    await writeFile(join(folder, 'config.xml'), description);
    return await register(service, `tiny-${manager}`, folder, {}, arch);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
