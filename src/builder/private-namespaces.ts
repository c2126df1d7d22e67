/**
 * Commands that need mounts of their own. They run in a private mount and pid namespace, so that whatever way
 * they end, the kernel drops their mounts and ends their children: there is nothing to clean up after a kill.
 */

// `unshare` holds TERM back while it waits; the shell around it does not. When TERM ends the shell, the one door
// for commands kills the rest of the group, and with the namespace's first process the kernel ends all others.
// A shell gives background commands an empty input, hence the detour over descriptor 3.
const WAIT_FOR_NAMESPACE = `
exec 3<&0
setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child=KILL --propagation private --mount-proc -- "$@" <&3 3<&- &
exec 3<&-
wait $!
`;

/** The command that runs `argv` in private namespaces and ends with it, with its caller, or on TERM at once. */
export function inPrivateNamespaces(argv: readonly string[]): string[] {
  return ['setpriv', '--pdeathsig', 'KILL', 'sh', '-c', WAIT_FOR_NAMESPACE, 'sh', ...argv];
}
