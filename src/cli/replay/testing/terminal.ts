/** A real terminal without a screen of its own, xterm.js, to look at what becomes of one that is shown something. */
import { Terminal } from '@xterm/headless';

/** What a terminal has on its screen that was shown the text, and what it did besides. */
export async function inTerminal(text: string) {
  const terminal = new Terminal({ cols: 20, rows: 6, allowProposedApi: true, logLevel: 'off' });
  const did: string[] = [];
  terminal.onData((answer) => did.push(`answered ${JSON.stringify(answer)}`));
  terminal.onBinary((answer) => did.push(`answered ${JSON.stringify(answer)}`));
  terminal.onTitleChange((title) => did.push(`took the title ${JSON.stringify(title)}`));
  await new Promise<void>((resolve) => terminal.write(text, resolve));
  const { active } = terminal.buffer;
  const { insertMode, wraparoundMode, originMode, ...ofKeys } = terminal.modes;
  const { applicationCursorKeysMode, applicationKeypadMode, bracketedPasteMode } = ofKeys;
  const { mouseTrackingMode, sendFocusMode } = ofKeys;
  terminal.dispose();
  return {
    did,
    keys: {
      applicationCursorKeysMode,
      applicationKeypadMode,
      bracketedPasteMode,
      mouseTrackingMode,
      sendFocusMode,
    },
    screen: {
      kind: active.type,
      lines: Array.from({ length: active.length }, (_, row) => active.getLine(row)?.translateToString(true)),
      cursor: [active.cursorX, active.cursorY],
      modes: [insertMode, wraparoundMode, originMode],
    },
  };
}
