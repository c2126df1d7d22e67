import { expect, test } from 'vitest';
import { foundIn } from './look.ts';

const HEALTHY = `machine=x86_64
kernel=6.1.0
system=Debian GNU/Linux 12 (bookworm)
family=debian 
cpus=8
memory_kib=16384
disk_free_kib=1024
uid=0
elf_machine=62
file=abc
runner=def
`;

test('a node that has everything has no problems', () => {
  expect(foundIn(HEALTHY)).toEqual({
    facts: {
      arch: 'x86_64',
      machine: 'x86_64',
      system: 'Debian GNU/Linux 12 (bookworm)',
      kernel: '6.1.0',
      cpus: 8,
      memory_bytes: 16 * 1024 * 1024,
      disk_free_bytes: 1024 * 1024,
    },
    problems: [],
    has: new Set(['abc', 'def']),
  });
});

test.each([
  ['debian ', 'apt-get install runc e2fsprogs'],
  ['sles suse', 'zypper install runc e2fsprogs'],
  ['rocky rhel centos fedora', 'dnf install runc e2fsprogs'],
])('what is missing is named with the packages of %s', (family, command) => {
  const text = `${HEALTHY.replace(/family=.*/, `family=${family}`)}missing=runc\nmissing=mkfs.ext4\nmissing=e2fsck\n`;
  expect(foundIn(text).problems).toEqual([
    { what: 'it lacks runc, mkfs.ext4, e2fsck', hint: `On the node: ${command}` },
  ]);
});

test.each([
  [/machine=x86_64/, 'machine=aarch64', 'it says that it is aarch64, and its programs are for x86_64'],
  [/machine=x86_64/, 'machine=riscv64', 'its architecture is riscv64'],
  [/uid=0/, 'uid=1000', 'commands are not run by root'],
  [/$/, 'missing_filesystem=squashfs\n', 'its kernel has no squashfs'],
  [/$/, 'missing_feature=user namespaces\n', 'its kernel gives no user namespaces'],
])('%s replaced by %j is a problem', (pattern, text, what) => {
  const [problem] = foundIn(HEALTHY.replace(pattern, text)).problems;
  expect(problem?.what).toBe(what);
  expect(problem?.hint).not.toBe('');
});
