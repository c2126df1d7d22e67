import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCast } from './cast.ts';
import { harmless } from './harmless.ts';
import { play } from './player.ts';

const HEADER = JSON.stringify({ version: 2, width: 80, height: 24, timestamp: 1, title: 'a title' });
const cast = (...events: unknown[]) => [HEADER, ...events.map((each) => JSON.stringify(each)), ''].join('\n');

/** Everything at once. */
function cleaned(...pieces: string[]): string {
  const filter = harmless();
  return pieces.map((piece) => filter.take(piece)).join('');
}

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

describe('what is replayed', () => {
  it('moves the cursor and has colours', () => {
    const text =
      '\u001b[2J\u001b[1;31mred\u001b[0m\u001b[10;20H\u001b(B\u001b7\u001b8é\r\n\u001b[K\u001b[?25l';
    expect(cleaned(text)).toBe(text);
  });

  it('sets no title and no clipboard, and asks the terminal nothing', () => {
    const harm = [
      '\u001b]0;title\u0007',
      '\u001b]52;c;cm0gLXJmIC8=\u001b\\',
      '\u001bP$q"p\u001b\\',
      '\u001b_private\u001b\\',
      '\u001b[6n',
      '\u001b[>c',
      '\u001b[21t',
      '\u001bZ',
      '\u0005',
      '\u009d52;c;abc',
    ];
    expect(cleaned(...harm.map((each) => `a${each}b`))).toBe(`${'ab'.repeat(9)}a52;c;abcb`);
  });

  it('is not put together by what is taken out', () => {
    expect(cleaned('\u001b\u001b[6n', ']52;c;abc\u0007x')).toBe('x');
    expect(cleaned('\u001b\u001b]0;t\u0007[6nx')).toBe('x');
  });

  it('is as harmless in pieces as it is whole', () => {
    const part = fc.constantFrom('\u001b', ']52;c;', '[6', 'n', '\u0007', '\\', 'text', 'P', ';', 'é');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (pieces) => {
        expect(cleaned(...pieces, 'end')).toBe(cleaned([...pieces, 'end'].join('')));
        expect(cleaned(...pieces)).not.toContain('\u001b[6n');
        expect(cleaned(...pieces)).not.toContain('\u001b]52');
      }),
    );
  });
});
