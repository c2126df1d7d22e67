/**
 * Inspections with the real tools, in a workspace: that the check of a description agrees with Kiwi, what the lint
 * finds, and what the solvers of zypper, dnf and apt plan, over packages that the test makes.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Workspace } from '../../src/builder/sandbox.ts';
import { openWorkspace } from '../../src/builder/workspace.ts';
import { aboutOf, valuesFor } from '../../src/cli/shipped-recipes.ts';
import type { Finding } from '../../src/contract/inspections.ts';
import { GIB } from '../../src/platform/bytes.ts';
import { packageFile } from '../../src/platform/package-root.ts';
import { type Found, gathering } from '../../src/runner/inspection/findings.ts';
import type { Description } from '../../src/runner/recipe/description.ts';
import type { StepContext } from '../../src/runner/step.ts';
import { checkDescription } from '../../src/runner/steps/inspect-description.ts';
import { lint } from '../../src/runner/steps/inspect-policy.ts';
import { reach } from '../../src/runner/steps/inspect-repositories.ts';
import { plan } from '../../src/runner/steps/plan.ts';
import { render } from '../../src/runner/steps/render.ts';
import { unattended } from '../../src/runner/testing/context.ts';
import { testDocument } from '../../src/runner/testing/document.ts';
import { testBuilderRoot } from '../support/builder-root.ts';
import { described, KIWI_REFUSES, KIWI_TAKES } from '../support/descriptions.ts';
import { makePackages } from '../support/packages.ts';

let folder: string;
let workspace: Workspace;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-inspections-'));
  workspace = await openWorkspace({
    jobId: `inspections-${process.pid}`,
    folder: join(folder, 'workspace'),
    builderRoot: (await testBuilderRoot()).path,
    limits: { diskBytes: GIB, memoryBytes: 2 * GIB, cpus: 2, pids: 256 },
    trustedCertificates: [],
  });
});
afterAll(async () => {
  await workspace.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await workspace.removeFolder('recipe');
  await workspace.makeFolder('recipe');
});

function contextOf(values: readonly { key: string; value: string }[] = []): StepContext {
  const document = testDocument();
  return {
    workspace,
    document: { ...document, source: { ...document.source, template_dictionary: [...values] } },
    signal: new AbortController().signal,
    log: () => {},
    note: () => {},
    progress: () => {},
    ...unattended(testDocument()),
  };
}

/** Makes the recipe of these files, with modes where a test needs them. */
async function recipe(
  files: Record<string, string | Buffer>,
  modes: Record<string, string> = {},
): Promise<void> {
  const names = Object.keys(files);
  for (const [index, name] of names.entries()) {
    await workspace.writeFile('recipe', `file${index}`, files[name] ?? '');
  }
  const commands = names.map((name, index) => {
    const mode = modes[name] === undefined ? '' : `; chmod ${modes[name]} '${name}'`;
    return `mkdir -p "$(dirname '${name}')"; mv file${index} '${name}'${mode}`;
  });
  const result = await workspace.run({
    argv: ['sh', '-ec', `cd /r; ${commands.join('; ')}`],
    binds: [{ folder: 'recipe', at: '/r', writable: true }],
    network: 'none',
  });
  expect(result.exitCode, result.tail.join('\n')).toBe(0);
}

async function check(
  schemaOnly = true,
): Promise<{ findings: Finding[]; description: Description | undefined }> {
  const found: Found = { findings: [] };
  const checked = await gathering(checkDescription, found).run(contextOf(), { schemaOnly });
  return { findings: found.findings, description: checked.ok ? checked.output : undefined };
}

async function kiwiTakes(): Promise<boolean> {
  const program = 'from kiwi.xml_description import XMLDescription; XMLDescription("/r/config.xml").load()';
  const result = await workspace.run({
    argv: ['python3', '-I', '-c', program],
    binds: [{ folder: 'recipe', at: '/r', writable: false }],
    network: 'none',
  });
  return result.exitCode === 0;
}

describe('the check of a description agrees with Kiwi', () => {
  it.each(Object.entries(KIWI_TAKES))('which takes %s', async (_name, files) => {
    await recipe(files);
    expect(await kiwiTakes()).toBe(true);
    expect((await check()).findings).toEqual([]);
  });

  it.each(Object.entries(KIWI_REFUSES))('which refuses %s', async (_name, { line, file, files }) => {
    await recipe(files);
    expect(await kiwiTakes()).toBe(false);
    const { findings } = await check();
    expect(findings[0], JSON.stringify(findings)).toMatchObject({
      severity: 'error',
      file: file ?? 'config.xml',
      line,
    });
  });
});

