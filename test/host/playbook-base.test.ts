/** The playbook `base` on Debian images that resolve names and keep the time in different ways, with all of its variables. */
import { lstat, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type BaseLayout,
  baseTwice,
  expectBase,
  expectSecondRunToChangeNothing,
} from '../support/base-playbook.ts';
import { type CustomizeBench, never, openCustomizeBench } from '../support/customize.ts';
import { logOf } from '../support/jobs.ts';
import { makeAuthority } from '../support/packages.ts';

const BUNDLE = 'etc/ssl/certs/ca-certificates.crt';
const REPOSITORY = {
  name: 'site',
  url: 'https://packages.local/repository/site',
  distribution: 'stable',
  components: 'main',
  signed_by: '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ\n-----END PGP PUBLIC KEY BLOCK-----\n',
};
const install = (packages: string) =>
  `apt-get update -qq; apt-get install -qq -y --no-install-recommends ${packages} >/dev/null`;

let bench: CustomizeBench;
let authority: string;
beforeAll(async () => {
  bench = await openCustomizeBench();
  authority = (await makeAuthority(join(bench.folder, 'authority'))).ca;
});
afterAll(() => bench?.close());

async function play(before: string, layout: BaseLayout): Promise<string> {
  const made = await bench.customize({
    changes: [{ kind: 'command', name: 'before', command: before }, ...baseTwice(REPOSITORY, authority)],
  });
  const job = await bench.until(made.id, never);
  const log = (await logOf(bench.service, job.id)).join('\n');
  expect(job.state, log).toBe('succeeded');
  expectSecondRunToChangeNothing(log);
  const root = await bench.rootOf(job);
  await expectBase(root, layout, authority);
  expect(await readFile(join(root, 'etc/apt/sources.list.d/site.sources'), 'utf8')).toBe(
    `Types: deb
URIs: https://packages.local/repository/site
Suites: stable
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQ
 -----END PGP PUBLIC KEY BLOCK-----
`,
  );
  for (const path of ['root/.ansible', 'run/kiln', 'usr/bin/python3']) {
    await expect(lstat(join(root, path))).rejects.toThrow('ENOENT');
  }
  return root;
}

it('writes resolv.conf and the servers of chrony, where systemd-resolved is there and not enabled', async () => {
  const before = `${install('ca-certificates chrony')}
    echo 'server 192.0.2.99 iburst' > /etc/chrony/sources.d/other.sources
    : > /usr/lib/systemd/systemd-resolved`;
  await play(before, {
    names: 'resolv.conf',
    chrony: ['etc/chrony/chrony.conf', 'etc/chrony/sources.d/other.sources'],
    bundle: BUNDLE,
  });
});

it('gives them to systemd-resolved and systemd-timesyncd where Debian has these', async () => {
  const root = await play(install('ca-certificates systemd-resolved systemd-timesyncd'), {
    names: 'systemd-resolved',
    chrony: [],
    bundle: BUNDLE,
  });
  expect(await readlink(join(root, 'etc/resolv.conf'))).toBe('../run/systemd/resolve/stub-resolv.conf');
  // Its package moved the name servers of the image aside, and what was lent meanwhile with them.
  expect(await readFile(join(root, 'etc/.resolv.conf.systemd-resolved.bak'), 'utf8')).toBe(
    'nameserver 192.0.2.53\n',
  );
});
