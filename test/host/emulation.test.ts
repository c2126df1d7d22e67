/**
 * Images of aarch64 on x86_64, in the real sandbox: that programs run, that the host has no part in it, and that an image is
 * what its recipe says, with nothing of the builder in it. What boots is built by the end-to-end suite.
 */
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostMirror } from '../../src/builder/apt-sources.ts';
import { HOST_ARCHITECTURE, inMachine } from '../../src/builder/emulation.ts';
import type { SandboxCommand, Workspace } from '../../src/builder/sandbox.ts';
import { openWorkspace } from '../../src/builder/workspace.ts';
import { GIB } from '../../src/platform/bytes.ts';
import { PACKAGE_ROOT } from '../../src/platform/package-root.ts';
import { ensureMachine } from '../../src/runner/emulation.ts';
import { RECIPE, writable } from '../../src/runner/image-root.ts';
import type { Step, StepContext } from '../../src/runner/step.ts';
import { bootFiles } from '../../src/runner/steps/boot-files.ts';
import { inventory } from '../../src/runner/steps/inventory.ts';
import { prepare } from '../../src/runner/steps/prepare.ts';
import { render } from '../../src/runner/steps/render.ts';
import { trust } from '../../src/runner/steps/trust.ts';
import { unattended } from '../../src/runner/testing/context.ts';
import { testDocument } from '../../src/runner/testing/document.ts';
import { testBuilderRoot } from '../support/builder-root.ts';

const ROOT = '/work/build/image-root';
const BUILD = { folder: 'build', at: '/work/build', writable: true };

/** What config.sh finds out in the image. `sort` is not lent, `cp` is. A program that changes its user does so. */
const SCRIPT = `
uname -m > /root/machine
cp --version | head -1 > /root/cp
sort --version | head -1 > /root/sort
cat /proc/self/comm > /root/comm
rm -r /dev/kiln/programs
cp --version | head -1 > /root/cp-of-its-own
chmod u+s /usr/bin/id
runuser -u nobody -- id -u > /root/effective-user
chmod u-s /usr/bin/id
`;

let folder: string;
let workspace: Workspace;
let context: StepContext;
const said: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-emulation-'));
  workspace = await openWorkspace({
    jobId: `emulation-test-${process.pid}`,
    folder: join(folder, 'sandbox'),
    builderRoot: (await testBuilderRoot()).path,
    limits: { diskBytes: 4 * GIB, memoryBytes: 2 * GIB, cpus: 2, pids: 1024 },
    trustedCertificates: [],
  });
  const mirror = await hostMirror();
  const values = { DEBIAN_MIRROR: mirror ?? '', EXTRA_PACKAGE: 'base-files', SCRIPT };
  const template_dictionary = Object.entries(values).map(([key, value]) => ({ key, value }));
  const plain = testDocument({ arch: 'aarch64' });
  const document = { ...plain, source: { ...plain.source, template_dictionary } };
  context = {
    document,
    workspace,
    signal: new AbortController().signal,
    log: (text) => said.push(text),
    note: (text) => said.push(text),
    progress: () => {},
    ...unattended(document),
  };
});
afterAll(async () => {
  await workspace?.close();
  await rm(folder, { recursive: true, force: true });
});

const run = <I, O>(step: Step<I, O>, input: I): Promise<O> => step.run(context, input);

async function sandboxed(script: string, also: Partial<SandboxCommand> = {}): Promise<string> {
  const command = { argv: ['sh', '-euc', script], binds: [BUILD], network: 'none', ...also } as const;
  const result = await workspace.run(await inMachine('aarch64', command));
  expect(result.exitCode, result.tail.join('\n')).toBe(0);
  return result.stdout;
}

