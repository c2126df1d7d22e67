/** Sends files to a build node under their digest, in pieces: what arrived of one that broke off is not sent again. */
import { readFile, stat } from 'node:fs/promises';
import type { BuildNode } from '../../../contract/nodes.ts';
import { MIB } from '../../../platform/bytes.ts';
import { mustRun } from '../../../platform/exec.ts';
import { packageFile } from '../../../platform/package-root.ts';
import { remoteCommand, runOn, type SshIdentity, sshWords } from './ssh.ts';

const PIECE_BYTES = 32 * MIB;
const PIECE_MS = 300_000;
const FINISH_MS = 120_000;

export interface Shipment {
  /** Of the file, hexadecimal. */
  readonly sha256: string;
  readonly file: string;
  /** Whether it is an archive to be unpacked as a runner. */
  readonly isRunner: boolean;
}

const script = (name: string) => readFile(packageFile('src/adapters/executors/node/scripts', name), 'utf8');

/** Throws `CommandError` with the last words of ssh when the connection breaks off, or the node has no room. */
export async function ship(
  node: BuildNode,
  identity: SshIdentity,
  { sha256, file, isRunner }: Shipment,
  onProgress: (doneBytes: number, totalBytes: number) => void,
): Promise<void> {
  const { size: total } = await stat(file);
  const target = `${node.folder}/files/${sha256}`;
  const take = await script('take.sh');
  // At first it is only asked how much is there.
  let done = await piece(node, identity, { take, file, target, offset: 0, bytes: 0 });
  while (done < total) {
    onProgress(done, total);
    done = await piece(node, identity, { take, file, target, offset: done, bytes: PIECE_BYTES });
  }
  onProgress(done, total);
  const words = ['sh', '-c', await script('finish.sh'), 'finish.sh', node.folder, sha256];
  const result = await runOn(node, identity, isRunner ? [...words, 'runner'] : words, {
    timeoutMs: FINISH_MS,
  });
  if (result.exitCode !== 0) {
    throw new Error(`${node.xname} did not take ${file}: ${result.tail.at(-1) ?? `code ${result.exitCode}`}`);
  }
}

interface Piece {
  readonly take: string;
  readonly file: string;
  readonly target: string;
  readonly offset: number;
  readonly bytes: number;
}

/** Gives how much of the file the node has after it. */
async function piece(node: BuildNode, identity: SshIdentity, given: Piece): Promise<number> {
  const { take, file, target, offset, bytes } = given;
  const ssh = [
    ...sshWords(node, identity),
    remoteCommand(node, ['sh', '-c', take, 'take.sh', target, String(offset)]),
  ];
  const pipe =
    'file=$1 offset=$2 bytes=$3; shift 3; tail -c "+$((offset + 1))" -- "$file" 2>/dev/null | head -c "$bytes" | "$@"';
  const words = ['sh', '-c', pipe, 'sh', file, String(offset), String(bytes), ...ssh];
  const { stdout } = await mustRun(words, { timeoutMs: PIECE_MS });
  const size = Number(/^size=(\d+)$/m.exec(stdout)?.[1]);
  if (!Number.isSafeInteger(size)) {
    throw new Error(`${node.xname} did not say how much it has of ${file}`);
  }
  return size;
}
