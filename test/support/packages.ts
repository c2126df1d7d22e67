/** A package server of its own for tests: certificates, tiny packages, and requests over TLS. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { get, request } from 'node:https';
import { join } from 'node:path';
import type { Workspace } from '../../src/builder/sandbox.ts';
import { openWorkspace } from '../../src/builder/workspace.ts';
import type {
  RepositoryRecord,
  RepositoryStore,
  UpstreamSecrets,
} from '../../src/features/repositories/store.ts';
import { GIB } from '../../src/platform/bytes.ts';
import { mustRun } from '../../src/platform/exec.ts';
import { testBuilderRoot } from './builder-root.ts';

export interface TestAuthority {
  /** PEM of the root. */
  readonly ca: string;
  /** A certificate for these names, and its key. */
  issue(names: readonly string[], options?: { expired?: boolean }): Promise<{ cert: string; key: string }>;
}

/** A certificate authority in a folder. */
export async function makeAuthority(folder: string): Promise<TestAuthority> {
  await mkdir(folder, { recursive: true });
  const at = (name: string) => join(folder, name);
  const openssl = (...words: string[]) => mustRun(['openssl', ...words], { cwd: folder });
  await openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '30',
    '-subj',
    '/CN=Test Authority',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
  );
  const ca = await readFile(at('ca.crt'), 'utf8');
  let serial = 0;
  return {
    ca,
    async issue(names, { expired = false } = {}) {
      serial += 1;
      const file = `server-${serial}`;
      const alternative = names
        .map((name) => (/^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`))
        .join(',');
      await writeFile(at(`${file}.ext`), `subjectAltName=${alternative}\nextendedKeyUsage=serverAuth\n`);
      await openssl(
        'req',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-subj',
        `/CN=${names[0]}`,
        '-keyout',
        `${file}.key`,
        '-out',
        `${file}.csr`,
      );
      // `openssl x509` takes no dates in the past; `openssl ca` wants a folder of files. This makes one that ended.
      const dates = expired
        ? ['-not_before', '20200101000000Z', '-not_after', '20200201000000Z']
        : ['-days', '30'];
      await signWith(folder, file, expired, dates, openssl);
      return {
        cert: await readFile(at(`${file}.crt`), 'utf8'),
        key: await readFile(at(`${file}.key`), 'utf8'),
      };
    },
  };
}

async function signWith(
  folder: string,
  file: string,
  expired: boolean,
  dates: readonly string[],
  openssl: (...words: string[]) => Promise<unknown>,
): Promise<void> {
  if (!expired) {
    await openssl(
      'x509',
      '-req',
      '-in',
      `${file}.csr`,
      '-CA',
      'ca.crt',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      ...dates,
      '-extfile',
      `${file}.ext`,
      '-out',
      `${file}.crt`,
    );
    return;
  }
  const config = `[ca]\ndefault_ca=a\n[a]\nnew_certs_dir=.\ndatabase=db\nserial=no\ndefault_md=sha256\npolicy=p\ncopy_extensions=none\n[p]\ncommonName=supplied\n`;
  await writeFile(join(folder, 'ca.conf'), config);
  await writeFile(join(folder, 'db'), '');
  await writeFile(join(folder, 'no'), '1000\n');
  await openssl(
    'ca',
    '-batch',
    '-config',
    'ca.conf',
    '-cert',
    'ca.crt',
    '-keyfile',
    'ca.key',
    '-startdate',
    '20200101000000Z',
    '-enddate',
    '20200201000000Z',
    '-extfile',
    `${file}.ext`,
    '-in',
    `${file}.csr`,
    '-out',
    `${file}.crt`,
    '-notext',
  );
}

/** Records of repositories in memory. */
export function memoryRepositories(): RepositoryStore & {
  secretsFor(name: string, secrets: UpstreamSecrets): void;
} {
  const records = new Map<string, RepositoryRecord>();
  const secrets = new Map<string, UpstreamSecrets>();
  return {
    list: async () => [...records.values()],
    find: async (name) => records.get(name),
    async put(record, given) {
      records.set(record.name, record);
      if (given !== undefined) {
        secrets.set(record.name, given);
      }
    },
    secrets: async (name) => secrets.get(name) ?? { password: null, ca_certificates: null },
    delete: async (name) => records.delete(name),
    secretsFor: (name, given) => void secrets.set(name, given),
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Asks a package server at a port of this host, by the name that its certificate has. */
export function askPackages(
  { port, ca, name = 'packages.local' }: { port: number; ca: string; name?: string },
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: Buffer } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = options;
    const send = method === 'GET' ? get : request;
    const sent = send(
      { host: '127.0.0.1', port, path, method, headers, ca, servername: name, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        );
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    if (method !== 'GET') {
      sent.end(body);
    }
  });
}

const SPEC = `Name: NAME
Version: VERSION
Release: 1
Summary: A package for tests <with marks> & more
License: MIT
BuildArch: noarch
REQUIRES
%description
It has one file.
%install
mkdir -p %{buildroot}/usr/share/NAME
echo VERSION > %{buildroot}/usr/share/NAME/version
%files
/usr/share/NAME
`;

/** Makes tiny packages with the tools of the builder root; gives their bytes by file name. */
export async function makePackages(
  folder: string,
  wanted: readonly { name: string; version: string; requires?: string; format?: 'rpm' | 'apt' }[],
): Promise<Map<string, Buffer>> {
  const workspace = await openWorkspace({
    jobId: `packages-${process.pid}-${Math.random().toString(36).slice(2)}`,
    folder: join(folder, 'making'),
    builderRoot: (await testBuilderRoot()).path,
    limits: { diskBytes: GIB, memoryBytes: GIB, cpus: 2, pids: 128 },
    trustedCertificates: [],
  });
  try {
    await workspace.makeFolder('out');
    const files = new Map<string, Buffer>();
    const script = wanted.map(scriptFor).join('\n');
    await mustDo(workspace, `set -e; mkdir -p /tmp/b; cd /tmp/b\n${script}`);
    for (const { name, version, format = 'rpm' } of wanted) {
      const file = format === 'rpm' ? `${name}-${version}-1.noarch.rpm` : `${name}_${version}_all.deb`;
      files.set(file, await readFile(join(workspace.hostPath('out'), file)));
    }
    return files;
  } finally {
    await workspace.close();
  }
}

function scriptFor({
  name,
  version,
  requires,
  format = 'rpm',
}: {
  name: string;
  version: string;
  requires?: string;
  format?: 'rpm' | 'apt';
}): string {
  if (format === 'apt') {
    const depends = requires === undefined ? '' : `Depends: ${requires}\\n`;
    return `rm -rf d; mkdir -p d/DEBIAN d/usr/share/${name}; echo ${version} > d/usr/share/${name}/version
printf 'Package: ${name}\\nVersion: ${version}\\nArchitecture: all\\nMaintainer: Test <test@example.com>\\n${depends}Description: test\\n' > d/DEBIAN/control
dpkg-deb --root-owner-group -b d /work/out/${name}_${version}_all.deb >/dev/null`;
  }
  const spec = SPEC.replaceAll('NAME', name)
    .replaceAll('VERSION', version)
    .replace('REQUIRES\n', requires === undefined ? '' : `Requires: ${requires}\n`);
  return `cat > ${name}.spec <<'EOF'\n${spec}EOF
rpmbuild --quiet --define "_topdir /tmp/b" --define "_rpmdir /work/out" --define "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm" -bb ${name}.spec`;
}

async function mustDo(workspace: Workspace, script: string): Promise<void> {
  const result = await workspace.run({
    argv: ['sh', '-c', script],
    binds: [{ folder: 'out', at: '/work/out', writable: true }],
    network: 'none',
  });
  if (result.exitCode !== 0) {
    throw new Error(`packages for tests cannot be made:\n${result.tail.join('\n')}`);
  }
}