const linted = async (files: Record<string, string>, modes: Record<string, string> = {}) => {
  await recipe(files, modes);
  const { description } = await check(false);
  expect(description, 'the description of the test').toBeDefined();
  return await lint.run(contextOf(), description);
};

describe('the lint', () => {
  const user = (attributes: string) =>
    described().replace('<packages', `<users>\n<user name="root" ${attributes}/></users>\n<packages`);
  const repository = (attributes: string, url = 'http://packages.invalid/debian') =>
    described()
      .replace('components="main"', `components="main" ${attributes}`)
      .replace('http://packages.invalid/debian', url);
  const key = `-----BEGIN OPENSSH ${'PRIVATE'} KEY-----\n`;

  it.each<[string, string, Record<string, string>, string, number | undefined, Record<string, string>?]>([
    [
      'a plain password',
      'plain-password',
      { 'config.xml': user('password="secret" pwdformat="plain"') },
      'config.xml',
      7,
    ],
    [
      'a password that is not encrypted',
      'odd-password',
      { 'config.xml': user('password="secret"') },
      'config.xml',
      7,
    ],
    ['chpasswd', 'script-password', { 'config.sh': 'true\necho root:secret | chpasswd\n' }, 'config.sh', 2],
    [
      'passwd --stdin',
      'script-password',
      { 'images.sh': 'echo secret | passwd --stdin root\n' },
      'images.sh',
      1,
    ],
    ['passwd -d', 'empty-password', { 'config.sh': 'passwd -d root\n' }, 'config.sh', 1],
    [
      'curl into a shell',
      'pipe-to-shell',
      { 'config.sh': '\n\ncurl -fsSL https://x.invalid | bash\n' },
      'config.sh',
      3,
    ],
    [
      'a shell of curl',
      'pipe-to-shell',
      { 'config.sh': 'bash -c "$(curl -L https://x.invalid)"\n' },
      'config.sh',
      1,
    ],
    [
      'curl that checks nothing',
      'unchecked-download',
      { 'config.sh': 'curl -k https://x.invalid -o x\n' },
      'config.sh',
      1,
    ],
    ['a private key', 'private-key', { 'root/home/a/key': `\n${key}` }, 'root/home/a/key', 2],
    [
      'a host key',
      'host-key',
      { 'root/etc/ssh/ssh_host_rsa_key': key },
      'root/etc/ssh/ssh_host_rsa_key',
      undefined,
    ],
    [
      'authorized_keys that others may write',
      'authorized-keys-writable',
      { 'root/root/.ssh/authorized_keys': 'k' },
      'root/root/.ssh/authorized_keys',
      undefined,
      { 'root/root/.ssh/authorized_keys': '666' },
    ],
    ['http that nothing checks', 'unpinned-http', { 'config.xml': repository('') }, 'config.xml', 5],
    [
      'packages that nothing checks',
      'unchecked-packages',
      { 'config.xml': repository('package_gpgcheck="false"') },
      'config.xml',
      5,
    ],
    [
      'credentials of a repository',
      'repository-credentials',
      { 'config.xml': repository('', 'https://u:secret@packages.invalid/d') },
      'config.xml',
      5,
    ],
    [
      'no module for a live root',
      'no-live-root',
      { 'config.xml': described().replace('base-files', 'dracut') },
      'config.xml',
      undefined,
    ],
  ])('finds %s', async (_what, rule, files, file, line, modes = {}) => {
    const findings = await linted({ 'config.xml': described(), ...files }, modes);
    const found = findings.find((each) => each.rule === rule);
    expect(found, JSON.stringify(findings)).toMatchObject({ file, ...(line === undefined ? {} : { line }) });
    expect(JSON.stringify(findings)).not.toContain('secret');
  });

  it('is silent about comments, checks and modules that are there', async () => {
    const config = repository('repository_gpgcheck="true"').replace('base-files', 'dracut');
    const findings = await linted({
      'config.xml': config,
      'config.sh': '# curl x | sh\ncurl -fsSL https://x.invalid -o file\n',
      'post_bootstrap.sh': 'add_dracutmodules+=" livenet dmsquash-live "\n',
      'root/root/.ssh/authorized_keys': 'ssh-ed25519 AAAA',
    });
    expect(findings).toEqual([]);
  });
});

const SHIPPED = await readdir(packageFile('recipes'));

