/** A hostile recipe against the real sandbox: every way out that docs/security.md names is tried, and must fail. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hostMirror } from '../../src/builder/apt-sources.ts';
import type {
  SandboxCommand,
  SandboxResult,
  Workspace,
  WorkspaceOptions,
} from '../../src/builder/sandbox.ts';
import { openWorkspace } from '../../src/builder/workspace.ts';
import { GIB, MIB } from '../../src/platform/bytes.ts';
import { mustRun, runCommand } from '../../src/platform/exec.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { testBuilderRoot } from '../support/builder-root.ts';
import { processesWith } from '../support/kiln.ts';

const SECRET = 'the-secret-of-the-host';

let base: string;
let builderRoot: string;
let workspace: Workspace;
let jobs = 0;
const opened: Workspace[] = [];

beforeAll(async () => {
  builderRoot = (await testBuilderRoot()).path;
  // As private as a state folder: the sandbox's root may not even walk through it.
  base = await mkdtemp(join(tmpdir(), 'kiln-sandbox-'));
  await writeFile(join(base, 'secret'), SECRET, { mode: 0o644 });
  workspace = await open();
  opened.length = 0;
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
});
afterAll(async () => {
  await workspace?.close();
  await rm(base, { recursive: true, force: true });
});

function nextJob(): string {
  jobs += 1;
  return `sandbox-test-${process.pid}-${jobs}`;
}

async function open(options: Partial<WorkspaceOptions> = {}): Promise<Workspace> {
  const jobId = nextJob();
  const created = await openWorkspace({
    jobId,
    folder: join(base, jobId),
    builderRoot,
    limits: { diskBytes: GIB, memoryBytes: 512 * MIB, cpus: 2, pids: 128 },
    trustedCertificates: [],
    ...options,
  });
  opened.push(created);
  await created.makeFolder('build');
  return created;
}

function sandboxed(
  where: Workspace,
  argv: readonly string[],
  options: Partial<SandboxCommand> = {},
): Promise<SandboxResult> {
  const binds = [{ folder: 'build', at: '/work', writable: true }];
  return where.run({ argv, binds, network: 'none', timeoutMs: 300_000, ...options });
}

const shell = (script: string, options: Partial<SandboxCommand> = {}) =>
  sandboxed(workspace, ['bash', '-c', script], options);
const textOf = (result: SandboxResult) => result.tail.join('\n');

describe('a command', () => {
  it('gives its output, its exit code and the command without secrets', async () => {
    const result = await shell('read line; echo "got $line"; echo hush-hush; exit 7', {
      input: 'some input\n',
      secrets: ['hush-hush'],
    });
    expect(result).toMatchObject({ exitCode: 7, outOfMemory: false, timedOut: false, aborted: false });
    expect(result.stdout).toBe('got some input\n***\n');
    expect(result.command).not.toContain('hush-hush');
  });

  it('sees its own tools, folders and files, and leaves nothing in the next one', async () => {
    const script = 'touch /left /work/kept; rm -f /usr/bin/kiwi-ng; cat /etc/motd';
    const files = { '/etc/motd': 'hello from outside\n' };
    expect(textOf(await shell(script, { files }))).toContain('hello from outside');
    const next = await shell('ls / /work /usr/bin/kiwi-ng');
    expect(next.exitCode).toBe(0);
    expect(next.stdout).toContain('kept');
    expect(next.stdout).not.toContain('left');
  });

  it('cannot write what is bound read-only, by remounting it neither', async () => {
    const result = await shell('mount -o remount,bind,rw /work; echo x > /work/no', {
      binds: [{ folder: 'build', at: '/work', writable: false }],
    });
    expect(textOf(result)).toContain('Read-only file system');
    expect(existsSync(join(workspace.hostPath('build'), 'no'))).toBe(false);
  });

  it('is refused with the reason when its program is not there', async () => {
    await expect(sandboxed(workspace, ['no-such-program'])).rejects.toMatchObject({
      code: 'sandbox-failed',
      message: expect.stringContaining('no-such-program'),
    });
  });

  it('cannot pass its own failure off as one of the sandbox', async () => {
    const result = await shell('echo "runc run failed: unable to start container" >&2; exit 1');
    expect(result.exitCode).toBe(1);
  });
});

describe('the host', () => {
  it('has no file that a script can read', async () => {
    const secret = join(base, 'secret');
    const result = await shell(`
      for root in "" /proc/1/root /proc/self/root /proc/1/cwd /work/../../../.. /proc/self/fd/3; do
        cat "$root${secret}" 2>&1
      done
      ln -s ${secret} /work/link; cat /work/link 2>&1
      mkdir -p /m && mount --bind ${base} /m 2>&1 && cat /m/secret
      for line in $(awk '{print $4}' /proc/self/mountinfo); do cat "$line/secret" 2>/dev/null; done
      for fd in /proc/1/fd/*; do cat "$fd/secret" 2>/dev/null; done
      true`);
    expect(result.exitCode).toBe(0);
    expect(textOf(result)).not.toContain(SECRET);
  });

  it('has no disk that a script can open or mount', async () => {
    const { dev } = await stat(base);
    const [major, minor] = [(dev >> 8) & 0xfff, dev & 0xff];
    const result = await shell(`
      mknod /disk b ${major} ${minor} && echo made-disk
      head -c 512 /disk >/dev/null && echo read-disk
      mkdir -p /m && mount -t ext4 /disk /m && echo mounted-disk
      mknod /mem c 1 1 && echo made-mem
      ls /dev/loop* /dev/vd* /dev/sd* /dev/kmsg /dev/mem /dev/fuse 2>/dev/null && echo saw-device
      truncate -s 1M /file; losetup --show -f /file && echo made-loop
      true`);
    expect(textOf(result)).not.toMatch(/made-|read-|mounted-|saw-/);
  });

  it('has no kernel setting, cgroup or log that a script can reach', async () => {
    const corePattern = await readFile('/proc/sys/kernel/core_pattern', 'utf8');
    const result = await shell(`
      mkdir -p /p /c /s
      mount -t proc proc /p || echo "a fresh proc must work"
      for proc in /proc /p; do
        echo '|/evil' > $proc/sys/kernel/core_pattern && echo wrote-core
        echo 1 > $proc/sys/kernel/panic && echo wrote-panic
        echo h > $proc/sysrq-trigger && echo wrote-sysrq
        [ "$(head -c 1 $proc/kcore | wc -c)" = 1 ] && echo read-kcore
        [ "$(timeout 1 head -c 1 $proc/kmsg | wc -c)" = 1 ] && echo read-kmsg
      done
      dmesg && echo read-dmesg
      for controller in memory devices pids cpu; do
        mount -t cgroup -o $controller c /c 2>/dev/null || continue
        echo /evil > /c/release_agent && echo wrote-agent
        for file in /c/memory.limit_in_bytes /c/pids.max /c/devices.allow; do
          [ -e $file ] && echo max > $file && echo wrote-limit
        done
        mkdir /c/own && echo made-cgroup
        umount /c
      done
      mount -t cgroup2 c /c && mkdir /c/own && echo made-cgroup2
      mount -t sysfs sysfs /s && echo mounted-sysfs
      mount -t debugfs debugfs /s && echo mounted-debugfs
      hostname other
      date -s @0 && echo set-clock
      true`);
    expect(result.exitCode).toBe(0);
    expect(textOf(result)).not.toContain('a fresh proc must work');
    expect(textOf(result)).not.toMatch(/^(wrote|read|made|mounted|set)-/m);
    expect(await readFile('/proc/sys/kernel/core_pattern', 'utf8')).toBe(corePattern);
  });

  it('has no process that a script can see or signal', async () => {
    const result = await shell(
      `ls /proc | grep -cE '^[0-9]+$'; kill -0 ${process.pid} && echo signalled; true`,
    );
    expect(Number(result.stdout.split('\n')[0])).toBeLessThan(8);
    expect(textOf(result)).not.toContain('signalled');
  });

  it('keeps its own network namespaces, whatever network a sandbox has', async () => {
    const name = `kiln-${process.pid}`;
    await mustRun(['ip', 'netns', 'add', name]);
    try {
      const other = await open();
      await other.run({ argv: ['true'], binds: [], network: 'outbound' });
      await other.close();
      expect(await runCommand(['ip', 'netns', 'exec', name, 'true'])).toMatchObject({ exitCode: 0 });
    } finally {
      await mustRun(['ip', 'netns', 'del', name]);
    }
  });

  it('gives no way into another namespace or to forbidden system calls', async () => {
    const result = await sandboxed(workspace, ['python3', '-'], { input: FORBIDDEN_CALLS });
    expect(textOf(result)).toBe('done');
  });
});

/** Prints the names of the calls that the kernel took up; numbers are of x86-64. */
const FORBIDDEN_CALLS = `
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
calls = dict(ptrace=101, init_module=175, delete_module=176, kexec_load=246, bpf=321, perf_event_open=298,
    keyctl=250, add_key=248, request_key=249, userfaultfd=323, open_by_handle_at=304, reboot=169, swapon=167,
    settimeofday=164, clock_settime=227, io_uring_setup=425, setns=308, process_vm_readv=310, syslog=103)
for name, number in calls.items():
    ctypes.set_errno(0)
    libc.syscall(number, 0, 0, 0, 0, 0)
    if ctypes.get_errno() not in (errno.ENOSYS, errno.EPERM):
        print(name, errno.errorcode.get(ctypes.get_errno()))
CLONE_NEWUSER = 0x10000000
if libc.unshare(CLONE_NEWUSER) == 0 or libc.syscall(56, CLONE_NEWUSER | 17, 0, 0, 0, 0) >= 0:
    print('a user namespace')
print('done')
`;

