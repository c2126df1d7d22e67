/**
 * The host ids that stand for the ids of the sandbox: its root is nobody on the host. Builder roots are squashed
 * with their ids shifted by as much, so that the sandbox's root owns its tools.
 */

/** Host uid and gid of the sandbox's root. */
export const FIRST_ID = 1_000_000_000;

/** How many ids the sandbox has, counted from its root. */
export const ID_COUNT = 65_536;
