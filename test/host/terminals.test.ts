/** Terminals of shells, with real OpenSSH clients: as good as any other, and recorded. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Job } from '../../src/contract/jobs.ts';
import { runCommand } from '../../src/platform/exec.ts';
import { waitFor } from '../../src/platform/wait.ts';
import {
  type CustomizeBench,
  LEAVE,
  never,
  openCustomizeBench,
  PROMPT,
  shownBy,
  waiting,
} from '../support/customize.ts';

let bench: CustomizeBench;
beforeAll(async () => {
  bench = await openCustomizeBench();
});
afterAll(() => bench?.close());

describe('a terminal that is recorded', () => {
  let job: Job;
  beforeAll(async () => {
    job = await bench.openedShell();
  });

  it('ends as its program ends', async () => {
    expect((await bench.sshTerminal(job, [{ until_end: true }], 'exit 7')).code).toBe(7);
    for (const signal of ['TERM', 'KILL', 'HUP']) {
      const killed = await bench.sshTerminal(job, [{ until_end: true }], `kill -${signal} $$`);
      expect(killed, signal).toMatchObject({ code: 255, shown: expect.not.stringContaining('Traceback') });
    }
    expect((await bench.sshTerminal(job, [PROMPT, { type: 'exit 3\r' }, { until_end: true }])).code).toBe(3);
  });

  it('has job control', async () => {
    const running = 'sh -c "echo run""ning; exec sleep 1000"\r';
    await bench.sshTerminal(job, [
      ...[PROMPT, { type: running }, { expect: '[\r\n]running' }, { type: '\u0003' }, PROMPT],
      ...[{ type: 'echo code $?\r' }, { expect: 'code 130' }, PROMPT],
      ...[{ type: running }, { expect: '[\r\n]running' }, { type: '\u001a' }, { expect: 'Stopped' }, PROMPT],
      ...[{ type: 'bg; kill %1; wait %1; echo gone $?\r' }, { expect: 'gone 143' }, PROMPT, ...LEAVE],
    ]);
  });

  it('loses nothing, of much output neither', async () => {
    const { shown } = await bench.sshTerminal(job, [{ until_end: true }], 'seq 1 300000');
    expect(shown.startsWith('1\r\n2\r\n')).toBe(true);
    expect(shown).toContain('\r\n299999\r\n300000\r\n');
    const lines = shown.split('\r\n').filter((line) => /^\d+$/.test(line));
    expect(lines).toHaveLength(300_000);
  });

  it('stops a flood that nobody wants to see', async () => {
    await bench.sshTerminal(job, [
      ...[
        PROMPT,
        { type: 'yes\r' },
        { expect: 'y\r\ny' },
        { type: '\u0003' },
        { expect: '\\^C' },
        PROMPT,
        ...LEAVE,
      ],
    ]);
  });

  it('is hung up with its client', async () => {
    const trap = `trap 'echo hung up > /root/hup; exit' HUP; echo re""ady; while :; do sleep 0.1; done\r`;
    await bench.sshTerminal(job, [PROMPT, { type: trap }, { expect: '[\r\n]ready' }, { vanish: true }]);
    await waitFor(
      async () => ((await bench.ssh(job, 'cat /root/hup')).stdout === 'hung up\n' ? true : undefined),
      { timeoutMs: 60_000, describe: () => 'the program to be hung up' },
    );
  });

  it('is not there for commands without one, which are as they were', async () => {
    const bytes = await runCommand([
      'sh',
      '-c',
      'head -c 300000 /dev/urandom >"$0"; shift 0; ssh "$@" "cat >/opt/bytes; cat /opt/bytes" <"$0" | cmp - "$0" && echo same',
      join(bench.folder, 'bytes'),
      ...['-p', String(job.shell?.port), ...(await bench.sshOptions(job)), `root@${job.shell?.host}`],
    ]);
    expect(bytes.stdout, bytes.tail.join('\n')).toBe('same\n');
    const piped = await bench.ssh(job, 'yes | head -1; ls /proc/self/fd');
    expect(piped.tail).toEqual(['y', '0', '1', '2', '3']);
    expect((await bench.ssh(job, 'exit 9')).exitCode).toBe(9);
  });

  it('is as long as it may be, and says so', async () => {
    const command = 'yes 0123456789abcdef | head -c 12000000';
    const { shown } = await bench.sshTerminal(job, [{ until_end: true }], command);
    expect(shown.length).toBeGreaterThan(12_000_000);
    const listed = await waitFor(
      async () => {
        const { sessions } = await bench.service.client.jobs.recordings(job.id);
        return sessions.find((session) => session.command === command && session.ended !== null);
      },
      { timeoutMs: 60_000, describe: () => 'the session to be told of' },
    );
    const cast = await bench.service.client.jobs.recording(job.id, listed.recording ?? 0);
    expect(cast.length).toBeLessThanOrEqual(8 * 1024 * 1024);
    expect(shownBy(cast)).toContain('The recording ends here');
  });
});

describe('a terminal beside the image', () => {
  it('gives programs every key as it is, and is recorded too', async () => {
    const job = await bench.until((await bench.customize()).id, waiting);
    const program =
      'import os, tty; tty.setraw(0); print("rea" + "dy", flush=True); print(os.fdopen(0, "rb").read(12).hex())';
    const { shown } = await bench.sshTerminal(job, [
      ...[PROMPT, { type: `python3 -c '${program}'; stty sane\r` }, { expect: 'ready' }],
      ...[
        { type: '\u0003\u0011\u0013\u001a\u001c\u0004\u007f\u001b[Aé' },
        { expect: '[0-9a-f]{24}' },
        PROMPT,
        ...LEAVE,
      ],
    ]);
    expect(shown).toContain('0311131a1c047f1b5b41c3a9');
    expect((await bench.finished(job)).state).toBe('succeeded');
    expect(await bench.kiln('jobs', 'replay', job.id)).toContain('0311131a1c047f1b5b41c3a9');
  });
});

describe('a shell that is closed soon', () => {
  let hurried: CustomizeBench;
  beforeAll(async () => {
    hurried = await openCustomizeBench({ 'shells.total_minutes': '5' });
  });
  afterAll(() => hurried?.close());

  it('is told so once on each terminal, which is in the record', async () => {
    const opened = (await hurried.customize({ shell: { jail: true } })).id;
    const job = await hurried.until(opened, waiting);
    const terminal = hurried.sshTerminal(job, [
      ...[PROMPT, { type: 'touch /tmp/he""re\r' }],
      ...[{ expect: 'Kiln closes this shell in \\d min' }, ...LEAVE],
    ]);
    const isHere = async () => (await hurried.ssh(job, 'test -e /tmp/here')).exitCode === 0;
    await waitFor(async () => ((await isHere()) ? true : undefined), {
      timeoutMs: 60_000,
      describe: () => 'somebody at the terminal',
    });
    await hurried.service.client.jobs.extend(job.id, 1);
    expect((await terminal).shown.match(/Kiln closes this shell/g)).toHaveLength(1);
    await hurried.service.client.jobs.fail(job.id);
    expect((await hurried.until(job.id, never)).state).toBe('failed');
    expect(shownBy(await hurried.service.client.jobs.recording(job.id, 1))).toContain(
      'Kiln closes this shell',
    );
  });
});
