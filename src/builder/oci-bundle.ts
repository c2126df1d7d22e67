/**
 * The OCI bundle of one sandboxed command: what it sees, may do and may use. Pure data; runc.ts runs it.
 */
import { canLimitSwap } from './cgroup.ts';
import type { SandboxLimits } from './sandbox.ts';
import { seccompProfile } from './seccomp.ts';

/** First id of the host that a sandbox uses, and how many follow; nobody else has them. */
export const ID_SHIFT = 1_000_000_000;
export const ID_COUNT = 65_536;

/**
 * The measured minimum for Kiwi with apt, zypper and dnf. They count in the sandbox's own user namespace only:
 * SYS_ADMIN is for the mounts that Kiwi makes, the rest is what unpacking packages needs.
 */
const CAPABILITIES = [
  'CAP_SYS_ADMIN',
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_SETFCAP',
  'CAP_SYS_CHROOT',
  'CAP_MKNOD',
  'CAP_KILL',
];

export interface BundleOptions {
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd: string;
  /** Overlay that becomes `/`. */
  rootfs: string;
  /** Mounts to show, with the flags that they have. */
  binds: readonly { source: string; at: string }[];
  /** Network namespace to join; a new, empty one unless given. */
  networkNamespace?: string;
  cgroup: string;
  limits: SandboxLimits;
}

export function ociBundle(options: BundleOptions) {
  const idMapping = [{ containerID: 0, hostID: ID_SHIFT, size: ID_COUNT }];
  const { limits } = options;
  return {
    ociVersion: '1.0.2',
    hostname: 'kiln-build',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: options.argv,
      env: Object.entries(options.env).map(([name, value]) => `${name}=${value}`),
      cwd: options.cwd,
      capabilities: { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES },
      rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }],
      // When the host itself is short of memory, a build goes before its services.
      oomScoreAdj: 500,
      // Packages of every distribution have set-user-id programs, and their scripts run them.
      noNewPrivileges: false,
    },
    root: { path: options.rootfs, readonly: false },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      tmpfs('/dev', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
      },
      tmpfs('/dev/shm', ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=1g']),
      // What commands are given to work with, secrets among it, is in memory and never on the disk.
      tmpfs('/run', ['nosuid', 'nodev', 'mode=755', 'size=256m']),
      // Kiwi binds /sys into the new root, where packages want to change its owner: a real sysfs would refuse.
      tmpfs('/sys', ['nosuid', 'noexec', 'nodev', 'mode=755', 'size=1m']),
      ...options.binds.map((bind) => ({
        destination: bind.at,
        type: 'bind',
        source: bind.source,
        options: ['rbind'],
      })),
    ],
    linux: {
      namespaces: [
        { type: 'user' },
        { type: 'mount' },
        { type: 'pid' },
        { type: 'ipc' },
        { type: 'uts' },
        { type: 'cgroup' },
        options.networkNamespace === undefined
          ? { type: 'network' }
          : { type: 'network', path: options.networkNamespace },
      ],
      uidMappings: idMapping,
      gidMappings: idMapping,
      cgroupsPath: options.cgroup,
      resources: {
        memory: { limit: limits.memoryBytes, ...(canLimitSwap() ? { swap: limits.memoryBytes } : {}) },
        ...(limits.cpus > 0 ? { cpu: { quota: Math.round(limits.cpus * 100_000), period: 100_000 } } : {}),
        pids: { limit: limits.pids },
        // runc adds null, zero, full, random, urandom, tty and ptmx.
        devices: [{ allow: false, access: 'rwm' }],
      },
      // A user namespace guards what the usual masks guard, and with masks the kernel refuses the fresh /proc that
      // scripts of real recipes mount.
      maskedPaths: [],
      readonlyPaths: [],
      seccomp: seccompProfile(),
    },
  };
}

function tmpfs(destination: string, options: string[]) {
  return { destination, type: 'tmpfs', source: 'tmpfs', options };
}
