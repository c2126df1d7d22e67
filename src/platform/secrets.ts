/** Takes secrets out of text before it reaches a log, an error or a screen. */

// The scheme is bounded: a search from every letter of a long line would otherwise take time with its square.
const URL_CREDENTIALS = /([a-z][a-z0-9+.-]{0,31}:\/\/)[^/\s?#]+@/gi;
const SIGNED_QUERY = /([?&](?:signature|X-Amz-Signature|X-Amz-Credential|token)=)[^&\s"']+/gi;
const MASK = '***';
const SHORTEST = 4;

/** A function that masks the given values and nothing else. */
export function maskerOfValues(secrets: readonly string[]): (text: string) => string {
  // Short values would mask innocent text; longest first, so that a secret inside another leaves nothing behind.
  const values = secrets.filter((value) => value.length >= SHORTEST).sort((a, b) => b.length - a.length);
  return (text) => values.reduce((masked, value) => masked.replaceAll(value, MASK), text);
}

/** A function that masks the given values, credentials in addresses and signatures of signed addresses. */
export function maskerOf(secrets: readonly string[]): (text: string) => string {
  const maskValues = maskerOfValues(secrets);
  return (text) => maskValues(text).replace(URL_CREDENTIALS, `$1${MASK}@`).replace(SIGNED_QUERY, `$1${MASK}`);
}
