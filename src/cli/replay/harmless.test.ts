import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { harmless } from './harmless.ts';
import { inTerminal } from './testing/terminal.ts';

function cleaned(...pieces: string[]): string {
  const filter = harmless();
  return pieces.map((piece) => filter.take(piece)).join('');
}

describe('what is replayed', () => {
  it('moves the cursor and has colours', () => {
    const text =
      '\u001b[2J\u001b[1;31mred\u001b[38:2::1:2:3m\u001b[0m\u001b[10;20H\u001b(B\u001b7\u001b8é\r\n\u001b[K\u001b[?25l' +
      '\u001b[?1049h\u001b[2 q\u001b#8\u001b[4h\u001b[?2026h\u001bM\u001b[2;5r\u001b[!p\u000f';
    expect(cleaned(text)).toBe(text);
  });

  it('sets no title and no clipboard, prints nothing, and asks the terminal nothing', () => {
    const harm = [
      '\u001b]0;title\u0007',
      '\u001b]52;c;cm0gLXJmIC8=\u001b\\',
      '\u001bP$q"p\u001b\\',
      '\u001b_private\u001b\\',
      '\u001b[6n',
      '\u001b[>c',
      '\u001b[?1$p',
      '\u001b[>q',
      '\u001b[?u',
      '\u001b[21t',
      '\u001b[5i',
      '\u001bZ',
      '\u0005',
      '\u009d',
    ];
    expect(cleaned(...harm.map((each) => `a${each}b`))).toBe('ab'.repeat(harm.length));
  });

  it('leaves what keys, the mouse and the window send as it is', () => {
    expect(
      cleaned('\u001b[?1h\u001b=\u001b[?1000;1006h\u001b[?1004h\u001b[?2004h\u001b[>4;2m\u001b[>1u\u001b[2h'),
    ).toBe('');
    expect(cleaned('\u001b[?1;25;2004;1049h')).toBe('\u001b[?25h\u001b[?1049h');
  });

  it('asks nothing where a control character stands within the question', () => {
    expect(cleaned('a\u001b[6\r\nnb')).toBe('a\r\nb');
    expect(cleaned('a\u001b[6\u0018nb', '\u001b[6\u001b[1mc')).toBe('anb\u001b[1mc');
  });

  it('is not put together by what is taken out', () => {
    expect(cleaned('\u001b\u001b[6n', ']52;c;abc\u0007x')).toBe(']52;c;abc\u0007x');
    expect(cleaned('\u001b\u001b]0;t\u0007[6nx')).toBe('[6nx');
  });

  it('keeps no sequence that does not end', () => {
    expect(cleaned(`a\u001b[${'1;'.repeat(5000)}mb\u001b[`)).toBe('ab');
  });

  const begins = ['\u001b', '\u001b[', '\u001b[?', '\u001b]', '\u001bP', '\u001b(', '\u001b#', '\u001b '];
  const within = ['0', '1', '6', '25', '1049', '2004', '52;c;', ';', ':', '$', ' ', '!', '>', '?'];
  const ends = [...'ABHJKLMPZchlmnpqrstux8', '\\', '\u0007', '\u0018', '\r', '\n', '\t', '\u0005', '\u0090'];
  const part = fc.constantFrom(...begins, ...within, ...ends, 'text', 'é', '\u{1f525}').map((one) => [one]);
  /** Whole more often than chance would have it. */
  const sequence = fc
    .tuple(
      fc.constantFrom(...begins),
      fc.array(fc.constantFrom(...within), { maxLength: 2 }),
      fc.constantFrom(...ends),
    )
    .map(([begin, some, end]) => [begin, ...some, end]);
  const output = fc.array(fc.oneof(part, sequence), { maxLength: 16 }).map((pieces) => pieces.flat());

  it('is the same in pieces as it is whole, and when it is cleaned again', () => {
    fc.assert(
      fc.property(output, (pieces) => {
        const whole = cleaned(pieces.join(''));
        expect(cleaned(...pieces)).toBe(whole);
        expect(cleaned(whole)).toBe(whole);
      }),
      { numRuns: 1000 },
    );
  });

  it('has a terminal do nothing but show it', async () => {
    const { keys } = await inTerminal('');
    await fc.assert(
      fc.asyncProperty(output, async (pieces) => {
        expect(await inTerminal(cleaned(...pieces))).toMatchObject({ did: [], keys });
      }),
      { numRuns: 300 },
    );
  });

  /**
   * The list is of what programs use, not of all that some terminal knows, so these are the same sequences every time.
   *
   * But for tabs, whose stops stay as they are. Terminals do not agree on characters that are not ASCII within sequences.
   */
  it('looks as the recorded terminal did', async () => {
    await fc.assert(
      fc.asyncProperty(output, async (pieces) => {
        const ascii = pieces.join('').replaceAll(/[^\0-\u007f]|\t/g, '');
        expect((await inTerminal(cleaned(ascii))).screen).toEqual((await inTerminal(ascii)).screen);
      }),
      { numRuns: 300, seed: 1 },
    );
  });
});
