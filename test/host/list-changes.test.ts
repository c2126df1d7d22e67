/** What list_changes.py finds in a real overlay over a real squashfs: everything that differs, nothing else, and no secret. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Workspace } from '../../src/builder/sandbox.ts';
import { openWorkspace } from '../../src/builder/workspace.ts';
import type { PathChange } from '../../src/contract/history.ts';
import { GIB, MIB } from '../../src/platform/bytes.ts';
import { mustRun } from '../../src/platform/exec.ts';
import type { ListedChanges } from '../../src/runner/history/listed-changes.ts';
import { IMAGE_ROOT } from '../../src/runner/image-root.ts';
import { testBuilderRoot } from '../support/builder-root.ts';
import { CHANGED_ROOT, listChanges } from '../support/changes.ts';

/** The image before. */
const BEFORE = `cd "$0"; mkdir -p etc opaque/inner root dir-to-file home; chmod 700 root
echo motd >etc/motd; echo keep >etc/keep; echo touched >etc/touched; echo gone >etc/gone; echo 'root:*:1::::::' >etc/shadow; chmod 640 etc/shadow
echo linked >one; ln one two; ln one etc/three; echo a >opaque/a; echo b >opaque/inner/b; echo c >dir-to-file/c; echo x >file-to-dir
ln -s etc/motd link; ln -s etc/motd other-link; cp /bin/true tool; setcap cap_net_raw+ep tool; echo owner >etc/owner; echo attr >etc/attr
printf 'root:x:0:0:root:/root:/bin/sh\\nold:x:7:7::/:/bin/sh\\n' >etc/passwd; printf 'root:x:0:\\nadm:x:4:\\n' >etc/group`;
/** What somebody does to it. */
const DURING = `cd ${IMAGE_ROOT}; umask 022
touch etc/touched tool; echo more >>two; rm -r opaque; mkdir opaque; echo new >opaque/new; rm etc/gone; chmod 4600 etc/motd
chown 5:6 etc/owner; ln -sfn etc/keep link; chown -h 5:6 other-link; rm -r dir-to-file; echo f >dir-to-file
rm file-to-dir; mkdir file-to-dir; echo i >file-to-dir/i; ln etc/keep etc/alias; mkfifo fifo; chmod 711 .
echo 'root:x:2::::::' >etc/shadow; echo token-in-here >root/.netrc; echo 'machine a' >home/.netrc; printf 'user=a\\npassword = hidden\\n' >etc/app.conf
echo 'it is given-to-a-change' >etc/given; echo private >etc/private; chmod 600 etc/private; printf -- '-----BEGIN PRIVATE KEY-----\\nhidden\\n' >etc/node.pem; echo hidden >etc/tls.key
printf 'zero\\0' >etc/binary; head -c 100000 /dev/zero >etc/large; printf 'no end' >etc/text; mkdir -p home/empty
printf 'ops:x:900:900:Their work:/srv:/bin/sh\\nold:x:8:7::/:/bin/sh\\n' >>etc/passwd; sed -i '/^old:x:7/d' etc/passwd; sed -i 's/^adm.*/adm:x:4:ops/' etc/group
mkdir -p var/log var/lib/app/__pycache__; echo l >var/log/l; echo p >var/lib/app/__pycache__/p.pyc
python3 -c "import os
os.setxattr('etc/attr', 'user.note', b'hi')
os.mkdir('names'); open(b'names/new\\nline', 'w').close(); open(b'names/\\xff', 'w').write('bytes'); os.symlink(b'\\xfe', 'names/l')
os.mkdir('deep'); os.chdir('deep')
for _ in range(40): os.mkdir('d' * 200); os.chdir('d' * 200)"`;

let base: string;
let workspace: Workspace;
let changes: ListedChanges;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'kiln-changes-'));
  await mkdir(join(base, 'root'));
  await mustRun(['sh', '-ec', BEFORE, join(base, 'root')]);
  await mustRun([
    'mksquashfs',
    join(base, 'root'),
    join(base, 'image'),
    '-noappend',
    '-quiet',
    '-comp',
    'gzip',
  ]);
  workspace = await openWorkspace({
    jobId: `changes-test-${process.pid}`,
    folder: join(base, 'workspace'),
    builderRoot: (await testBuilderRoot()).path,
    limits: { diskBytes: GIB, memoryBytes: 512 * MIB, cpus: 2, pids: 128 },
    trustedCertificates: [],
  });
  const laid = [{ path: '/proc' }, { path: '/etc/resolv.conf', content: 'lent\n' }];
  const overlay = await workspace.openOverlay('image-root', { squashfs: join(base, 'image'), laid });
  const did = await workspace.run({ argv: ['sh', '-ec', DURING], binds: [CHANGED_ROOT], network: 'none' });
  expect(did.exitCode, did.tail.join('\n')).toBe(0);
  await overlay.settle();
  changes = await listChanges(workspace, 1_000);
});
afterAll(async () => {
  await workspace?.close();
  await rm(base, { recursive: true, force: true });
});

function entry(path: string): PathChange | undefined {
  return changes.paths.find((each) => each.path === path);
}