describe('limits', () => {
  it('end a command that needs more memory, and say so', async () => {
    const result = await sandboxed(workspace, ['python3', '-c', `bytearray(${800 * MIB})`]);
    expect(result).toMatchObject({ outOfMemory: true, exitCode: 137 });
  });

  it('say so too when only a child was ended', async () => {
    const result = await shell(`python3 -c 'bytearray(${800 * MIB})'; echo survived`);
    expect(result).toMatchObject({ outOfMemory: true, exitCode: 0 });
  });

  it('hold processes', async () => {
    // Not bash, which tries again and again before it gives up.
    const script = 'for i in $(seq 300); do sleep 50 & done';
    const result = await sandboxed(workspace, ['sh', '-c', script]);
    expect(textOf(result)).toMatch(/Cannot fork|Resource temporarily unavailable/);
  });

  it('hold the disk, whichever folder is filled', async () => {
    const small = await open({ limits: { diskBytes: 256 * MIB, memoryBytes: GIB, cpus: 2, pids: 128 } });
    for (const file of ['/work/fill', '/fill']) {
      const result = await sandboxed(small, ['dd', 'if=/dev/zero', `of=${file}`, 'bs=1M']);
      expect(textOf(result)).toContain('No space left on device');
    }
    const { blocks } = await stat(join(base, `sandbox-test-${process.pid}-${jobs}`, 'disk.img'));
    expect(blocks * 512).toBeLessThanOrEqual(257 * MIB);
    expect((await small.usage()).freeBytes).toBeLessThan(4 * MIB);
  });

  it('allow disks of a gibibyte and of two tebibytes, which take no space until they are used', async () => {
    for (const diskBytes of [GIB, 2048 * GIB]) {
      const sized = await open({ limits: { diskBytes, memoryBytes: GIB, cpus: 2, pids: 128 } });
      expect((await sized.usage()).totalBytes).toBeGreaterThan(0.95 * diskBytes);
      const { blocks } = await stat(join(base, `sandbox-test-${process.pid}-${jobs}`, 'disk.img'));
      expect(blocks * 512).toBeLessThan(300 * MIB);
    }
  });
});

