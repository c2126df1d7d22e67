import { expect, test } from 'vitest';
import { machineCommand, ownParameters } from './machine.ts';

const machine = {
  memoryMib: 2048,
  cpus: 3,
  accel: 'tcg',
  kernel: '/k',
  initrd: '/i',
  rootfsPort: 4711,
  parameters: ['quiet', '', 'a=b c'],
} as const;

function valueOf(argv: readonly string[], flag: string): string | undefined {
  return argv[argv.indexOf(flag) + 1];
}

test('the machine fetches its root from this host, as a node does from the store', () => {
  const parameters = valueOf(machineCommand(machine), '-append')?.split(' ') ?? [];
  expect(parameters).toContain('root=live:http://10.0.2.2:4711/rootfs');
  expect(parameters).toContain('console=ttyS0');
  expect(parameters.slice(-3)).toEqual(['quiet', 'a=b', 'c']);
  expect(parameters).not.toContain('');
});

test('size, kernel and acceleration are those that were asked for', () => {
  const argv = machineCommand(machine);
  expect(valueOf(argv, '-m')).toBe('2048');
  expect(valueOf(argv, '-smp')).toBe('3');
  expect(valueOf(argv, '-kernel')).toBe('/k');
  expect(valueOf(argv, '-initrd')).toBe('/i');
  expect(valueOf(argv, '-accel')).toBe('tcg,thread=multi');
  expect(valueOf(machineCommand({ ...machine, accel: 'kvm' }), '-accel')).toBe('kvm');
});

test('an image keeps its own parameters, but not the root of its cluster', () => {
  expect(ownParameters('root=craycps-s3:s3://x etag=1 ip=dhcp\nquiet  rootdelay=3\n')).toBe(
    'ip=dhcp quiet rootdelay=3',
  );
  expect(ownParameters('\n')).toBe('');
});
