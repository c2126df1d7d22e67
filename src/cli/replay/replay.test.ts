import { describe, expect, it } from 'vitest';
import { readCast } from './cast.ts';
import { play } from './player.ts';
import { inTerminal } from './testing/terminal.ts';

const HEADER = JSON.stringify({ version: 2, width: 80, height: 24, timestamp: 1, title: 'a title' });
const cast = (...events: unknown[]) => [HEADER, ...events.map((each) => JSON.stringify(each)), ''].join('\n');

describe('a recording', () => {
  it('has what was shown; lines that are none are passed over', () => {
    expect(
      readCast(`${cast([0.5, 'o', 'a'], [1, 'r', '90x20'], [2, 'o', 'b'], ['x', 'o', 'c'])}[3,"o`),
    ).toEqual({
      columns: 80,
      rows: 24,
      title: 'a title',
      events: [
        { at: 0.5, output: 'a' },
        { at: 2, output: 'b' },
      ],
    });
    for (const text of ['', 'no', '{"version":1}']) {
      expect(() => readCast(text)).toThrow('asciicast');
    }
  });

  it('is played in its own time, faster, and without long waits', async () => {
    const recording = readCast(cast([1, 'o', 'a'], [1.5, 'o', 'b'], [601.5, 'o', 'c'], [601.5, 'o', 'd']));
    const waits: number[] = [];
    const shown: string[] = [];
    const options = {
      speed: 2,
      idleSeconds: 3,
      write: (text: string) => void shown.push(text),
      sleep: async (seconds: number) => void waits.push(seconds),
    };
    await play(recording, options);
    expect(waits).toEqual([0.5, 0.25, 1.5]);
    expect(shown.slice(0, 4)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('leaves the modes and tab stops of the terminal as they were, whatever it turns on', async () => {
    const untouched = await inTerminal('');
    const left = ['?1049;25h', '?47h', '?5;6;69h', '?7l', '4h', '2;3r', '3g', '?2026h', '1;31m'];
    for (const sequence of left) {
      const shown: string[] = [];
      await play(readCast(cast([0, 'o', `\u001b[${sequence}x`])), {
        speed: 1,
        idleSeconds: 1,
        write: (text) => void shown.push(text),
        sleep: async () => {},
      });
      const { keys, screen } = await inTerminal(shown.join(''));
      expect([screen.kind, screen.modes, keys], sequence).toEqual([
        untouched.screen.kind,
        untouched.screen.modes,
        untouched.keys,
      ]);
      const { screen: after } = await inTerminal(`${shown.join('')}\r\u001b[2K\tx`);
      expect(after.lines[after.cursor[1] ?? 0], sequence).toBe('        x');
    }
  });

  it('leaves the terminal as it was, also when somebody has seen enough', async () => {
    const shown: string[] = [];
    const playing = play(readCast(cast([0, 'o', '\u001b[?1049h\u001b[?25lvim'], [1, 'o', 'more'])), {
      speed: 1,
      idleSeconds: 1,
      write: (text) => void shown.push(text),
      sleep: () => Promise.reject(new Error('enough')),
    });
    await expect(playing).rejects.toThrow('enough');
    expect(shown.join('').replaceAll('\u001b', '^')).toMatch(/vim\^\[\?1049l.*\^\[\?25h/);
    expect(shown).not.toContain('more');
  });
});
