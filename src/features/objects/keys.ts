/** Which keys objects may have, whatever the store: those that mean the same to every client and file system. */
import { KilnError } from '../../contract/errors.ts';

const MAX_KEY_BYTES = 1024;

/** Throws `bad-object-key` for a key that the port does not allow. */
export function checkKey(key: string): void {
  const reason = whatIsWrongWith(key);
  if (reason !== undefined) {
    throw new KilnError('bad-object-key', `${JSON.stringify(key)}: ${reason}`);
  }
}

function whatIsWrongWith(key: string): string | undefined {
  if (key === '' || Buffer.byteLength(key) > MAX_KEY_BYTES) {
    return 'it has to have 1 to 1024 bytes';
  }
  if (Array.from(key).some((char) => char < ' ' || char === '\u007f')) {
    return 'it has control characters';
  }
  const segments = key.split('/');
  return segments.some((segment) => segment === '' || segment === '.' || segment === '..')
    ? 'it has an empty, "." or ".." segment'
    : undefined;
}
