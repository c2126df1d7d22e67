/** The same of an image with RPM: which packages explain what, and what somebody changed of their files. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Workspace } from '../../src/builder/sandbox.ts';
import { openWorkspace } from '../../src/builder/workspace.ts';
import { GIB } from '../../src/platform/bytes.ts';
import type { ListedChanges } from '../../src/runner/history/listed-changes.ts';
import { proposeScript } from '../../src/runner/history/proposal.ts';
import { IMAGE_ROOT } from '../../src/runner/image-root.ts';
import { testBuilderRoot } from '../support/builder-root.ts';
import { CHANGED_ROOT, listChanges } from '../support/changes.ts';

const MADE = { folder: 'made', at: '/made', writable: true };

/** Packages of one file of configuration, and two that nobody edits. */
const BUILD = `
make() {
cat >/tmp/$1.spec <<E
Name: $1
Version: $2
Release: 1
Summary: A package of the test
License: MIT
BuildArch: noarch
%description
Nothing.
%install
mkdir -p %{buildroot}/etc %{buildroot}/usr/share/$1
echo '$1 $2' >%{buildroot}/etc/$1.conf
echo '$1 $2' >%{buildroot}/usr/share/$1/data; echo '$1 $2 more' >%{buildroot}/usr/share/$1/more
%files
%config(noreplace) /etc/$1.conf
/usr/share/$1
E
rpmbuild --quiet --define='_topdir /tmp/build' --define='_rpmdir /made/packages' --define='_build_name_fmt %%{NAME}-%%{VERSION}.rpm' -bb /tmp/$1.spec
}
make tool 1; make tool 2; make gone 1; make fresh 1
mkdir -p /made/root/usr/bin; touch /made/root/usr/bin/dnf5
rpm --root /made/root --initdb; rpm --root /made/root --install /made/packages/tool-1.rpm /made/packages/gone-1.rpm
mksquashfs /made/root /made/image -noappend -quiet -comp gzip`;
/** What is edited in the second in which it is installed is edited all the same. */
const DURING = `
rpm --root ${IMAGE_ROOT} --upgrade /made/packages/tool-2.rpm; rpm --root ${IMAGE_ROOT} --erase gone
rpm --root ${IMAGE_ROOT} --install /made/packages/fresh-1.rpm
cd ${IMAGE_ROOT}; echo ours >>etc/fresh.conf; echo ours >>etc/tool.conf
echo ours >usr/share/fresh/data`;

let base: string;
let workspace: Workspace;
let changes: ListedChanges;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'kiln-changes-'));
  workspace = await openWorkspace({
    jobId: `changes-rpm-test-${process.pid}`,
    folder: join(base, 'workspace'),
    builderRoot: (await testBuilderRoot()).path,
    limits: { diskBytes: GIB, memoryBytes: GIB, cpus: 2, pids: 128 },
    trustedCertificates: [],
  });
  await workspace.makeFolder(MADE.folder);
  const run = async (script: string, image: boolean) => {
    const binds = image ? [MADE, CHANGED_ROOT] : [MADE];
    const result = await workspace.run({ argv: ['sh', '-ec', script], binds, network: 'none' });
    expect(result.exitCode, result.tail.join('\n')).toBe(0);
  };
  await run(BUILD, false);
  const squashfs = join(workspace.hostPath(MADE.folder), 'image');
  const overlay = await workspace.openOverlay('image-root', { squashfs, laid: [] });
  await run(DURING, true);
  await overlay.settle();
  changes = await listChanges(workspace, 1_000);
});
afterAll(async () => {
  await workspace?.close();
  await rm(base, { recursive: true, force: true });
});

it('names packages that came, went, and have another version', () => {
  const at = { arch: 'noarch', version: '1-1' };
  expect(changes.packages).toEqual({
    installed: [{ name: 'fresh', ...at }],
    removed: [{ name: 'gone', ...at }],
    updated: [{ name: 'tool', arch: 'noarch', from: '1-1', version: '2-1' }],
  });
});

it('tells what packages brought from what somebody edited', () => {
  const seen = changes.paths
    .filter(({ state }) => state !== true)
    .map(
      ({ change, path, package: owner }) => `${change} ${path}${owner === undefined ? '' : ` of ${owner}`}`,
    );
  expect(seen.sort()).toEqual([
    'added /etc/fresh.conf',
    'added /usr/share/fresh of fresh',
    'added /usr/share/fresh/data',
    'added /usr/share/fresh/more of fresh',
    'changed /etc/tool.conf',
    'changed /usr/share/tool/data of tool',
    'changed /usr/share/tool/more of tool',
    'removed /etc/gone.conf of gone',
    'removed /usr/share/gone of gone',
    'removed /usr/share/gone/data of gone',
    'removed /usr/share/gone/more of gone',
  ]);
  expect(changes.paths.filter(({ state }) => state).map(({ path }) => path)).toContain(
    '/var/lib/rpm/rpmdb.sqlite',
  );
});

it('proposes to do it with the manager of the image', () => {
  const script = proposeScript(changes, 'x86_64');
  expect(script).toContain('\ndnf5 -y install fresh tool\ndnf5 -y remove gone\n');
  expect(script).toContain("cat > /etc/fresh.conf <<'EOF'\nfresh 1\nours\nEOF\n");
});
