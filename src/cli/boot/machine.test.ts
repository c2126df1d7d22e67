import { expect, test } from 'vitest';
import { machineCommand, ownParameters } from './machine.ts';

const machine = {
  arch: 'x86_64',
  memoryMib: 2048,
  cpus: 3,
  accel: 'tcg',
  kernel: '/k',
  initrd: '/i',
  rootfsPort: 4711,
  parameters: ['quiet', '', 'a=b c'],
} as const;

function valueAfter(argv: readonly string[], flag: string): string | undefined {
  return argv[argv.indexOf(flag) + 1];
}

test('the machine fetches its root from this host, as a node does from the store', () => {
  const parameters = valueAfter(machineCommand(machine), '-append')?.split(' ') ?? [];
  expect(parameters).toContain('root=live:http://10.0.2.2:4711/rootfs');
  expect(parameters).toContain('console=ttyS0');
  expect(parameters.slice(-3)).toEqual(['quiet', 'a=b', 'c']);
  expect(parameters).not.toContain('');
});

test('size, kernel and acceleration are those that were asked for', () => {
  const argv = machineCommand(machine);
  expect(valueAfter(argv, '-m')).toBe('2048');
  expect(valueAfter(argv, '-smp')).toBe('3');
  expect(valueAfter(argv, '-kernel')).toBe('/k');
  expect(valueAfter(argv, '-initrd')).toBe('/i');
  expect(valueAfter(argv, '-accel')).toBe('tcg,thread=multi');
  expect(valueAfter(argv, '-vga')).toBe('none');
  expect(valueAfter(argv, '-cpu')).toBe('max');
  expect(valueAfter(machineCommand({ ...machine, cpu: 'Nehalem' }), '-cpu')).toBe('Nehalem');
  const real = machineCommand({ ...machine, accel: 'kvm' });
  expect(valueAfter(real, '-accel')).toBe('kvm');
  for (const parameter of ['mitigations=off', 'rcupdate.rcu_cpu_stall_suppress=1']) {
    expect(valueAfter(argv, '-append')?.split(' ')).toContain(parameter);
    expect(valueAfter(real, '-append')).not.toContain(parameter);
  }
});

test('an image is booted on a machine of its architecture', () => {
  const argv = machineCommand({ ...machine, arch: 'aarch64' });
  expect(argv).toContain('qemu-system-aarch64');
  expect(valueAfter(argv, '-cpu')).toBe('max,pauth-impdef=on');
  expect(valueAfter(argv, '-append')?.split(' ')).toContain('console=ttyAMA0');
  expect(valueAfter(machineCommand({ ...machine, arch: 'aarch64', accel: 'kvm' }), '-cpu')).toBe('max');
});

test('an image keeps its own parameters, but not the root of its cluster', () => {
  expect(ownParameters('root=craycps-s3:s3://x etag=1 ip=dhcp\nquiet  rootdelay=3\n')).toBe(
    'ip=dhcp quiet rootdelay=3',
  );
  expect(ownParameters('\n')).toBe('');
});
