/**
 * Reads the output of `kiwi-ng --debug` line by line: what a line says without Kiwi's frame, whether it is of
 * interest to a person, and whether a script of the recipe wrote it. Kiwi shows what package managers and scripts
 * write only at that level, between a lot of its own bookkeeping.
 */
const FRAME = /^\[ (DEBUG|INFO|WARNING|ERROR|CRITICAL)\s*\]: (?:\d\d:\d\d:\d\d \| )?(.*)$/;
const BAR = /^\[ INFO {4}\]: Processing: \[[# ]*\] \d+%/;
const TOPIC = /^(?:system|bootstrap|update|delete|uninstall|Apt update|Apt download): /;
const SCRIPT = /^Calling (\S+) script$/;
const OUTPUT_BEGINS = /^-+(out|err) start-+$/;
const OUTPUT_ENDS = /^-+(out|err) stop-+$/;
const BOOKKEEPING =
  /^(?:Looking for |EXEC: |Creating directory |Deleting directory |Initialize |Running pre\/post scripts for: |--> kiwi_\w+=| ?\/usr\/bin\/dpkg --status-fd |\(Reading database \.\.\. |Selecting previously unselected |Preparing to unpack )/;

export interface KiwiLine {
  readonly level: 'debug' | 'info' | 'warning' | 'error';
  readonly text: string;
  /** Name of the recipe's script that wrote the line; undefined for all others. */
  readonly script: string | undefined;
  /** A note of Kiwi or dpkg to itself, which only somebody who debugs them wants to see. */
  readonly bookkeeping: boolean;
}

export interface KiwiOutput {
  /** What a line of Kiwi says; undefined for frames, progress bars and empty lines. */
  read(line: string): KiwiLine | undefined;
}

/** A reader for the output of one run; it remembers which script is speaking. */
export function createKiwiOutput(): KiwiOutput {
  let script: string | undefined;
  let speaking = false;
  let level: KiwiLine['level'] = 'info';

  return {
    read(raw) {
      // A progress bar has no line end of its own: the next message follows on its line.
      const line = raw.replace(BAR, '');
      const [, levelName, framed] = FRAME.exec(line) ?? [];
      const text = framed ?? line;
      level = levelOf(levelName) ?? level;
      if (text.trim() === '') {
        return undefined;
      }
      if (levelName !== undefined && OUTPUT_BEGINS.test(text)) {
        speaking = true;
        return undefined;
      }
      if (levelName !== undefined && OUTPUT_ENDS.test(text)) {
        speaking = false;
        return undefined;
      }
      if (speaking && level === 'debug') {
        return { level, text, script, bookkeeping: false };
      }
      speaking = false;
      script = SCRIPT.exec(text)?.[1] ?? (level === 'info' ? undefined : script);
      const plain = text.replace(TOPIC, '');
      return {
        level,
        text: plain,
        script: undefined,
        bookkeeping: level === 'debug' && BOOKKEEPING.test(plain),
      };
    },
  };
}

function levelOf(name: string | undefined): KiwiLine['level'] | undefined {
  switch (name) {
    case 'DEBUG':
      return 'debug';
    case 'INFO':
      return 'info';
    case 'WARNING':
      return 'warning';
    case 'ERROR':
    case 'CRITICAL':
      return 'error';
    default:
      return undefined;
  }
}
