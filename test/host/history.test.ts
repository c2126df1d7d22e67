/** The record of customize jobs: what real OpenSSH clients did in their shells, what that changed, and how to do it again. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { processesWith } from '../../src/adapters/executors/local/processes.ts';
import type { HistoryEntry, PathChange } from '../../src/contract/history.ts';
import type { Job } from '../../src/contract/jobs.ts';
import { runCommand } from '../../src/platform/exec.ts';
import { waitFor } from '../../src/platform/wait.ts';
import {
  type CustomizeBench,
  LEAVE,
  never,
  onTerminal,
  openCustomizeBench,
  PROMPT,
  shownBy,
  waiting,
} from '../support/customize.ts';
import { expectNothingLeft, KILN } from '../support/kiln.ts';
import { run } from '../support/run.ts';

let bench: CustomizeBench;
beforeAll(async () => {
  bench = await openCustomizeBench();
});
afterAll(() => bench?.close());

const SECRET = 'correct-horse-battery';

async function historyOf(job: Job): Promise<HistoryEntry> {
  const { entries } = await bench.service.client.images.history(job.resultant_image_id ?? '');
  const [first] = entries;
  if (first === undefined) {
    throw new Error('a history without entries');
  }
  return first;
}

const change = (entry: HistoryEntry, path: string): PathChange | undefined =>
  entry.paths.find((each) => each.path === path);

/** Type, mode, owner, links, content and attributes of every name; times are left out, and what package managers write. */
const LISTING = `import hashlib, os, re, stat, sys
own = re.compile(r'^(var/(lib/(dpkg|apt|systemd|pam|ucf)|cache|log)|etc/(shadow|gshadow|passwd|group)-?|etc/ld.so.cache|etc/.pwd.lock)(/|$)')
for folder, folders, files in os.walk(sys.argv[1]):
    folders.sort()
    for name in sorted(folders + files):
        path = os.path.join(folder, name); info = os.lstat(path); short = os.path.relpath(path, sys.argv[1])
        if own.match(short): continue
        content = os.readlink(path) if stat.S_ISLNK(info.st_mode) else ''
        if stat.S_ISREG(info.st_mode): content = hashlib.sha256(open(path, 'rb').read()).hexdigest()
        links = info.st_nlink if not stat.S_ISDIR(info.st_mode) else '-'
        print(short, oct(info.st_mode), info.st_uid, info.st_gid, links, content, sorted(os.listxattr(path, follow_symlinks=False)))
`;