describe.runIf(HOST_ARCHITECTURE === 'x86_64')('on x86_64', () => {
  beforeAll(async () => {
    await workspace.makeFolder('recipe');
    const recipe = join(folder, 'recipe');
    await cp(join(PACKAGE_ROOT, 'test', 'fixtures', 'tiny-debian'), recipe, { recursive: true });
    for (const name of await readdir(recipe)) {
      await workspace.writeFile('recipe', name, await readFile(join(recipe, name)));
    }
    const scripts = { argv: ['chmod', '755', `${RECIPE.at}/config.sh`], binds: [writable(RECIPE)] };
    await workspace.run({ ...scripts, network: 'none' });
    await run(render, undefined);
    await run(prepare, []);
    await run(trust, undefined);
  });

  it('has a handler of the sandbox alone, which goes with it', async () => {
    const handlers = await sandboxed('ls /run/kiln-binfmt; cat /run/kiln-binfmt/kiln-aarch64');
    expect(handlers.split('\n')).toEqual(expect.arrayContaining(['kiln-aarch64', 'enabled', 'flags: POCF']));
    const ofHost = await readdir('/proc/sys/fs/binfmt_misc').catch(() => []);
    expect(ofHost).not.toContain('kiln-aarch64');
  });

  it('says before a job starts what keeps programs from running', async () => {
    const job = { job_type: 'create', arch: 'aarch64' } as const;
    await expect(ensureMachine(workspace, job)).resolves.toBeUndefined();
    // As on a host whose kernel lets no sandbox have handlers, and which has none itself.
    const without: Pick<Workspace, 'run'> = {
      run: (command) =>
        workspace.run({
          ...command,
          argv: ['sh', '-c', 'rm /usr/lib/kiln/emulate-aarch64; exec "$@"', 'sh', ...command.argv],
        }),
    };
    await expect(ensureMachine(without, job)).rejects.toMatchObject({
      code: 'emulation-unavailable',
      message: expect.stringContaining('programs of aarch64 do not run here'),
    });
    await expect(ensureMachine(without, { ...job, job_type: 'inspect' })).resolves.toBeUndefined();
    await expect(ensureMachine(without, { ...job, arch: 'x86_64' })).resolves.toBeUndefined();
  });

  it('installs packages of the architecture, and finds programs of it alone', async () => {
    await run(bootFiles, undefined);
    expect(said.at(-1)).toMatch(
      /^kernel \/boot\/vmlinuz-1\.0-test, .*; \d{3,} programs and libraries for aarch64$/,
    );
    await run(inventory, undefined);
    const packages: { arch: string }[] = JSON.parse(
      await readFile(join(workspace.hostPath('out'), 'packages.json'), 'utf8'),
    );
    expect([...new Set(packages.map(({ arch }) => arch))].sort()).toEqual(['all', 'arm64']);
  });

  it('refuses programs of another machine where a system starts them, and tells of others', async () => {
    const writing = { binds: [writable(BUILD)] };
    await sandboxed(
      `cd ${ROOT}; cp /usr/bin/true usr/local/bin/native; mkdir -p opt/tool; cp /usr/bin/true opt/tool/native
       mkdir -p usr/lib/x86_64-linux-gnu; cp /usr/bin/true usr/lib/x86_64-linux-gnu/native`,
      writing,
    );
    await expect(run(bootFiles, undefined)).rejects.toMatchObject({
      code: 'foreign-programs',
      message: 'not for aarch64: /usr/local/bin/native (ELF machine 62)',
    });
    await sandboxed(`rm ${ROOT}/usr/local/bin/native`, writing);
    await run(bootFiles, undefined);
    expect(said).toContain('warning: /opt/tool/native is a program for another machine (ELF machine 62)');
    expect(said.at(-1)).toMatch(/ for aarch64, 1 of another machine$/);
    await sandboxed(`cd ${ROOT}; rm -r opt/tool usr/lib/x86_64-linux-gnu`, writing);
  });

  it('runs scripts as on a machine of their own, with programs that are lent to them', async () => {
    const found = await sandboxed(
      `cd ${ROOT}/root && head machine cp sort comm cp-of-its-own effective-user`,
    );
    const ofBuilder = (await sandboxed('cp --version')).split('\n')[0];
    const ofImage = /coreutils\) (9\.1)\n/.exec(found)?.[1];
    expect(ofImage).toBe('9.1');
    expect(
      found
        .trim()
        .split(/\n*==> (.*) <==\n/)
        .slice(1),
    ).toEqual([
      ...['machine', 'aarch64', 'cp', ofBuilder, 'sort', 'sort (GNU coreutils) 9.1'],
      ...['comm', 'loader', 'cp-of-its-own', 'cp (GNU coreutils) 9.1', 'effective-user', '0'],
    ]);
  });

  it('leaves nothing of the builder in the image', async () => {
    const traces = `cd ${ROOT}; ls -A proc sys run; find . -name '*kiln*' -o -name '*qemu*' -o -path './var/lib/rpm*'; ls -d lib64 || :`;
    expect(
      (await sandboxed(traces)).split('\n').filter((line) => line !== '' && !line.endsWith(':')),
    ).toEqual(['lock']);
  });
});

