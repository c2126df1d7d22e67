/** Build nodes as those who look after them reach them: see features/nodes/watch.ts. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Architecture } from '../../../contract/common.ts';
import type { BuildNode, NodeProblem } from '../../../contract/nodes.ts';
import { mustRun } from '../../../platform/exec.ts';
import { packageFile } from '../../../platform/package-root.ts';
import { type Bundle, makeBundle } from './bundle.ts';
import { pinHostKey, scanHostKeys } from './host-key.ts';
import { type Found, lookAt } from './look.ts';
import { ship } from './ship.ts';
import { runOn, type SshIdentity } from './ssh.ts';

const SWEEP_MS = 120_000;

export interface NodeReachOptions {
  /** Private folder for the key of Kiln and the host keys of nodes. */
  readonly folder: string;
  /** Folder for what is made to be sent. */
  readonly cacheFolder: string;
  /** How long the work of failed jobs is kept. */
  readonly checkpointHours: number;
  /** Makes or finds the builder root for machines of this architecture; gives its squashfs. */
  readonly builderRoot: (arch: Architecture) => Promise<string>;
}

/** What a node is sent: digests by which it is found there. */
export interface Equipment {
  readonly builderRoot: string;
  readonly runner: string;
}

export function createReach(options: NodeReachOptions) {
  const key = join(options.folder, 'id_ed25519');
  const digests = new Map<string, Promise<string>>();
  let making: Promise<Bundle> | undefined;
  let keyMaking: Promise<void> | undefined;

  /** Made at first use. */
  async function publicKey(): Promise<string> {
    keyMaking ??= makeKey(options.folder, key);
    await keyMaking;
    return (await readFile(`${key}.pub`, 'utf8')).trim();
  }

  const bundle = () => {
    making ??= makeBundle(join(options.cacheFolder, 'node-bundles'));
    return making;
  };

  function digestOf(file: string): Promise<string> {
    const known = digests.get(file) ?? sha256Of(file);
    digests.set(file, known);
    return known;
  }

  function identityOf({ xname }: Pick<BuildNode, 'xname'>): SshIdentity {
    const name = createHash('sha256').update(xname).digest('hex').slice(0, 32);
    return { key, knownHosts: join(options.folder, 'known-hosts', name) };
  }

  async function equipmentFor(
    arch: Architecture,
  ): Promise<Equipment & { rootFile: string; bundleFile: string }> {
    const rootFile = await options.builderRoot(arch);
    const { sha256, file } = await bundle();
    return { builderRoot: await digestOf(rootFile), runner: sha256, rootFile, bundleFile: file };
  }

  async function look(node: BuildNode) {
    await publicKey();
    const problem = (what: string, hint: string): NodeProblem => ({ what, hint });
    const unseen = { runtime_status: 'Unknown', facts: null, seen_fingerprints: [] };
    const failed = (ssh_status: string, hint: string) => ({
      ...unseen,
      ssh_status,
      problems: [problem(ssh_status, hint)],
    });
    if (node.address === null) {
      return failed('its address is not known', `Say it: kiln nodes add ${node.xname} --address HOST`);
    }
    const keys = await scanHostKeys(node);
    if (keys.length === 0) {
      return failed(
        `no sshd answers at ${node.address}, port ${node.port}`,
        'Check that the node runs, that its address and port are right, and that no firewall is between.',
      );
    }
    const seen_fingerprints = keys.map(({ fingerprint }) => fingerprint);
    const pinned = keys.find(({ fingerprint }) => fingerprint === node.fingerprint);
    if (pinned === undefined) {
      const what =
        node.fingerprint === null
          ? 'nobody has confirmed its host key'
          : 'it shows another host key than was confirmed';
      const hint = `Compare with \`ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub\` on the node, then: kiln nodes add ${node.xname} --fingerprint SHA256:...`;
      return { ...failed(what, hint), seen_fingerprints };
    }
    const identity = identityOf(node);
    await pinHostKey(identity.knownHosts, pinned);
    try {
      const found = await lookAt(node, identity);
      known.set(node.xname, found);
      return {
        ssh_status: 'SSH connection OK',
        runtime_status: found.problems.length === 0 ? 'runc OK' : (found.problems[0]?.what ?? ''),
        facts: found.facts,
        problems: found.problems,
        seen_fingerprints: [],
      };
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      const hint = /Permission denied/.test(what)
        ? `Add the key that \`kiln nodes key\` shows to authorized_keys of ${node.user} on the node.`
        : 'Try it by hand with the same user, address and port.';
      return { ...failed(what, hint), seen_fingerprints: [] };
    }
  }
  /** What the last look at a node has found. */
  const known = new Map<string, Found>();

  return {
    publicKey,
    identityOf,
    equipmentFor,
    look,

    async prepare(
      node: BuildNode,
      { arch }: Found['facts'],
      onProgress: (progress: { what: string; done_bytes: number; total_bytes: number }) => void,
    ): Promise<void> {
      if (arch === null) {
        throw new Error(`${node.xname} is of no architecture that Kiln builds on`);
      }
      const has = known.get(node.xname)?.has ?? new Set();
      const { builderRoot, runner, rootFile, bundleFile } = await equipmentFor(arch);
      const wanted = [
        { what: 'the runner', sha256: runner, file: bundleFile, isRunner: true },
        { what: 'the builder root', sha256: builderRoot, file: rootFile, isRunner: false },
      ];
      for (const { what, ...shipment } of wanted.filter(({ sha256 }) => !has.has(sha256))) {
        await ship(node, identityOf(node), shipment, (done_bytes, total_bytes) =>
          onProgress({ what, done_bytes, total_bytes }),
        );
      }
    },

    async sweep(node: BuildNode, liveJobIds: readonly string[]): Promise<void> {
      const arch = known.get(node.xname)?.facts.arch ?? null;
      if (arch !== null) {
        const equipment = await equipmentFor(arch);
        const wanted = `${equipment.builderRoot},${equipment.runner}`;
        const sweep = ['sweep-jobs', String(options.checkpointHours), wanted, ...liveJobIds];
        const words = await enterWords(node, equipment, sweep);
        const result = await runOn(node, identityOf(node), words, { timeoutMs: SWEEP_MS });
        if (result.exitCode !== 0) {
          throw new Error(
            `what jobs left could not be removed: ${result.tail.at(-1) ?? `code ${result.exitCode}`}`,
          );
        }
      }
    },
  };
}

/** The command that runs the runner on a node with these words. */
export async function enterWords(
  { folder }: Pick<BuildNode, 'folder'>,
  { builderRoot, runner }: Equipment,
  words: readonly string[],
): Promise<string[]> {
  const script = await readFile(packageFile('src/adapters/executors/node/scripts/enter.sh'), 'utf8');
  return ['sh', '-c', script, 'enter.sh', folder, builderRoot, runner, ...words];
}

async function makeKey(folder: string, key: string): Promise<void> {
  const script = `umask 077; mkdir -p "$0"; [ -f "$1" ] || { rm -f "$1.new" "$1.new.pub"
ssh-keygen -q -t ed25519 -N "" -C kiln -f "$1.new"; mv "$1.new.pub" "$1.pub"; mv "$1.new" "$1"; }`;
  await mustRun(['sh', '-euc', script, folder, key]);
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
