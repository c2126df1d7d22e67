/**
 * `npm run bench -- repositories`: what Kiln's own package server costs, beside what sites use.
 *
 * - serving: 10,000 packages over TLS, kept by a proxy, beside nginx with the same files, certificate and load.
 * - adding: one package to a hosted repository of 5,000, from upload to the new metadata, beside `createrepo_c
 *   --update` over the same files.
 * - again: what the second build of a recipe asks an upstream for.
 *
 * Needs the Debian packages nginx-light and wrk. Load and servers share the processors of this machine.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { openWorkspace } from '../../src/builder/workspace.ts';
import { formatBytes, GIB } from '../../src/platform/bytes.ts';
import { mustRun, startCommand } from '../../src/platform/exec.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { testBuilderRoot } from '../support/builder-root.ts';
import { createJob, untilOver } from '../support/jobs.ts';
import {
  freePort,
  packagesPortOf,
  peakMemoryBytes,
  startService,
  type TestService,
} from '../support/kiln.ts';
import { askPackages, makeAuthority } from '../support/packages.ts';
import { makeTinyRpm, registerTinyRpm, TINY_RPM } from '../support/tiny-rpm.ts';

const SERVED = 10_000;
const HOSTED = 5_000;
/** Sizes of packages of a distribution lie between these, most of them small. */
const SIZES = { smallest: 8_192, largest: 1_048_576 };
const CONNECTIONS = 16;
const SECONDS = 15;

