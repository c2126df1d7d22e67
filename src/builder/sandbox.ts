/**
 * The sandbox as the runner sees it: a workspace on a disk of its own, and commands that run in it inside a
 * pristine overlay of the builder root. Everything about runc, namespaces and mounts is behind this.
 */
import type { Socket } from 'node:net';
import type { CommandResult } from '../platform/exec.ts';
import type { ImageOverlay, OverlayOptions } from './overlay.ts';

export interface SandboxLimits {
  readonly diskBytes: number;
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly pids: number;
}

/** A TCP service that commands with an outbound network find at an address of their own loopback. */
export interface InnerService {
  readonly address: string;
  readonly port: number;
  /** Gets every connection; it owns the socket. */
  readonly onConnection: (socket: Socket) => void;
}

export interface WorkspaceOptions {
  readonly jobId: string;
  /** Folder of the job on the host; the disk image and the mounts live below it. */
  readonly folder: string;
  /** Squashfs of the builder root, ids shifted. */
  readonly builderRoot: string;
  readonly limits: SandboxLimits;
  /** PEM certificates that the programs of the builder root trust besides their own. */
  readonly trustedCertificates: readonly string[];
  /** More names that commands with an outbound network can resolve, with their addresses. */
  readonly hosts?: Readonly<Record<string, string>>;
  readonly services?: readonly InnerService[];
  /** Commands with an outbound network will come: it opens beside everything else, and they do not wait for it. */
  readonly outboundSoon?: boolean;
  /** File of the disk, which then outlives the workspace: its caller's. One that is there is used as it is. */
  readonly diskFile?: string;
}

export interface Bind {
  /** A folder of the workspace disk, made by `makeFolder`, or an overlay. */
  readonly folder: string;
  /** Where it is in the sandbox, absolute. */
  readonly at: string;
  readonly writable: boolean;
}

/** A folder of the host that commands see read-only or, like a package cache, writable. Trusted callers only. */
export interface HostBind {
  readonly hostPath: string;
  readonly at: string;
  readonly writable: boolean;
}

export interface SandboxCommand {
  readonly argv: readonly string[];
  /** Besides PATH, HOME and LANG. */
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly input?: string | Buffer;
  readonly binds: readonly Bind[];
  readonly hostBinds?: readonly HostBind[];
  /** `none`: an empty network namespace. `outbound`: connections out, but none to the host's loopback. */
  readonly network: 'none' | 'outbound';
  /** Replaces the builder root's own files for this command, by absolute path; for example /etc/hosts. */
  readonly files?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly secrets?: readonly string[];
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
}

export interface SandboxResult extends CommandResult {
  /** Whether the kernel killed a process of it because the memory limit was reached. */
  readonly outOfMemory: boolean;
}

export interface Workspace {
  /** Makes an empty folder on the workspace disk, owned by the sandbox's root. */
  makeFolder(name: string): Promise<void>;
  removeFolder(name: string): Promise<void>;
  /**
   * Lays an overlay over the squashfs of an image. Commands see it as the folder of that name, and the image as it was as
   * `NAME-original`; its layers are in the folder `NAME-layers` of the disk.
   */
  openOverlay(name: string, options: OverlayOptions): Promise<ImageOverlay>;
  /**
   * Path on the host of a folder of the disk. What a sandboxed command could write to is hostile: read only
   * folders that no untrusted command had writable, and never follow links in them.
   */
  hostPath(folder: string): string;
  /** Writes a file into a folder that no untrusted command has had yet, owned by the sandbox's root. */
  writeFile(folder: string, name: string, data: string | Buffer): Promise<void>;
  /** Runs a command to its end, whatever its exit code. Throws `sandbox-failed` when it cannot be started. */
  run(command: SandboxCommand): Promise<SandboxResult>;
  /** Stops the commands that run while the work goes on, so that nothing changes what it looks at. */
  whilePaused<T>(work: () => Promise<T>): Promise<T>;
  usage(): Promise<{ freeBytes: number; totalBytes: number }>;
  /** Ends what still runs, unmounts and removes everything. Safe to repeat. */
  close(): Promise<void>;
}