describe.each(SHIPPED)('the recipe %s that ships', (name) => {
  it.each(['x86_64', 'aarch64'] as const)(
    'is valid for %s by schema and policy, with its own values',
    async (arch) => {
      const source = packageFile('recipes', name);
      const files = await Promise.all(
        (await readdir(source)).map(
          async (file) => [file, await readFile(join(source, file), 'utf8')] as const,
        ),
      );
      await recipe(Object.fromEntries(files));
      const about = await aboutOf(source);
      await render.run(contextOf(about === undefined ? [] : valuesFor(about, arch, new Map())), undefined);
      const { findings, description } = await check(false);
      expect(findings).toEqual([]);
      expect(description?.name).toBe(name);
      expect(description?.repositories.every(({ url }) => url.startsWith('https://packages.local/'))).toBe(
        true,
      );
      expect(await lint.run(contextOf(), description)).toEqual([]);
    },
  );
});

describe('a plan', () => {
  let packages: Map<string, Buffer>;
  beforeAll(async () => {
    packages = await makePackages(folder, [
      { name: 'one', version: '1', requires: 'two' },
      { name: 'two', version: '2' },
      { name: 'three', version: '3', requires: 'nothing-has-this' },
      { name: 'one', version: '1', requires: 'two', format: 'apt' },
      { name: 'two', version: '2', format: 'apt' },
      { name: 'three', version: '3', requires: 'nothing-has-this', format: 'apt' },
    ]);
  });

  async function planned(manager: string, name: string, edit = (config: string) => config) {
    const isApt = manager === 'apt';
    const type = isApt ? 'type="apt-deb"' : 'type="rpm-md"';
    const config = edit(described())
      .replace('>apt<', `>${manager}<`)
      .replace(
        'type="apt-deb" alias="one" distribution="stable" components="main"',
        `${type} alias="mine"${isApt ? ' distribution="./"' : ''}`,
      )
      .replace('http://packages.invalid/debian', 'this://packages')
      .replace('base-files', name);
    const wanted = [...packages].filter(([file]) => file.endsWith('.deb') === isApt);
    await recipe({
      'config.xml': config,
      ...Object.fromEntries(wanted.map(([file, data]) => [`packages/${file}`, data])),
    });
    const index = isApt ? 'apt-ftparchive packages . > Packages' : 'createrepo_c -q .';
    const made = await workspace.run({
      argv: ['sh', '-ec', `cd /r/packages; ${index}`],
      binds: [{ folder: 'recipe', at: '/r', writable: true }],
      network: 'none',
    });
    expect(made.exitCode, made.tail.join('\n')).toBe(0);
    const { description, findings } = await check(false);
    expect(findings).toEqual([]);
    if (description === undefined) {
      throw new Error('there is no description');
    }
    return await plan.run(contextOf(), description);
  }

  it.each(['zypper', 'dnf5', 'dnf4', 'apt'])(
    'of %s has what is wanted and what that requires, with sizes',
    async (manager) => {
      const { plan: found, findings } = await planned(manager, 'one');
      expect(findings).toEqual([]);
      expect(found?.packages.map(({ name, repository }) => [name, repository])).toEqual([
        ['one', 'mine'],
        ['two', 'mine'],
      ]);
      const total = [...packages].filter(
        ([file]) => file.endsWith('.deb') === (manager === 'apt') && !file.startsWith('three'),
      );
      expect(found?.download_bytes).toBe(total.reduce((sum, [, data]) => sum + data.length, 0));
    },
  );

  it('has the packages of the profiles that Kiwi takes unasked, and of no others', async () => {
    const profiles =
      '<profiles><profile name="taken" description="t" import="true"/><profile name="left" description="l"/></profiles>';
    const sections =
      '<packages type="bootstrap" profiles="taken"><package name="one"/></packages>' +
      '<packages type="bootstrap" profiles="left"><package name="three"/></packages>';
    const { plan: found, findings } = await planned('zypper', 'two', (config) =>
      config.replace('<preferences>', `${profiles}<preferences>`).replace('</image>', `${sections}</image>`),
    );
    expect(findings).toEqual([]);
    expect(found?.packages.map(({ name }) => name)).toEqual(['one', 'two']);
  });

  it.each(['zypper', 'dnf5', 'apt'])('of %s that cannot be has the words of the solver', async (manager) => {
    const { plan: found, findings } = await planned(manager, 'three');
    expect(found).toBeNull();
    expect(findings).toMatchObject([{ rule: 'packages-unsolvable', severity: 'error' }]);
    expect(findings[0]?.message).toContain('nothing-has-this');
  });

  it('needs repositories that answer; one that does not is named with its line', async () => {
    await recipe({ 'config.xml': described() });
    const { description } = await check(false);
    const { inspected, findings } = await reach.run(contextOf(), description?.repositories ?? []);
    expect(inspected).toMatchObject([
      { alias: 'one', problem: expect.stringContaining('cannot be resolved') },
    ]);
    expect(findings).toMatchObject([{ rule: 'repository-unreachable', file: 'config.xml', line: 5 }]);
  });
});