export async function benchRepositories(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-bench-'));
  const authority = await makeAuthority(join(folder, 'ca'));
  const certificate = await authority.issue(['packages.local', '127.0.0.1']);
  const files = { cert: join(folder, 'server.crt'), key: join(folder, 'server.key') };
  await writeFile(files.cert, certificate.cert);
  await writeFile(files.key, certificate.key, { mode: 0o600 });
  const service = await startService({
    'packages.certificate_file': files.cert,
    'packages.key_file': files.key,
    'trust.ca_file': await written(join(folder, 'ca.pem'), authority.ca),
    'packages.port': String(await freePort()),
    'log.level': 'error',
  });
  try {
    // One part alone: `npm run bench -- repositories adding`.
    const only = process.argv[3];
    const parts = {
      serving: () => benchServing(service, folder, files),
      adding: () => benchAdding(service, folder, authority.ca),
      again: () => benchAgain(service),
    };
    for (const [name, part] of Object.entries(parts)) {
      if (only === undefined || only === name) {
        await part();
      }
    }
    console.log(`\npeak resident memory of the service: ${formatBytes(await peakMemoryBytes(service.pid))}`);
  } finally {
    await service.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function written(file: string, text: string): Promise<string> {
  await writeFile(file, text);
  return file;
}

async function benchServing(
  service: TestService,
  folder: string,
  certificate: { cert: string; key: string },
): Promise<void> {
  const root = join(folder, 'upstream', 'repository', 'large');
  const names = await makeUpstream(root);
  const upstream = await serveFolder(root);
  await mustKiln(service, [
    'repositories',
    'create',
    'large',
    '--kind',
    'proxy',
    '--upstream',
    upstream.url,
    '--refresh-seconds',
    '86400',
  ]);
  const port = packagesPortOf(service);
  // Warm: the proxy has every package before the clock runs, as nginx has.
  await mustRun([
    'wrk',
    '-t1',
    '-c8',
    '-d1s',
    `https://127.0.0.1:${port}/repository/large/repodata/repomd.xml`,
  ]);
  const started = performance.now();
  await fetchAll(
    names.map((name) => `https://127.0.0.1:${port}/repository/large/${name}`),
    folder,
  );
  console.log(`proxy: ${SERVED} packages fetched, verified and kept in ${seconds(started)} s`);
  await upstream.close();

  const script = join(folder, 'load.lua');
  await writeFile(script, loadScript(names));
  const nginx = await startNginx(folder, certificate);
  try {
    const loads = { nginx: nginx.port, kiln: port };
    const rates: Record<string, number> = {};
    for (const round of [1, 2]) {
      for (const [name, each] of Object.entries(loads)) {
        const rate = await wrk(each, script);
        rates[name] = Math.max(rates[name] ?? 0, rate.bytes);
        console.log(
          `round ${round}, ${name.padEnd(5)}: ${rate.requests.toFixed(0)} packages/s, ${formatBytes(rate.bytes)}/s`,
        );
      }
    }
    const ratio = (rates['kiln'] ?? 0) / (rates['nginx'] ?? 1);
    console.log(`kiln / nginx: ${ratio.toFixed(2)} of its throughput (goal: at least 0.50)`);
  } finally {
    await nginx.stop();
  }
}

/** Files of random content, and metadata that vouches for them. */
async function makeUpstream(root: string): Promise<string[]> {
  await mkdir(join(root, 'Packages'), { recursive: true });
  await mkdir(join(root, 'repodata'), { recursive: true });
  const entries: string[] = [];
  const names: string[] = [];
  for (let index = 0; index < SERVED; index += 1) {
    const size = Math.round(
      SIZES.smallest * (SIZES.largest / SIZES.smallest) ** (((index % 100) / 100) ** 1.6),
    );
    const data = randomBytes(size);
    const name = `Packages/package-${index}.rpm`;
    await writeFile(join(root, name), data);
    names.push(name);
    const sha256 = createHash('sha256').update(data).digest('hex');
    entries.push(
      `<package type="rpm"><name>package-${index}</name><arch>noarch</arch><version epoch="0" ver="1" rel="1"/><checksum type="sha256" pkgid="YES">${sha256}</checksum><size package="${size}"/><location href="${name}"/></package>`,
    );
  }
  const primary = `<metadata xmlns="http://linux.duke.edu/metadata/common" packages="${SERVED}">${entries.join('\n')}</metadata>`;
  await writeFile(join(root, 'repodata', 'primary.xml'), primary);
  const sha256 = createHash('sha256').update(primary).digest('hex');
  await writeFile(
    join(root, 'repodata', 'repomd.xml'),
    `<repomd><data type="primary"><checksum type="sha256">${sha256}</checksum><location href="repodata/primary.xml"/><size>${Buffer.byteLength(primary)}</size></data></repomd>`,
  );
  return names;
}

async function serveFolder(root: string) {
  const { createReadStream } = await import('node:fs');
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    const data = createReadStream(join(root, request.url ?? ''));
    data.on('error', () => response.writeHead(404).end());
    data.pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: () => asked,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function fetchAll(urls: readonly string[], folder: string): Promise<void> {
  const list = join(folder, 'urls');
  await writeFile(list, urls.map((url) => `url = "${url}"\noutput = /dev/null\n`).join(''));
  await mustRun(['curl', '-sSfk', '--parallel', '--parallel-max', '8', '--config', list], {
    timeoutMs: 600_000,
  });
}

function loadScript(names: readonly string[]): string {
  return `local names = {${names.map((name) => `"${name}"`).join(',')}}
math.randomseed(42)
request = function()
  return wrk.format("GET", "/repository/large/" .. names[math.random(#names)])
end
`;
}

async function wrk(port: number, script: string): Promise<{ requests: number; bytes: number }> {
  const { stdout } = await mustRun(
    ['wrk', '-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, '-s', script, `https://127.0.0.1:${port}`],
    { timeoutMs: 120_000 },
  );
  if (/Non-2xx|Socket errors/.test(stdout)) {
    throw new Error(`not every request was answered:\n${stdout}`);
  }
  const [, amount = '0', unit = ''] = /Transfer\/sec:\s+([\d.]+)([KMG]?)B/.exec(stdout) ?? [];
  const factor = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }[unit] ?? 1;
  return { requests: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]), bytes: Number(amount) * factor };
}

async function startNginx(folder: string, { cert, key }: { cert: string; key: string }) {
  const port = await freePort();
  const config = join(folder, 'nginx.conf');
  await writeFile(
    config,
    `worker_processes ${cpus().length};
error_log ${folder}/nginx.log; pid ${folder}/nginx.pid; user root;
events {}
http { access_log off; sendfile on; client_body_temp_path ${folder}/n1; proxy_temp_path ${folder}/n2;
  fastcgi_temp_path ${folder}/n3; uwsgi_temp_path ${folder}/n4; scgi_temp_path ${folder}/n5;
  server { listen 127.0.0.1:${port} ssl; ssl_certificate ${cert}; ssl_certificate_key ${key}; root ${folder}/upstream; } }
`,
  );
  const command = await startCommand(['nginx', '-c', config, '-g', 'daemon off;']);
  await waitFor(
    () =>
      mustRun([
        'curl',
        '-skf',
        '-o',
        '/dev/null',
        `https://127.0.0.1:${port}/repository/large/repodata/repomd.xml`,
      ]).then(
        () => true,
        () => undefined,
      ),
    {
      timeoutMs: 10_000,
      describe: () => 'nginx to answer',
    },
  );
  return { port, stop: () => command.stop() };
}

async function benchAdding(service: TestService, folder: string, ca: string): Promise<void> {
  const made = await makeMany(folder);
  await mustKiln(service, ['repositories', 'create', 'many']);
  const started = performance.now();
  const [last = '', ...rest] = made.files;
  await mustKiln(service, ['repositories', 'upload', 'many', ...rest]);
  console.log(`\nhosted: ${rest.length} packages uploaded and published in ${seconds(started)} s`);
  const before = performance.now();
  const data = (await import('node:fs')).createReadStream(last);
  const { Readable } = await import('node:stream');
  await service.client.repositories.upload('many', 'Packages/last.rpm', Readable.toWeb(data));
  const { status } = await service.client.repositories.publish('many');
  const answer = await askPackages(
    { port: packagesPortOf(service), ca, name: 'packages.local' },
    '/repository/many/repodata/repomd.xml',
  );
  const kiln = (performance.now() - before) / 1000;
  if (status.packages !== HOSTED || answer.status !== 200) {
    throw new Error(`the repository has ${status.packages} packages, and answers ${answer.status}`);
  }
  console.log(`kiln: one package more, from upload to metadata: ${kiln.toFixed(2)} s (goal: under 2 s)`);
  console.log(`createrepo_c --update over the same files: ${made.updateSeconds.toFixed(2)} s`);
  console.log(`kiln / createrepo_c --update: ${(kiln / made.updateSeconds).toFixed(2)}`);
}

/** Five thousand packages out of a few runs of rpmbuild, and how long an update of their metadata takes with its tool. */
async function makeMany(folder: string): Promise<{ files: string[]; updateSeconds: number }> {
  const out = join(folder, 'many');
  await mkdir(out);
  const workspace = await openWorkspace({
    jobId: `bench-${process.pid}`,
    folder: join(folder, 'making'),
    builderRoot: (await testBuilderRoot()).path,
    limits: { diskBytes: 8 * GIB, memoryBytes: 4 * GIB, cpus: 2, pids: 512 },
    trustedCertificates: [],
  });
  try {
    await workspace.makeFolder('out');
    const binds = [{ folder: 'out', at: '/work/out', writable: true }];
    const perSpec = 500;
    for (let first = 0; first < HOSTED; first += perSpec) {
      const result = await workspace.run({
        argv: [
          'rpmbuild',
          '--quiet',
          '--define=_topdir /tmp/build',
          '--define=__os_install_post %{nil}',
          '--define=_binary_payload w1.gzdio',
          '--define=_rpmdir /work/out',
          '--define=_build_name_fmt %%{NAME}.rpm',
          '-bb',
          '/tmp/many.spec',
        ],
        files: { '/tmp/many.spec': manySpec(first, perSpec) },
        binds,
        network: 'none',
      });
      if (result.exitCode !== 0) {
        throw new Error(result.tail.join('\n'));
      }
    }
    const update = async () =>
      workspace.run({
        argv: ['createrepo_c', '--quiet', '--no-database', '--update', '--skip-stat', '.'],
        cwd: '/work/out',
        binds,
        network: 'none',
      });
    await workspace.run({
      argv: ['mv', '/work/out/many-0.rpm', '/work/out/many-0.held'],
      binds,
      network: 'none',
    });
    await update();
    await workspace.run({
      argv: ['mv', '/work/out/many-0.held', '/work/out/many-0.rpm'],
      binds,
      network: 'none',
    });
    const started = performance.now();
    await update();
    const updateSeconds = (performance.now() - started) / 1000;
    await mustRun(['sh', '-c', 'cp "$0"/*.rpm "$1"', workspace.hostPath('out'), out]);
    const files = (await readdir(out)).sort().map((name) => join(out, name));
    return { files, updateSeconds };
  } finally {
    await workspace.close();
  }
}

function manySpec(first: number, count: number): string {
  const numbers = Array.from({ length: count }, (_, index) => first + index);
  const packages = numbers.map(
    (number) =>
      `%package -n many-${number}\nSummary: One of many\n%description -n many-${number}\nIt has a few files.\n%files -n many-${number}\n/usr/share/many/${number}\n`,
  );
  const files = numbers.map(
    (number) =>
      `mkdir -p %{buildroot}/usr/share/many/${number}; cd %{buildroot}/usr/share/many/${number}; touch one two three four five six seven eight`,
  );
  return `Name: many-source-${first}\nVersion: 1\nRelease: 1\nSummary: Many\nLicense: MIT\nBuildArch: noarch\n%description\nMany.\n${packages.join('')}%install\n${files.join('\n')}\n`;
}

async function benchAgain(service: TestService): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-bench-upstream-'));
  await writeFile(join(folder, TINY_RPM), await makeTinyRpm());
  await mkdir(join(folder, 'root'));
  const builder = await testBuilderRoot();
  const workspace = await openWorkspace({
    jobId: `bench-again-${process.pid}`,
    folder: join(folder, 'making'),
    builderRoot: builder.path,
    limits: { diskBytes: GIB, memoryBytes: GIB, cpus: 2, pids: 128 },
    trustedCertificates: [],
  });
  await workspace.makeFolder('repo');
  await pipeline(
    (await import('node:fs')).createReadStream(join(folder, TINY_RPM)),
    createWriteStream(join(workspace.hostPath('repo'), TINY_RPM)),
  );
  await workspace.run({
    argv: ['createrepo_c', '--quiet', '--no-database', '.'],
    cwd: '/work/repo',
    binds: [{ folder: 'repo', at: '/work/repo', writable: true }],
    network: 'none',
  });
  const upstream = await serveFolder(workspace.hostPath('repo'));
  try {
    await mustKiln(service, [
      'repositories',
      'create',
      'again',
      '--kind',
      'proxy',
      '--upstream',
      upstream.url,
      '--refresh-seconds',
      '3600',
    ]);
    const recipe = await registerTinyRpm(service, {
      manager: 'zypper',
      url: 'https://packages.local/repository/again',
    });
    const counts: number[] = [];
    for (const _ of [1, 2]) {
      const before = upstream.asked();
      const job = await untilOver(service, (await createJob(service, recipe)).id);
      if (job.state !== 'succeeded') {
        throw new Error(JSON.stringify(job.reason));
      }
      counts.push(upstream.asked() - before);
    }
    console.log(
      `\nrequests to the upstream: ${counts[0]} for the first build, ${counts[1]} for the second (goal: 0)`,
    );
  } finally {
    await upstream.close();
    await workspace.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function mustKiln(service: TestService, words: readonly string[]): Promise<void> {
  const result = await service.kiln(words);
  if (result.exitCode !== 0) {
    throw new Error(result.tail.join('\n'));
  }
}

function seconds(started: number): string {
  return ((performance.now() - started) / 1000).toFixed(1);
}
