/**
 * SSH connections to a build node: with Kiln's own key, to the host key that somebody has confirmed, with time limits, and
 * without any setting of the user or the machine.
 */
import type { BuildNode } from '../../../contract/nodes.ts';
import { type CommandOptions, type CommandResult, runCommand, shellQuote } from '../../../platform/exec.ts';

/** What the host key of a node is filed under in the list of known hosts that is made for it. */
export const HOST_ALIAS = 'kiln-node';
const CONNECT_SECONDS = 10;
const ALIVE_SECONDS = 5;
const ALIVE_TIMES = 3;

export interface SshIdentity {
  /** File of the private key. */
  readonly key: string;
  /** File with the host key of the node alone. */
  readonly knownHosts: string;
}

type Target = Pick<BuildNode, 'address' | 'port' | 'user'>;

/** The words of ssh before the remote command. Connections end 15 s after the other side was last heard of. */
export function sshWords(
  target: Target,
  { key, knownHosts }: SshIdentity,
  also: readonly string[] = [],
): string[] {
  const options = {
    BatchMode: 'yes',
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: knownHosts,
    GlobalKnownHostsFile: '/dev/null',
    HostKeyAlias: HOST_ALIAS,
    IdentityFile: key,
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    PreferredAuthentications: 'publickey',
    ConnectTimeout: String(CONNECT_SECONDS),
    ServerAliveInterval: String(ALIVE_SECONDS),
    ServerAliveCountMax: String(ALIVE_TIMES),
    LogLevel: 'ERROR',
    ForwardAgent: 'no',
    RequestTTY: 'no',
  };
  return [
    'ssh',
    '-F',
    '/dev/null',
    ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    ...also,
    '-p',
    String(target.port),
    '-l',
    target.user,
    '--',
    target.address ?? '',
  ];
}

/** The command as the shell of the node gets it: by root. */
export function remoteCommand({ user }: Pick<BuildNode, 'user'>, argv: readonly string[]): string {
  return shellQuote(user === 'root' ? argv : ['sudo', '-n', '--', ...argv]);
}

/** Runs a command on the node. */
export function runOn(
  target: Target,
  identity: SshIdentity,
  argv: readonly string[],
  options: CommandOptions & { timeoutMs: number },
): Promise<CommandResult> {
  return runCommand([...sshWords(target, identity), remoteCommand(target, argv)], options);
}