describe('an image that was made in a shell', () => {
  let job: Job;
  let entry: HistoryEntry;
  beforeAll(async () => {
    const opened = await bench.openedShell();
    const commands = [
      'apt-get update -qq',
      'DEBIAN_FRONTEND=noninteractive apt-get install -qq -y hello chrony >/dev/null 2>&1',
      'apt-get purge -qq -y mount >/dev/null 2>&1',
      'echo "# ours" >> /etc/chrony/chrony.conf',
      'mkdir -p /opt/ours/empty; chmod 750 /opt/ours/empty; echo first > /opt/ours/file; ln /opt/ours/file /opt/ours/other',
      'ln -s ../ours/file /opt/ours/link; printf "a\\\\0b" > /opt/ours/binary; mkfifo /opt/ours/fifo',
      'rm /etc/issue.net; chmod 600 /etc/issue; chown 1:2 /etc/host.conf; echo changed >> /etc/motd; touch /etc/debian_version',
      'useradd --system --uid 900 --shell /usr/sbin/nologin ours',
      'echo machine a password b > /root/.netrc; mkdir -p /etc/ssl/private; echo key > /etc/ssl/private/node.key',
    ];
    await bench.sshTerminal(opened, [
      PROMPT,
      { type: 'tty; stty size; echo $SSH_TTY; echo $TERM\r' },
      { expect: '30 100\r\n/dev/pts/\\d+\r\nxterm' },
      PROMPT,
      { type: 'read -s -p "Sec""ret: " x; echo; echo it has $(expr length "$x") characters\r' },
      { expect: 'Secret: ' },
      { type: `${SECRET}\r` },
      { expect: `it has ${SECRET.length} characters` },
      PROMPT,
      { type: 'passwd >/dev/null; echo d""one\r' },
      { expect: 'New password: ' },
      { type: `${SECRET}\r` },
      { expect: 'Retype' },
      { type: `${SECRET}\r` },
      { expect: 'done' },
      { resize: [120, 40] },
      { type: 'stty size\r' },
      { expect: '40 120' },
      ...commands.flatMap((command) => [
        PROMPT,
        { type: `${command}; echo e""nd\r` },
        { expect: '[\r\n]end' },
      ]),
      ...LEAVE,
    ]);
    await bench.sshTerminal(opened, [{ until_end: true }], 'echo second session; tty');
    const batch = join(bench.folder, 'batch');
    await writeFile(batch, `put ${join(bench.folder, 'key.pub')} /opt/ours/sent\n`);
    const sftp = ['sftp', '-P', String(opened.shell?.port), ...(await bench.sshOptions(opened)), '-b', batch];
    await run('sftp', [...sftp.slice(1), `root@${opened.shell?.host}`]);
    job = await bench.finished(opened);
    entry = await historyOf(job);
  });

  it('says who was in it from where and when, with which key, and what they asked for', async () => {
    const fingerprint = await run('ssh-keygen', ['-l', '-f', join(bench.folder, 'key.pub')]);
    const times = entry.sessions.flatMap(({ started, ended }) => [started, ended ?? '']);
    expect(times).toEqual([...times].sort());
    expect(entry.sessions.map(({ command, terminal, recording }) => [command, terminal, recording])).toEqual([
      [null, true, 1],
      ['echo second session; tty', true, 2],
      [expect.stringContaining('sftp-server'), false, null],
    ]);
    for (const { from, key } of entry.sessions) {
      expect(from).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(fingerprint).toContain(key?.split(' ')[0] ?? '?');
    }
    expect(await bench.service.client.jobs.recordings(job.id)).toEqual({
      sessions: entry.sessions,
      sessions_left_out: 0,
    });
  });

  it('has what the terminals showed, window sizes too, of the job and of the image', async () => {
    const { jobs, images } = bench.service.client;
    const cast = await jobs.recording(job.id, 1);
    expect(await images.recording(job.resultant_image_id ?? '', 1)).toBe(cast);
    expect(JSON.parse(cast.split('\n')[0] ?? '')).toMatchObject({
      width: 100,
      height: 30,
      env: { TERM: 'xterm' },
    });
    expect(cast).toContain('"r","120x40"');
    expect(shownBy(cast)).toContain('Secret: \r\nit has 21 characters');
    expect(shownBy(await jobs.recording(job.id, 2))).toMatch(/^second session\r\n\/dev\/pts\/\d+\r\n$/);
    const played = await bench.kiln('jobs', 'replay', job.id);
    expect(played).toContain('it has 21 characters');
    expect(played).toContain('second session');
    expect(await bench.kiln('images', 'replay', job.resultant_image_id ?? '', '--session', '2')).toContain(
      '/dev/pts/',
    );
  });

  it('has nothing of what was typed at a prompt without echo, wherever anything is kept', async () => {
    await expectNothingLeft(bench.service, job.id);
    const found = await runCommand([
      'grep',
      '--recursive',
      '--files-with-matches',
      SECRET,
      bench.service.state,
    ]);
    expect([found.exitCode, found.stdout]).toEqual([1, '']);
    expect(bench.service.output()).not.toContain(SECRET);
  });

  it('lists paths and packages that are different', () => {
    expect(entry.packages.installed.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['chrony', 'hello']),
    );
    expect(entry.packages.removed).toEqual([expect.objectContaining({ name: 'mount' })]);
    expect(entry.incomplete).toBeNull();
    const expected: Record<string, Partial<PathChange> | undefined> = {
      '/opt/ours/empty': { change: 'added', type: 'folder', mode: '0750' },
      '/opt/ours/file': { change: 'added', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      '/opt/ours/other': { change: 'added', hard_link: '/opt/ours/file' },
      '/opt/ours/link': { type: 'link', target: '../ours/file' },
      '/opt/ours/fifo': { type: 'fifo' },
      '/opt/ours/sent': { change: 'added' },
      '/etc/issue.net': { change: 'removed' },
      '/etc/issue': { change: 'changed', parts: ['mode'], mode: '0600' },
      '/etc/host.conf': { change: 'changed', parts: ['owner'], uid: 1, gid: 2 },
      '/etc/motd': { change: 'changed', parts: ['content'] },
      '/etc/debian_version': undefined,
      '/usr/bin/hello': { change: 'added', package: 'hello' },
      // Its package says that it is in /bin.
      '/usr/bin/mount': { change: 'removed', package: 'mount' },
      // A file of a package that somebody edited is his.
      '/etc/chrony/chrony.conf': { change: 'added' },
      '/etc/shadow': { change: 'changed', secret: true },
      '/root/.netrc': { change: 'added', secret: true },
      '/etc/ssl/private/node.key': { change: 'added', secret: true },
      '/var/lib/dpkg/status': { change: 'changed', state: true },
    };
    for (const [path, also] of Object.entries(expected)) {
      const found = change(entry, path);
      expect(found, path).toEqual(also === undefined ? undefined : expect.objectContaining(also));
    }
    expect(change(entry, '/etc/chrony/chrony.conf')).not.toHaveProperty('package');
    expect(change(entry, '/etc/shadow')).not.toHaveProperty('sha256');
  });

  it('is replayed on a terminal in its own time, until somebody has seen enough', async () => {
    const words = [KILN, 'jobs', 'replay', job.id, '--session', '1', '--server', bench.service.url];
    const fast = await onTerminal([{ until_end: true }], [...words, '--speed', '1000']);
    expect(fast).toMatchObject({ code: 0, shown: expect.stringContaining('it has 21 characters') });
    for (const key of ['\u0003', 'q']) {
      const slow = [{ expect: 'q ends it' }, { type: key }, { until_end: true }] as const;
      const left = await onTerminal(slow, [...words, '--speed', '0.001', '--idle', '1000']);
      expect(left.code).toBe(130);
      expect(left.shown).not.toContain('it has 21 characters');
    }
  });

  it('is shown to people, and has a script that makes the same image of its parent', async () => {
    const id = job.resultant_image_id ?? '';
    const shown = await bench.kiln('images', 'history', id, '--format', 'table');
    expect(shown).toContain(`from base (${bench.imageId})`);
    expect(shown).toMatch(/ {4}\+ hello 2\.10/);
    expect(shown).toMatch(/127\.0\.0\.1:\d+ with SHA256:\S+ .*: a shell, recording 1/);
    const script = await bench.kiln('images', 'history', id, '--script');
    expect(script).not.toMatch(/machine a|key\n/);

    const file = join(bench.folder, 'again.sh');
    await writeFile(file, script);
    const words = [
      'images',
      'run',
      bench.imageId,
      '--script',
      file,
      '--build-env-size',
      '4',
      '--format',
      'json',
    ];
    const again: Job = JSON.parse(await bench.kiln(...words));
    const listings = await Promise.all(
      [job, again].map(async (each) =>
        (await run('python3', ['-c', LISTING, await bench.rootOf(each)])).split('\n'),
      ),
    );
    const [before, after] = listings.map((lines) => new Set(lines));
    // What the script says that it does not make.
    const known = /^(root\/\.(netrc|bash_history)|etc\/ssl\/private\/node\.key|etc\/chrony\/chrony\.keys) /;
    const different = [...(before ?? [])].filter((line) => !after?.has(line) && !known.test(line));
    const surplus = [...(after ?? [])].filter((line) => !before?.has(line) && !known.test(line));
    expect({ different, surplus }).toEqual({ different: [], surplus: [] });
    const { packages, ran, sessions } = await historyOf(again);
    expect(packages).toEqual(entry.packages);
    expect([ran, sessions]).toEqual([[{ kind: 'command', name: file }], []]);
  });

  it('keeps its history when it is deleted and taken back, copied, customized again, and its parents are gone', async () => {
    const { client } = bench.service;
    const id = job.resultant_image_id ?? '';
    const history = await client.images.history(id);
    await client.images.delete(id);
    await client.deleted.images.undelete(id);
    expect(await client.images.history(id)).toEqual(history);
    const copy = await client.images.copy(id, { name: 'copied' });
    const changes = [{ kind: 'command', name: 'one more', command: 'echo more > /etc/more' }] as const;
    const next = await bench.until(
      (await bench.customize({ artifact_id: copy.id, changes: [...changes] })).id,
      never,
    );
    for (const each of [id, copy.id]) {
      await client.images.delete(each);
      await client.deleted.images.purge(each);
    }
    const { entries } = await client.images.history(next.resultant_image_id ?? '');
    expect(entries.map(({ image_id, parent_id }) => [image_id, parent_id])).toEqual([
      [next.resultant_image_id, copy.id],
      [copy.id, bench.imageId],
    ]);
    expect(entries[1]?.script).toBe(entry.script);
    expect(entries[0]).toMatchObject({
      ...{ ran: [{ kind: 'command', name: 'one more' }], added: 1, changed: 0, removed: 0 },
    });
    expect(
      await runCommand(['grep', '-rl', id, join(bench.service.state, 'objects', 'entries')]),
    ).toMatchObject({
      stdout: '',
    });
    // Deleting the job takes its own record.
    expect(await client.jobs.recording(job.id, 1)).toContain('version');
    await client.jobs.delete(job.id);
    const left = await runCommand([
      'grep',
      '-rl',
      `jobs/${job.id}`,
      join(bench.service.state, 'objects', 'entries'),
    ]);
    expect(left.stdout).toBe('');
  });

  it('has none when it was made of no other one', async () => {
    const said = await bench.service.kiln(['images', 'history', bench.imageId]);
    expect(said.exitCode).toBe(1);
    expect(said.tail.join('\n')).toContain('was made by a build or an import');
  });
});

