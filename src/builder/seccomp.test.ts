import { expect, it } from 'vitest';
import { seccompProfile } from './seccomp.ts';

const profile = seccompProfile();
const allowed = new Set(profile.syscalls.flatMap((rule) => rule.names));

it('names each call once', () => {
  expect(profile.syscalls.flatMap((rule) => rule.names)).toHaveLength(allowed.size);
});

it.each([
  ['modules', ['init_module', 'finit_module', 'delete_module', 'kexec_load', 'kexec_file_load']],
  ['looking into the kernel', ['bpf', 'perf_event_open', 'syslog', 'lookup_dcookie']],
  ['keyrings', ['keyctl', 'add_key', 'request_key']],
  ['other processes', ['ptrace', 'process_vm_readv', 'process_vm_writev', 'kcmp', 'pidfd_getfd']],
  ['other namespaces and files past a mount', ['setns', 'open_by_handle_at']],
  ['the whole machine', ['reboot', 'swapon', 'swapoff', 'acct', 'iopl', 'ioperm', 'quotactl']],
  ['clocks', ['settimeofday', 'clock_settime', 'clock_adjtime', 'adjtimex', 'stime']],
  [
    'past kernel holes',
    ['userfaultfd', 'io_uring_setup', 'io_uring_enter', 'io_uring_register', 'modify_ldt'],
  ],
  ['calls whose arguments a filter cannot see', ['clone3', 'socketcall']],
])('leaves out %s', (_, names) => {
  expect(names.filter((name) => allowed.has(name))).toEqual([]);
});

it('allows new namespaces, but none of users', () => {
  for (const name of ['clone', 'unshare']) {
    const rules = profile.syscalls.filter((rule) => rule.names.includes(name));
    expect(rules).toEqual([
      expect.objectContaining({
        args: [{ index: 0, value: 0x1000_0000, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
      }),
    ]);
  }
});