/** Packs an archive of an initrd: a program with all of its libraries, but for one, and one that is a hard link. */
const MAKE_INITRD = `
import os, subprocess, sys
names = ['/usr/bin/bash', '/usr/bin/grep'] + sorted({os.path.realpath(word) for line in subprocess.run(
    ['ldd', '/usr/bin/bash', '/usr/bin/grep'], capture_output=True, text=True).stdout.splitlines() for word in line.split() if word.startswith('/') and not word.endswith(':')})
links = {'/lib64': 'usr/lib64', '/lib': 'usr/lib'}
for line in subprocess.run(['ldd', '/usr/bin/bash', '/usr/bin/grep'], capture_output=True, text=True).stdout.splitlines():
    for word in line.split():
        path = os.path.realpath(os.path.dirname(word)) + '/' + os.path.basename(word)
        if word.startswith('/') and os.path.islink(path):
            links[path] = os.readlink(path)
members = [(name, 0o100755, open(name, 'rb').read()) for name in names if 'libpcre2' not in name]
members += [(name, 0o120777, target.encode()) for name, target in links.items()]
members += [(folder, 0o040755, b'') for folder in ('/usr', '/usr/bin', '/usr/lib', '/usr/lib64', '/usr/lib/x86_64-linux-gnu')]
def entry(name, mode, data, inode):
    fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    head = b'070701' + b''.join(b'%08x' % field for field in fields) + name.encode() + b'\\0'
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
out = b''.join(entry(name.lstrip('/'), mode, data, number) for number, (name, mode, data) in enumerate(members)) + entry('TRAILER!!!', 0, b'', 0)
early = entry('early_cpio', 0o100644, b'1', 1) + entry('TRAILER!!!', 0, b'', 0)
open('/initrd', 'wb').write(early + bytes(-len(early) % 512) + subprocess.run(['zstd', '-q'], input=out, stdout=subprocess.PIPE).stdout)
`;

it('finds a library that an initrd lacks, and programs of another machine, without running any', async () => {
  const scripts: Record<string, string> = {};
  for (const name of ['check_libraries.py', 'elf_files.py', 'initrd_content.py']) {
    scripts[`/${name}`] = await readFile(join(PACKAGE_ROOT, 'src', 'runner', 'scripts', name), 'utf8');
  }
  const result = await workspace.run({
    argv: [
      'sh',
      '-euc',
      `python3 -I /make.py
check() { m=$1; shift; python3 -I /check_libraries.py / "$m" /initrd "$@"; }
check x86_64; check aarch64
cd /run; mkdir lower upper work merged; echo > lower/libgone.so.1
mount -t overlay -o userxattr,lowerdir=lower,upperdir=upper,workdir=work overlay merged
mkdir -p merged/usr/bin; cp /usr/bin/true merged/usr/bin; check x86_64 /run/upper
echo > merged/initrd; check x86_64 /run/upper
rm merged/libgone.so.1; check x86_64 /run/upper`,
    ],
    files: { '/make.py': MAKE_INITRD, ...scripts },
    binds: [],
    network: 'none',
  });
  expect(result.exitCode, result.tail.join('\n')).toBe(0);
  const [own, other, changed, withInitrd, withoutLibrary] = result.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(own).toMatchObject({
    foreign: [],
    initrd: { missing: [{ file: '/usr/bin/grep', library: expect.stringMatching(/^libpcre2-8\.so\./) }] },
  });
  expect(own.files).toBeGreaterThan(500);
  expect(own.initrd.files).toBeGreaterThan(4);
  expect(other.files).toBe(0);
  expect(other.foreign.length).toBeGreaterThan(20);
  // Over an image that was checked, what changed is looked at alone, unless something else may have needed what is gone.
  expect(changed).toEqual({ files: 1, foreign: [], missing: [], initrd: null });
  expect(withInitrd).toMatchObject({ files: 1, initrd: own.initrd });
  expect(withoutLibrary).toEqual({ ...own, files: expect.any(Number) });
});