describe('a job without an image', () => {
  const says = (text: string) => [
    PROMPT,
    { type: `echo ${text}\r` },
    { expect: `[\r\n]${text}` },
    PROMPT,
    ...LEAVE,
  ];

  async function replayed(job: Job): Promise<string> {
    return bench.kiln('jobs', 'replay', job.id);
  }

  it('has its record when its shell failed, and hands it on to the job that goes on with it', async () => {
    const job = await bench.openedShell();
    await bench.sshTerminal(job, says('the first try'));
    await bench.service.client.jobs.fail(job.id);
    const failed = await bench.until(job.id, never);
    expect(failed.reason?.code).toBe('shell-failed');
    expect(await replayed(failed)).toContain('the first try');

    const again: Job = JSON.parse(await bench.kiln('jobs', 'retry', job.id, '--format', 'json'));
    await bench.sshTerminal(await bench.until(again.id, waiting), says('the second try'));
    const over = await bench.finished(again);
    await bench.service.client.jobs.delete(failed.id);
    for (const played of [
      await replayed(over),
      await bench.kiln('images', 'replay', over.resultant_image_id ?? ''),
    ]) {
      expect(played).toContain('the first try');
      expect(played).toContain('the second try');
    }
    expect((await historyOf(over)).sessions.map(({ recording }) => recording)).toEqual([1, 2]);
  });

  it('has its record when it was cancelled, and when its runner was killed; what is made of that has it too', async () => {
    const cancelled = await bench.openedShell();
    await bench.sshTerminal(cancelled, says('to be cancelled'));
    await bench.service.client.jobs.cancel(cancelled.id);
    await bench.until(cancelled.id, never);
    expect(await replayed(cancelled)).toContain('to be cancelled');

    const job = await bench.openedShell();
    await bench.sshTerminal(job, says('before the end'));
    await waitFor(async () => (await bench.service.client.jobs.recordings(job.id)).sessions[0], {
      timeoutMs: 60_000,
      describe: () => 'the session to be told of while the shell is open',
    });
    const workspace = join(bench.service.state, 'workspaces', job.id);
    for (const { pid } of await processesWith('KILN_WORKSPACE', workspace)) {
      process.kill(pid, 'SIGKILL');
    }
    const lost = await bench.until(job.id, never);
    expect(await replayed(lost)).toContain('before the end');
    const words = ['jobs', 'retry', job.id, '--from', 'boot-files', '--format', 'json'];
    const over = await bench.until((JSON.parse(await bench.kiln(...words)) as Job).id, never);
    expect(await replayed(over)).toContain('before the end');
    expect((await historyOf(over)).sessions).toHaveLength(1);
  });
});

