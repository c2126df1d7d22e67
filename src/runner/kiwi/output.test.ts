import { describe, expect, it } from 'vitest';
import { createKiwiOutput } from './output.ts';

function read(text: string) {
  const output = createKiwiOutput();
  return text
    .split(/\n|\r/)
    .map((line) => output.read(line))
    .filter((line) => line !== undefined);
}

describe('the output of Kiwi', () => {
  it('is shown without frames, topics and progress bars', () => {
    const lines = read(
      '[ INFO    ]: 16:26:19 | Preparing system\n' +
        '\r[ INFO    ]: Processing: [######                ] 31%[ DEBUG   ]: 16:26:29 | system: Unpacking dash (0.5) ...\n' +
        '\r[ INFO    ]: Processing: [######################] 100%\n' +
        '[ WARNING ]: 16:26:30 | repository x does not exist and will be skipped\n',
    );

    expect(lines.map(({ level, text }) => [level, text])).toEqual([
      ['info', 'Preparing system'],
      ['debug', 'Unpacking dash (0.5) ...'],
      ['warning', 'repository x does not exist and will be skipped'],
    ]);
  });

  it('knows the notes of Kiwi to itself', () => {
    const lines = read(
      '[ DEBUG   ]: 16:26:19 | Looking for rsync in /usr/bin:/bin\n' +
        '[ DEBUG   ]: 16:26:19 | EXEC: [rsync -a /var/tmp/kiwi_root/ /work/root]\n' +
        '[ DEBUG   ]: 16:26:19 | Apt download: Reading package lists...\n',
    );

    expect(lines.map((line) => line.bookkeeping)).toEqual([true, true, false]);
  });

  it('says which lines a script of the recipe wrote', () => {
    const lines = read(
      '[ DEBUG   ]: 16:29:02 | EXEC: [chroot /work/root bash /image/config.sh]\n' +
        '[ INFO    ]: 16:29:02 | Calling config.sh script\n' +
        '[ DEBUG   ]: 16:29:02 | --------------out start-------------\n' +
        '[ DEBUG   ]: 16:29:02 | EXEC: not a note of Kiwi\n' +
        '[ DEBUG   ]: 16:29:02 | --------------out stop--------------\n' +
        '[ DEBUG   ]: 16:29:02 | --------------err start-------------\n' +
        '[ DEBUG   ]: 16:29:02 | mknod: Operation not permitted\n' +
        '[ DEBUG   ]: 16:29:02 | --------------err stop--------------\n' +
        '[ DEBUG   ]: 16:29:03 | Creating directory /var/cache/kiwi\n',
    );

    expect(lines.map(({ script, text, bookkeeping }) => [script, text, bookkeeping])).toEqual([
      [undefined, 'EXEC: [chroot /work/root bash /image/config.sh]', true],
      [undefined, 'Calling config.sh script', false],
      ['config.sh', 'EXEC: not a note of Kiwi', false],
      ['config.sh', 'mknod: Operation not permitted', false],
      [undefined, 'Creating directory /var/cache/kiwi', true],
    ]);
  });
});
