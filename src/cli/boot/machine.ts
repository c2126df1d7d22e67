/** The command line of the virtual machine that boots an image; measured on hosts with and without KVM. */

export interface Machine {
  readonly memoryMib: number;
  readonly cpus: number;
  readonly accel: 'tcg' | 'kvm';
  /** Files on this host. */
  readonly kernel: string;
  readonly initrd: string;
  /** Port of this host's loopback that serves the root file system. */
  readonly rootfsPort: number;
  /** More for the kernel command line, in this order; empty ones are left out. */
  readonly parameters: readonly string[];
}

export const EMULATOR = 'qemu-system-x86_64';

export function machineCommand(machine: Machine): string[] {
  const parameters = [
    'console=ttyS0',
    // Asking the BIOS for its disks hangs some emulated machines.
    'edd=off',
    // 10.0.2.2 is this host, as a guest with user networking sees it.
    `root=live:http://10.0.2.2:${machine.rootfsPort}/rootfs`,
    'rd.live.image',
    'rd.live.overlay.overlayfs=1',
    'ip=dhcp',
    'rd.neednet=1',
    'panic=-1',
    ...machine.parameters.filter((text) => text !== ''),
  ];
  return [
    // The machine must not outlive a killed kiln.
    ...['setpriv', '--pdeathsig', 'KILL', EMULATOR],
    ...['-accel', machine.accel === 'tcg' ? 'tcg,thread=multi' : 'kvm', '-cpu', 'max'],
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
