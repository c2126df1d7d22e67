/** The playbook `base` with all of its variables, and what it has to leave in an image, whichever of its branches that takes. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { PlaybookChange } from '../../src/contract/customizations.ts';

export interface BaseLayout {
  /** Who resolves names. */
  readonly names: 'resolv.conf' | 'systemd-resolved' | 'netconfig';
  /** Files in which chrony finds servers, the one of the playbook first; none where it is systemd-timesyncd. */
  readonly chrony: readonly string[];
  readonly bundle: string;
}

/** A run of it, called by this name in the log. `repository` as in `kiln_repositories`. */
export function basePlaybook(
  name: string,
  repository: Record<string, unknown>,
  authority: string,
): PlaybookChange {
  const extra_vars = {
    kiln_dns: { servers: ['192.0.2.53', '192.0.2.54'], search: ['nmn', 'hmn'] },
    kiln_hosts: [
      { address: '192.0.2.71', names: ['packages.local'] },
      { address: '192.0.2.9', names: ['registry.local', 'registry'] },
    ],
    kiln_ntp_servers: ['192.0.2.123', 'time.nmn'],
    kiln_repositories: [repository],
    kiln_ca: authority,
  };
  return { kind: 'playbook', name, source: { ships: 'base' }, extra_vars };
}

/** The second run is to change nothing. */
export function baseTwice(repository: Record<string, unknown>, authority: string): PlaybookChange[] {
  return ['first run', 'second run'].map((name) => basePlaybook(name, repository, authority));
}

/** `log`: of the job. */
export function expectSecondRunToChangeNothing(log: string): void {
  expect(log).toMatch(/^(.*: )?first run: .*\d changed/m);
  expect(log).toMatch(/^(.*: )?second run: (?!.*changed).*\d ok/m);
  expect(log).not.toContain('WARNING');
}

/** All but the repositories, whose file is of the package manager. `root`: of the image, unpacked. */
export async function expectBase(root: string, layout: BaseLayout, authority: string): Promise<void> {
  const text = (path: string) => readFile(join(root, path), 'utf8');
  expect(await text('etc/hosts')).toContain(
    '# BEGIN kiln base\n192.0.2.71 packages.local\n192.0.2.9 registry.local registry\n# END kiln base\n',
  );
  expect(await text('etc/hosts')).not.toContain('127.0.0.2');
  expect(await text(layout.bundle)).toContain(authority.trim());

  const [mine, ...beside] = layout.chrony;
  if (mine === undefined) {
    expect(await text('etc/systemd/timesyncd.conf.d/kiln-base.conf')).toBe(
      '[Time]\nNTP=192.0.2.123 time.nmn\n',
    );
  } else {
    const servers = (await Promise.all([mine, ...beside].map(text))).join('').match(/^(server|pool) .*/gm);
    expect(servers).toEqual(['server 192.0.2.123 iburst', 'server time.nmn iburst']);
  }

  const resolver = {
    'resolv.conf': ['etc/resolv.conf', 'search nmn hmn\nnameserver 192.0.2.53\nnameserver 192.0.2.54\n'],
    'systemd-resolved': [
      'etc/systemd/resolved.conf.d/kiln-base.conf',
      '[Resolve]\nDNS=192.0.2.53 192.0.2.54\nDomains=nmn hmn\n',
    ],
    netconfig: [
      'etc/sysconfig/network/config',
      'NETCONFIG_DNS_STATIC_SEARCHLIST="nmn hmn"\nNETCONFIG_DNS_STATIC_SERVERS="192.0.2.53 192.0.2.54"\n',
    ],
  } as const;
  const [path, content] = resolver[layout.names];
  expect(await text(path)).toContain(content);
}
