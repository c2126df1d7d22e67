import { describe, expect, it } from 'vitest';
import { createPackageProgress } from './progress.ts';

function last(lines: string[]) {
  const progress = createPackageProgress();
  return lines.map((line) => progress.read(line)).filter((each) => each !== undefined);
}

describe('the progress of apt', () => {
  it('counts both passes over the packages', () => {
    const seen = last([
      'Reading package lists...',
      '0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.',
      'Get:1 http://packages.example/debian bookworm/main amd64 libc6 amd64 2.36-9+deb12u14 [2757 kB]',
      'Unpacking libc6:amd64 (2.36-9+deb12u14) ...',
      'Unpacking zstd (1.5.4+dfsg2-5) ...',
      'Setting up libc6:amd64 (2.36-9+deb12u14) ...',
      'Setting up zstd (1.5.4+dfsg2-5) ...',
      'Processing triggers for dracut (059-4) ...',
    ]);

    expect(seen.map(({ done, total, message }) => [done, total, message])).toEqual([
      [0, 2, '2 packages to install'],
      [0, 2, 'downloading libc6, 1 of 2'],
      [0, 2, 'unpacking libc6'],
      [1, 2, 'unpacking zstd'],
      [1, 2, 'setting up libc6'],
      [2, 2, 'setting up zstd'],
      [2, 2, 'running the triggers of dracut'],
    ]);
  });

  it('takes the bootstrap of Kiwi from its notes', () => {
    const seen = last([
      '0 upgraded, 89 newly installed, 0 to remove and 0 not upgraded.',
      'EXEC: [bash -c dpkg-deb --fsys-tarfile /var/cache/kiwi/apt-get/archives/mawk_1.3.4-3.1_amd64.deb | tar -C /root -x]',
    ]);

    expect(seen.at(-1)).toEqual({ done: 1, total: 89, unit: 'packages', message: 'unpacking mawk' });
  });
});

describe('the progress of the others', () => {
  it.each([
    ['zypper', '(  7/112) Installing: libz1-1.2.13-150500.4.3.1.x86_64 [..done]', 7, 112, 'installing libz1'],
    [
      'zypper',
      'Retrieving: bash-5.2-1.1.x86_64 (oss) (3/112),   1.2 MiB',
      0,
      112,
      'downloading bash, 3 of 112',
    ],
    ['dnf5', '[ 12/340] Installing bash-0:5.2.26-3.fc40.x 100% |  30.1 MiB/s', 12, 340, 'installing bash'],
    [
      'dnf',
      '  Installing       : bash-5.1.8-9.el9.x86_64                 12/340 ',
      12,
      340,
      'installing bash',
    ],
  ])('%s: %s', (_, line, done, total, message) => {
    expect(last([line])).toEqual([{ done, total, unit: 'packages', message }]);
  });

  it('is not seen in other lines', () => {
    expect(
      last(['Setting up repository http://packages.example/debian', '[1/2] is a list', 'Get ready']),
    ).toEqual([]);
  });
});