describe('the network', () => {
  const connect = (hosts: readonly string[], port: number) => `
import socket
for host in ${JSON.stringify(hosts)}:
    try:
        socket.create_connection((host, ${port}), 2).close()
        print('connected', host)
    except OSError as error:
        print('refused', host)
`;

  it('does not lead to the loopback of the host, where the API listens', async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      for (const network of ['none', 'outbound'] as const) {
        const input = connect(['127.0.0.1', '10.0.2.2', 'localhost', '127.0.0.2'], port);
        const result = await sandboxed(workspace, ['python3', '-'], { network, input });
        expect(result.stdout).not.toContain('connected');
        expect(result.stdout.match(/refused/g)).toHaveLength(4);
      }
      expect(connections).toBe(0);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('leads out when it is outbound', async () => {
    const mirror = await hostMirror();
    const fetch = `import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=30).status)`;
    const argv = ['python3', '-c', fetch, `${mirror}/dists/forky/Release`];
    const out = await sandboxed(workspace, argv, { network: 'outbound' });
    expect(out.stdout, textOf(out)).toBe('200\n');
    expect((await sandboxed(workspace, argv)).exitCode).toBe(1);
  });

  it('has the certificates that the workspace trusts', async () => {
    const [key, certificate] = [join(base, 'key.pem'), join(base, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    await mustRun(
      ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject].concat([
        '-keyout',
        key,
        '-out',
        certificate,
      ]),
    );
    const pem = await readFile(certificate, 'utf8');
    const files = { '/server.pem': `${await readFile(key, 'utf8')}${pem}` };
    const trusting = await open({ trustedCertificates: [pem] });
    const trusted = await sandboxed(trusting, ['python3', '-'], { files, input: TLS_TO_ITSELF });
    expect(trusted.stdout, textOf(trusted)).toBe('verified\n');
    const untrusted = await sandboxed(workspace, ['python3', '-'], { files, input: TLS_TO_ITSELF });
    expect(untrusted.stdout).not.toContain('verified');
  });
});

const TLS_TO_ITSELF = `
import socket, ssl, threading
server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server_context.load_cert_chain('/server.pem')
listener = socket.create_server(('127.0.0.1', 0))
def serve():
    try:
        with server_context.wrap_socket(listener.accept()[0], server_side=True) as server:
            server.recv(1)
    except OSError:
        pass
threading.Thread(target=serve, daemon=True).start()
with socket.create_connection(listener.getsockname()) as plain:
    with ssl.create_default_context().wrap_socket(plain, server_hostname='localhost'):
        print('verified')
`;

describe('other jobs', () => {
  it('have workspaces that a script cannot reach', async () => {
    const other = await open();
    await other.writeFile('build', 'private', 'private to the other job');
    const folder = other.hostPath('build');
    const result = await shell(`
      cat ${folder}/private /proc/*/root${folder}/private /run/kiln-sandbox/*/build/private 2>&1
      find / -xdev -name private -exec cat {} + 2>/dev/null; true`);
    expect(textOf(result)).not.toContain('private to the other job');
  });
});

describe('the end', () => {
  it('of a command is the end of its daemons', async () => {
    const mark = `kiln-daemon-${process.pid}`;
    const result = await shell(`
      (setsid nohup bash -c 'exec -a ${mark} sleep 1000' >/dev/null 2>&1 &) &
      until pgrep -f '^${mark}' >/dev/null 2>&1 || grep -lq ${mark} /proc/[0-9]*/cmdline; do :; done
      echo daemon runs`);
    expect(textOf(result)).toContain('daemon runs');
    expect(processesWith(mark)).toEqual([]);
  });

  it('comes at once on abort, however deaf the command is', async () => {
    const mark = `kiln-deaf-${process.pid}`;
    const stop = new AbortController();
    const running = shell(`trap "" TERM INT HUP; echo ready; exec -a ${mark} sleep 1000`, {
      signal: stop.signal,
      onLine: () => stop.abort(),
    });
    const result = await running;
    expect(result.aborted).toBe(true);
    expect(result.durationMs).toBeLessThan(100_000);
    expect(processesWith(mark)).toEqual([]);
  });

  it('comes on abort at any moment of the start', async () => {
    for (const milliseconds of [0, 10, 30, 60]) {
      const result = await shell('sleep 1000', { signal: AbortSignal.timeout(milliseconds) });
      expect(result.aborted).toBe(true);
    }
  });

  it('comes when the time is up', async () => {
    const result = await shell('sleep 1000', { timeoutMs: 300 });
    expect(result).toMatchObject({ timedOut: true, aborted: false });
  });

  it('of a workspace leaves no process, mount, loop device, cgroup or file', async () => {
    const jobId = nextJob();
    const folder = join(base, jobId);
    const closing = await open({ jobId, folder });
    await sandboxed(closing, ['true'], { network: 'outbound' });
    // Trees that are deeper than a path may be long must not keep it from going.
    const deep = 'import os\nfor i in range(3000):\n  os.mkdir("d" * 200)\n  os.chdir("d" * 200)';
    await sandboxed(closing, ['python3', '-c', deep], { cwd: '/work' });
    let ready: () => void = () => {};
    const started = new Promise<void>((resolve) => {
      ready = resolve;
    });
    const running = sandboxed(closing, ['bash', '-c', 'echo up; sleep 1000'], { onLine: ready });
    await started;
    await closing.close();
    await closing.close();
    expect((await running).aborted).toBe(true);
    expect(existsSync(folder)).toBe(false);
    expect(processesWith(jobId)).toEqual([]);
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(jobId);
    const cgroups = await runCommand(['find', '/sys/fs/cgroup', '-type', 'd', '-path', `*${jobId}*`]);
    expect(cgroups.stdout).toBe('');
    // The folder that jobs share may only be there for another job, which may be about to end.
    const withoutJobs = ['-maxdepth', '2', '-name', 'kiln', '-links', '2'];
    await waitFor(
      async () =>
        (await runCommand(['find', '/sys/fs/cgroup', ...withoutJobs])).stdout === '' ? true : undefined,
      { timeoutMs: 60_000, describe: () => 'the cgroup of all jobs to go with the last one' },
    );
    await waitFor(async () => ((await loops()).includes(jobId) ? undefined : true), {
      timeoutMs: 60_000,
      describe: () => `the loop devices of ${jobId} to be free`,
    });
  });

  it('of a failed opening leaves nothing either', async () => {
    const jobId = nextJob();
    const folder = join(base, jobId);
    const broken = join(base, 'broken.squashfs');
    await writeFile(broken, 'not a file system');
    await expect(open({ jobId, folder, builderRoot: broken })).rejects.toMatchObject({
      code: 'sandbox-failed',
    });
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(jobId);
    expect(existsSync(folder)).toBe(false);
  });
});

async function loops(): Promise<string> {
  return (await mustRun(['losetup', '--list', '--noheadings', '--output', 'NAME,BACK-FILE'])).stdout;
}

describe('folders of the host', () => {
  it('are shown read-only or writable as asked', async () => {
    const cache = join(base, 'cache');
    await mkdir(cache, { mode: 0o777 });
    await mustRun(['chmod', '0777', cache]);
    await writeFile(join(cache, 'package'), 'cached');
    const bind = (writable: boolean) => ({ hostBinds: [{ hostPath: cache, at: '/cache', writable }] });
    expect((await shell('cat /cache/package; touch /cache/new', bind(false))).stdout).toBe('cached');
    expect(existsSync(join(cache, 'new'))).toBe(false);
    expect((await shell('touch /cache/new', bind(true))).exitCode).toBe(0);
    expect(existsSync(join(cache, 'new'))).toBe(true);
  });
});