it('keeps nothing of the secrets that a job was given, also of files that they went into', async () => {
  const command =
    'echo "with $token in it" > /etc/given; echo other > /etc/other; echo "$token" > /etc/token-alone';
  const made = await bench.customize({
    changes: [{ kind: 'command', name: 'given', command }],
    secrets: { token: SECRET },
  });
  const over = await bench.until(made.id, never);
  const entry = await historyOf(over);
  for (const path of ['/etc/given', '/etc/token-alone']) {
    expect(change(entry, path)).toEqual(expect.objectContaining({ change: 'added', secret: true }));
    expect(change(entry, path)).not.toHaveProperty('sha256');
  }
  expect(entry.script).toContain('/etc/other');
  // The disk of the job, which had the files, goes after the job has ended.
  await expectNothingLeft(bench.service, over.id);
  const found = await runCommand(['grep', '-rl', SECRET, bench.service.state]);
  expect([found.exitCode, found.stdout]).toEqual([1, '']);
});

it('has thousands of files that came in their package, and counts those that are too many to list', async () => {
  const command = `mkdir -p /tmp/many/DEBIAN /tmp/many/usr/share/many; cd /tmp/many/usr/share/many
    for folder in $(seq 120); do mkdir $folder; (cd $folder; for file in $(seq 100); do echo $file > $file; done); done
    printf 'Package: many\\nVersion: 1\\nArchitecture: all\\nMaintainer: test\\nDescription: test\\n' > /tmp/many/DEBIAN/control
    dpkg-deb --build -Znone /tmp/many /tmp/many.deb >/dev/null; dpkg --force-unsafe-io -i /tmp/many.deb >/dev/null`;
  const job = await bench.until(
    (await bench.customize({ changes: [{ kind: 'command', name: 'many', command }] })).id,
    never,
  );
  const entry = await historyOf(job);
  expect(entry.added).toBeGreaterThan(12_000);
  expect(entry.packages.installed).toEqual([expect.objectContaining({ name: 'many' })]);
  expect(change(entry, '/usr/share/many/1/1')?.package).toBe('many');
  expect(entry.paths).toHaveLength(5_000);
  expect(entry.incomplete).toContain('are counted only');
});
