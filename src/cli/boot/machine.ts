/** The command line of the virtual machine that boots an image; measured on hosts with and without KVM. */

import type { Architecture } from '../../contract/common.ts';

export interface Machine {
  readonly arch: Architecture;
  readonly memoryMib: number;
  readonly cpus: number;
  readonly accel: 'tcg' | 'kvm';
  /** Of the processor, as QEMU names it; without one, all that can be emulated or that the host has. */
  readonly cpu?: string;
  /** Files on this host. */
  readonly kernel: string;
  readonly initrd: string;
  /** Port of this host's loopback that serves the root file system. */
  readonly rootfsPort: number;
  /** More for the kernel command line, in this order; empty ones are left out. */
  readonly parameters: readonly string[];
}

interface Kind {
  readonly emulator: string;
  /** Of Debian. */
  readonly package: string;
  readonly hardware: readonly string[];
  /** What the processor is where it is emulated. */
  readonly cpu: string;
  /** Of its kernel. */
  readonly parameters: readonly string[];
}

/**
 * What is emulated does not speculate: what a kernel does against that costs time and protects nothing. And where a processor
 * waits for the host's, a stall says nothing about the image.
 */
const EMULATED_PARAMETERS = ['mitigations=off', 'rcupdate.rcu_cpu_stall_suppress=1'];

/** An aarch64 machine computes pointer authentication as the architecture says unless told otherwise, and boots in thrice the time. */
const KINDS: Record<Architecture, Kind> = {
  x86_64: {
    emulator: 'qemu-system-x86_64',
    package: 'qemu-system-x86',
    // A graphics card that nobody looks at: its driver clears a frame buffer, which held up a busy host's machine for a minute.
    hardware: ['-vga', 'none'],
    cpu: 'max',
    // Asking the BIOS for its disks hangs some emulated machines.
    parameters: ['console=ttyS0', 'edd=off'],
  },
  aarch64: {
    emulator: 'qemu-system-aarch64',
    package: 'qemu-system-arm',
    hardware: ['-machine', 'virt'],
    cpu: 'max,pauth-impdef=on',
    parameters: ['console=ttyAMA0'],
  },
};

/** The program that is a machine of this architecture, and the Debian package that has it. */
export function emulatorOf(arch: Architecture): Pick<Kind, 'emulator' | 'package'> {
  return KINDS[arch];
}

export function machineCommand(machine: Machine): string[] {
  const { emulator, hardware, cpu: emulated, parameters: own } = KINDS[machine.arch];
  const isEmulated = machine.accel === 'tcg';
  const cpu = machine.cpu ?? (isEmulated ? emulated : 'max');
  const parameters = [
    ...own,
    // 10.0.2.2 is this host, as a guest with user networking sees it.
    `root=live:http://10.0.2.2:${machine.rootfsPort}/rootfs`,
    'rd.live.image',
    'rd.live.overlay.overlayfs=1',
    'ip=dhcp',
    'rd.neednet=1',
    'panic=-1',
    ...(isEmulated ? EMULATED_PARAMETERS : []),
    ...machine.parameters.filter((text) => text !== ''),
  ];
  return [
    // The machine must not outlive a killed kiln.
    ...['setpriv', '--pdeathsig', 'KILL', emulator, ...hardware],
    ...['-accel', isEmulated ? 'tcg,thread=multi' : 'kvm', '-cpu', cpu],
    ...['-m', String(machine.memoryMib), '-smp', String(machine.cpus), '-nographic', '-no-reboot'],
    ...['-netdev', 'user,id=n0', '-device', 'virtio-net-pci,netdev=n0'],
    ...['-kernel', machine.kernel, '-initrd', machine.initrd, '-append', parameters.join(' ')],
  ];
}

/** The boot parameters that an image ships, in one line and without the root that its cluster would name. */
export function ownParameters(text: string): string {
  const words = text.split(/\s+/).filter((word) => word !== '' && !/^(root|etag)=/.test(word));
  return words.join(' ');
}
