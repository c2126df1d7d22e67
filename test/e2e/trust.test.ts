/**
 * A Debian image whose bootstrap has ca-certificates trusts the platform: the certificates are there before the image's own
 * apt runs, a package owns them, and programs in a chroot of the image connect to a server that has a certificate of the
 * authority. What is so when ca-certificates comes later is in create-image.test.ts.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostMirror } from '../../src/builder/apt-sources.ts';
import type { Workspace } from '../../src/builder/sandbox.ts';
import { openWorkspace } from '../../src/builder/workspace.ts';
import type { Authority } from '../../src/packages/authority/index.ts';
import { GIB } from '../../src/platform/bytes.ts';
import { runCommand } from '../../src/platform/exec.ts';
import { packageFile } from '../../src/platform/package-root.ts';
import type { StepContext } from '../../src/runner/step.ts';
import { prepare } from '../../src/runner/steps/prepare.ts';
import { trust } from '../../src/runner/steps/trust.ts';
import { unattended } from '../../src/runner/testing/context.ts';
import { testDocument } from '../../src/runner/testing/document.ts';
import { startTlsServer, type TlsServer, testAuthority } from '../support/authority.ts';
import { testBuilderRoot } from '../support/builder-root.ts';
import { type Mirror, outsideAddress, startMirror } from '../support/mirror.ts';
import { connectFrom } from '../support/tls-client.ts';

describe('a Debian image with ca-certificates as a bootstrap package', () => {
  let folder: string;
  let workspace: Workspace;
  let authority: Authority;
  let server: TlsServer;
  let mirror: Mirror;
  const said: string[] = [];

  const context = async (): Promise<StepContext> => ({
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
  });
  const root = () => join(workspace.hostPath('build'), 'image-root');
  const inChroot = (...argv: string[]) => runCommand(['chroot', root(), ...argv], { timeoutMs: 300_000 });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kiln-trust-'));
    authority = await testAuthority(join(folder, 'authority'), { 'packages.names': outsideAddress() });
    mirror = await startMirror(authority, (await hostMirror()) ?? '');
    server = await startTlsServer(authority);
    workspace = await openWorkspace({
      jobId: `trust-${process.pid}`,
      folder: join(folder, 'sandbox'),
      builderRoot: (await testBuilderRoot()).path,
      limits: { diskBytes: 4 * GIB, memoryBytes: 4 * GIB, cpus: 2, pids: 2048 },
      trustedCertificates: authority.trusted(),
    });
    await workspace.makeFolder('recipe');
    const description = await readFile(packageFile('test', 'fixtures', 'tiny-debian', 'config.xml'), 'utf8');
    const config = description
      .replace('{{ DEBIAN_MIRROR }}', mirror.url)
      .replace('{{ EXTRA_PACKAGE }}', 'base-files')
      .replace('<package name="apt"/>', `<package name="apt"/><package name="ca-certificates"/>`);
    await workspace.writeFile('recipe', 'config.xml', config);
    try {
      await prepare.run(await context(), []);
    } catch (error) {
      throw new Error([...mirror.asked.slice(-20), ...said.slice(-20)].join('\n'), { cause: error });
    }
    await trust.run(await context(), undefined);
  });
  afterAll(async () => {
    await mirror?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    authority?.close();
    await workspace?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('has them before its own package manager runs', async () => {
    const log = await readFile(join(root(), 'var/log/dpkg.log'), 'utf8');
    const installed = [...log.matchAll(/ status installed (\S+?):/g)].map(([, name]) => name);

    expect(installed[0], said.join('\n')).toBe('kiln-platform-ca');
    expect(installed).toContain('ca-certificates');
    expect(said.filter((line) => line.includes('The image has no bundle yet'))).toEqual([]);
  });

  it('was installed from a server of the platform, by its own package manager too', () => {
    const programs = new Set(mirror.asked.map((line) => line.replace(/^\S+ /, '')));

    // The builder's apt, and the older one of the image.
    expect([...programs], mirror.asked.join('\n')).toHaveLength(2);
  });

  it('owns them in a package, and nothing else is left', async () => {
    const owner = await inChroot('dpkg', '-S', '/etc/cray/ca/certificate_authority.crt');
    expect(owner.stdout).toBe('kiln-platform-ca: /etc/cray/ca/certificate_authority.crt\n');
    const verified = await inChroot('dpkg', '--verify', 'kiln-platform-ca');
    expect([verified.exitCode, verified.stdout]).toEqual([0, '']);
    const left = await inChroot(
      'sh',
      '-c',
      'ls -d /tmp?* /tmp/* /usr/local/share/ca-certificates/* 2>/dev/null',
    );
    expect(left.stdout.trim().split('\n')).toEqual([
      expect.stringMatching(/\/kiln-platform-[0-9a-f]{16}\.crt$/),
    ]);
    expect(said.at(-1)).toMatch(/^1 certificate as the package kiln-platform-ca-.*, added to the bundle/);
  });

  it('connects to a server of the platform, with openssl and with apt', async () => {
    expect(await connectFrom(root(), server.port, ['-CApath', '/etc/ssl/certs'])).toContain(
      'Verify return code: 0 (ok)',
    );
    const fetched = await fetchWithApt(server.port);
    expect(fetched.exitCode, fetched.tail.join('\n')).toBe(0);
    expect(await readFile(join(root(), 'fetched'), 'utf8')).toBe('reached\n');
  });

  it('does not connect to one of another authority', async () => {
    const other = await testAuthority(join(folder, 'other'));
    await using stranger = await startTlsServer(other);
    other.close();

    expect(await connectFrom(root(), stranger.port, ['-CApath', '/etc/ssl/certs'])).toMatch(
      /Verify return code: (?!0 )/,
    );
    const fetched = await fetchWithApt(stranger.port);
    expect(fetched.exitCode).not.toBe(0);
    expect(fetched.tail.join('\n')).toMatch(/certificate/i);
  });

  async function fetchWithApt(port: number) {
    await writeFile(join(root(), 'etc/hosts'), '127.0.0.1 packages.local\n');
    const url = `https://packages.local:${port}/`;
    // The ids of the image are shifted on the host: apt cannot become its own user here.
    const options = ['-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Retries=0'];
    return await inChroot('/usr/lib/apt/apt-helper', ...options, 'download-file', url, '/fetched');
  }

  it('trusts both roots when it is built during a change', async () => {
    await authority.rotate();
    await trust.run(await context(), undefined);
    await authority.activate();

    expect(await connectFrom(root(), server.port, ['-CApath', '/etc/ssl/certs'])).toContain(
      'Verify return code: 0 (ok)',
    );
    expect((await inChroot('dpkg', '--verify', 'kiln-platform-ca')).exitCode).toBe(0);
  });

  it('trusts it no more when an administrator removes the package', async () => {
    const removed = await inChroot('dpkg', '--remove', 'kiln-platform-ca');
    expect(removed.exitCode, removed.tail.join('\n')).toBe(0);

    expect(await connectFrom(root(), server.port, ['-CApath', '/etc/ssl/certs'])).toMatch(
      /Verify return code: (?!0 )/,
    );
  });
});
