/** The catalogue of errors lists what Kiln throws: nothing more, and nothing that tells its reader nothing. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERROR_CATALOGUE } from '../../src/contract/errors.ts';

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter(
    (name) => /\.(ts|py)$/.test(name) && !name.endsWith('.test.ts') && name !== join('contract', 'errors.ts'),
  )
  .map((name) => readFileSync(join('src', name), 'utf8'));

describe.each(Object.entries(ERROR_CATALOGUE))('%s', (code, entry) => {
  it('is thrown somewhere', () => {
    expect(sources.some((text) => text.includes(`'${code}'`) || text.includes(`"${code}"`))).toBe(true);
  });

  it('says in whole sentences what is wrong and what to do', () => {
    expect(entry.title).toMatch(/^([A-Z]|config\.xml).*[^.]$/);
    expect(entry.hint).toMatch(/\.$/);
    expect(entry.status).toBeGreaterThanOrEqual(400);
  });
});
