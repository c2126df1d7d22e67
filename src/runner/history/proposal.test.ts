import { describe, expect, it } from 'vitest';
import type { PathChange } from '../../contract/history.ts';
import { mustRun } from '../../platform/exec.ts';
import type { ListedChanges } from './listed-changes.ts';
import { proposeScript } from './proposal.ts';

const NOTHING: ListedChanges = {
  ...{ added: 0, changed: 0, removed: 0, paths: [], left_out: 0, unreadable: 0 },
  packages: { installed: [], removed: [], updated: [] },
  package_manager: 'apt-get',
  texts: {},
  binaries: {},
  accounts: { users: [], groups: [], members: [], others: [] },
};

function path(name: string, also: Partial<PathChange> = {}): PathChange {
  return { change: 'added', path: name, type: 'file', mode: '0644', uid: 0, gid: 0, ...also };
}

/** The lines of the script after its head, which every shell has to understand. */
async function linesOf(changes: Partial<ListedChanges>): Promise<string[]> {
  const script = proposeScript({ ...NOTHING, ...changes }, 'x86_64');
  await mustRun(['sh', '-n'], { input: script });
  return script
    .split('\n')
    .slice(3)
    .filter((line) => line !== '');
}

describe('the proposed script', () => {
  it('says nothing where nothing was changed', async () => {
    expect(await linesOf({})).toEqual([]);
  });

  it('makes folders before files, links and other names of files after them', async () => {
    const lines = await linesOf({
      paths: [
        path('/etc/a', { hard_link: '/etc/new/b' }),
        path('/etc/new', { type: 'folder', mode: '0750', uid: 5, gid: 6 }),
        path('/etc/new/b'),
        path('/etc/l', { type: 'link', target: "it's here", mode: '0777' }),
        path('/etc/p', { type: 'fifo' }),
      ],
      texts: { '/etc/new/b': 'one\nEOF\n' },
    });
    expect(lines).toEqual([
      'mkdir -p -- /etc/new',
      'chown 5:6 -- /etc/new',
      'chmod 0750 -- /etc/new',
      "cat > /etc/new/b <<'EOF1'",
      'one',
      'EOF',
      'EOF1',
      'chmod 0644 -- /etc/new/b',
      "ln -sfn -- 'it'\\''s here' /etc/l",
      'mkfifo /etc/p',
      'chmod 0644 -- /etc/p',
      'ln -f -- /etc/new/b /etc/a',
    ]);
  });

  it('changes what was changed and nothing else', async () => {
    const changed = (name: string, parts: NonNullable<PathChange['parts']>, also: Partial<PathChange> = {}) =>
      path(name, { change: 'changed', parts, ...also });
    const lines = await linesOf({
      paths: [
        changed('/etc/mode', ['mode'], { mode: '0600' }),
        changed('/etc/owner', ['owner'], { uid: 1, gid: 2, mode: '4755' }),
        changed('/etc/text', ['content']),
        changed('/etc/was-a-folder', ['type', 'mode']),
        changed('/etc/attributes', ['attributes'], { attributes: ['security.capability'] }),
        path('/etc/gone', { change: 'removed', type: 'folder' }),
        path('/etc/gone/with-it', { change: 'removed' }),
        path('/etc/gone-too', { change: 'removed' }),
      ],
      texts: { '/etc/text': 'no end', '/etc/was-a-folder': '' },
    });
    expect(lines).toEqual([
      'rm -rf -- /etc/gone',
      'rm -rf -- /etc/gone-too',
      'chmod 0600 -- /etc/mode',
      'chown 1:2 -- /etc/owner',
      'chmod 4755 -- /etc/owner',
      "printf %s 'no end' > /etc/text",
      'rm -rf -- /etc/was-a-folder',
      ': > /etc/was-a-folder',
      'chmod 0644 -- /etc/was-a-folder',
      '# not made again: extended attributes of /etc/attributes: security.capability',
    ]);
  });

  it('has packages by their manager, after what the manager has to know', async () => {
    const hello = { name: 'hello', arch: 'amd64', version: '2.10-3' };
    const lines = await linesOf({
      paths: [
        path('/etc/motd'),
        path('/etc/apt/sources.list.d/ours.list'),
        path('/usr/share/keyrings/ours.gpg'),
      ],
      texts: { '/etc/motd': 'hi\n', '/etc/apt/sources.list.d/ours.list': 'deb http://x y z\n' },
      binaries: { '/usr/share/keyrings/ours.gpg': 'AAEC' },
      packages: {
        installed: [hello, { ...hello, name: 'libc6', arch: 'i386', automatic: true }],
        removed: [
          { ...hello, name: 'vim' },
          { ...hello, name: 'cron', kept_configuration: true },
        ],
        updated: [{ ...hello, name: 'tar', from: '1.0' }],
      },
    });
    expect(lines).toEqual([
      "cat > /etc/apt/sources.list.d/ours.list <<'EOF'",
      'deb http://x y z',
      'EOF',
      'chmod 0644 -- /etc/apt/sources.list.d/ours.list',
      "base64 -d > /usr/share/keyrings/ours.gpg <<'EOF'",
      'AAEC',
      'EOF',
      'chmod 0644 -- /usr/share/keyrings/ours.gpg',
      '# hello 2.10-3 amd64 came',
      '# libc6 2.10-3 i386 came',
      '# tar 2.10-3 amd64 came after 1.0',
      '# vim 2.10-3 amd64 went',
      '# cron 2.10-3 amd64 went',
      'apt-get update',
      'apt-get install --yes --no-install-recommends hello libc6:i386 tar',
      'apt-mark auto libc6:i386',
      'apt-get remove --yes cron',
      'apt-get purge --yes vim',
      "cat > /etc/motd <<'EOF'",
      'hi',
      'EOF',
      'chmod 0644 -- /etc/motd',
    ]);
    const came = {
      installed: [{ ...hello, arch: 'x86_64' }],
      removed: [{ ...hello, arch: 'noarch' }],
      updated: [],
    };
    expect((await linesOf({ packages: came, package_manager: 'zypper' })).slice(2)).toEqual([
      'zypper --non-interactive install --no-recommends hello',
      'zypper --non-interactive remove hello',
    ]);
    expect(await linesOf({ packages: came, package_manager: null })).toHaveLength(2);
  });

  it('leaves out what belongs to packages, what programs make for themselves, and secrets', async () => {
    const lines = await linesOf({
      paths: [
        path('/usr/bin/hello', { package: 'hello' }),
        path('/var/log/dpkg.log', { state: true }),
        path('/etc/shadow', { change: 'changed', parts: ['content'], secret: true }),
        path('/etc/ssl/private/node.key', { secret: true }),
        path('/opt/large', { size_bytes: 1_000_000 }),
        path('/opt/\nrm -rf /', { size_bytes: 1 }),
        path('/dev/thing', { type: 'device' }),
      ],
      left_out: 7,
    });
    expect(lines).toEqual([
      '# 7 more paths differ, which are too many to be listed',
      '# not made again: /etc/ssl/private/node.key (what is in it is not kept)',
      '# not made again: /opt/large (file of 1000000 bytes)',
      '# not made again: /opt/\\nrm -rf / (file of 1 bytes)',
      '# not made again: /dev/thing (device)',
    ]);
  });

  it('makes accounts that packages did not make', async () => {
    const lines = await linesOf({
      paths: [path('/etc/passwd', { change: 'changed', parts: ['content'] })],
      texts: { '/etc/passwd': 'root:x:0:0::/root:/bin/sh\n' },
      accounts: {
        users: [
          { name: 'ops', uid: '900', gid: '900', comment: 'Their work', home: '/srv/ops', shell: '/bin/sh' },
        ],
        groups: [{ name: 'ops', gid: '900' }],
        members: [{ group: 'adm', user: 'ops' }],
        others: ['user root'],
      },
    });
    expect(lines).toEqual([
      'getent group ops >/dev/null || groupadd --gid 900 ops',
      "getent passwd ops >/dev/null || useradd --uid 900 --gid 900 --no-create-home --home-dir /srv/ops --shell /bin/sh --comment 'Their work' ops",
      'usermod --append --groups adm ops',
      '# passwords are not set again',
      '# not made again: user root was changed or removed',
    ]);
  });

  it('says when it is longer than a job takes', () => {
    const paths = Array.from({ length: 4_000 }, (_, index) => path(`/opt/${'x'.repeat(80)}-${index}`));
    const texts = Object.fromEntries(paths.map(({ path: name }) => [name, '']));
    expect(proposeScript({ ...NOTHING, paths, texts }, 'x86_64')).toContain('It is too long for that');
  });
});