it('finds what was added, changed and removed, and what of it', () => {
  const seen = changes.paths
    .filter(({ path }) => !path.startsWith('/deep') && !path.startsWith('/names'))
    .map(({ change, path, type, parts }) => [change, path, type, ...(parts ?? [])].join(' '));
  expect(seen.sort()).toEqual(
    [
      ...[
        '/etc/alias',
        '/etc/app.conf',
        '/etc/binary',
        '/etc/given',
        '/etc/large',
        '/etc/node.pem',
        '/etc/private',
      ],
      ...['/etc/text', '/etc/tls.key', '/file-to-dir/i', '/home/.netrc', '/opaque/new', '/root/.netrc'],
      ...['/var/lib/app/__pycache__/p.pyc', '/var/log/l'],
    ]
      .map((path) => `added ${path} file`)
      .concat(
        ['/home/empty', '/var', '/var/lib', '/var/lib/app', '/var/lib/app/__pycache__', '/var/log'].map(
          (path) => `added ${path} folder`,
        ),
        ['/one', '/two', '/etc/three', '/etc/group', '/etc/passwd', '/etc/shadow'].map(
          (path) => `changed ${path} file content`,
        ),
        'added /fifo fifo',
        'changed / folder mode',
        'changed /etc/attr file attributes',
        'changed /etc/motd file mode',
        'changed /etc/owner file owner',
        'changed /dir-to-file file type mode',
        'changed /file-to-dir folder type mode',
        'changed /link link content',
        'changed /other-link link owner',
        'removed /dir-to-file/c file',
        'removed /etc/gone file',
        'removed /opaque/a file',
        'removed /opaque/inner folder',
        'removed /opaque/inner/b file',
      )
      .sort(),
  );
  expect(entry('/etc/motd')).toMatchObject({ mode: '4600' });
  expect(entry('/etc/owner')).toMatchObject({ uid: 5, gid: 6 });
  expect(entry('/etc/attr')).toMatchObject({ attributes: ['user.note'] });
  expect(entry('/link')).toMatchObject({ target: 'etc/keep' });
});

it('knows the names of one file from each other', () => {
  expect(entry('/etc/alias')).toMatchObject({ hard_link: '/etc/keep' });
  const names = ['/one', '/two', '/etc/three'].map((path) => entry(path)?.hard_link);
  expect(names.filter((each) => each === undefined)).toHaveLength(1);
});

it('shows small contents, and nothing of a secret: neither what is in it, nor its digest or size', () => {
  expect(changes.texts).toMatchObject({
    '/etc/text': 'no end',
    '/opaque/new': 'new\n',
    '/dir-to-file': 'f\n',
  });
  expect(changes.binaries).toEqual({ '/etc/binary': Buffer.from('zero\0').toString('base64') });
  expect(entry('/etc/large')).toMatchObject({
    size_bytes: 100_000,
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  const secrets = [
    '/etc/app.conf',
    '/etc/given',
    '/etc/node.pem',
    '/etc/private',
    '/etc/shadow',
    '/etc/tls.key',
    '/home/.netrc',
  ];
  for (const path of [...secrets, '/root/.netrc']) {
    expect(entry(path), path).toMatchObject({ secret: true });
    expect(entry(path), path).not.toHaveProperty('sha256');
    expect(entry(path), path).not.toHaveProperty('size_bytes');
    expect(changes.texts, path).not.toHaveProperty([path]);
  }
  expect(JSON.stringify(changes)).not.toMatch(/hidden|token-in-here|machine a|given-to/);
});

it('shows nothing where it is not known what was secret', async () => {
  const { paths, texts, binaries } = await listChanges(workspace, 1_000, false);
  expect([texts, binaries]).toEqual([{}, {}]);
  expect(paths.filter(({ sha256 }) => sha256 !== undefined)).toEqual([]);
});

it('tells caches and logs from the work of somebody', () => {
  expect(changes.paths.filter(({ state }) => state).map(({ path }) => path)).toEqual([
    '/var/lib/app/__pycache__',
    '/var/lib/app/__pycache__/p.pyc',
    '/var/log/l',
  ]);
});

it('names accounts that came, and those that were changed', () => {
  const ops = { name: 'ops', uid: '900', gid: '900', comment: 'Their work', home: '/srv', shell: '/bin/sh' };
  expect(changes.accounts).toEqual({
    users: [ops],
    groups: [],
    members: [{ group: 'adm', user: 'ops' }],
    others: ['user old'],
  });
});

it('gets through names that are no text and folders that are deeper than a path may be long', () => {
  expect(entry('/names/new\nline')).toMatchObject({ type: 'file' });
  expect(entry('/names/\ufffd')).toMatchObject({ type: 'file' });
  expect(entry('/names/l')).toMatchObject({ target: '\ufffd' });
  expect(Object.keys(changes.texts)).not.toContain('/names/\ufffd');
  expect(changes.unreadable).toBeGreaterThan(0);
});

it('counts what it does not list, and lists first what came of no package', async () => {
  const few = await listChanges(workspace, 10);
  expect(few.paths).toHaveLength(10);
  expect(few.left_out).toBe(changes.paths.length - 10);
  expect([few.added, few.changed, few.removed]).toEqual([changes.added, changes.changed, changes.removed]);
  expect(few.paths.some(({ state }) => state)).toBe(false);
});
