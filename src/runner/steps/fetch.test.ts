import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeControlPlane, startFakeControlPlane } from '../../../test/support/fake-control-plane.ts';
import { testContext } from '../testing/context.ts';
import { testDocument } from '../testing/document.ts';
import { ARCHIVE_FOLDER, ARCHIVE_NAME, fetch } from './fetch.ts';

const recipe = randomBytes(300_000);
const digest = (algorithm: string) => createHash(algorithm).update(recipe).digest('hex');

let plane: FakeControlPlane;
let folder: string;
beforeEach(async () => {
  plane = await startFakeControlPlane(recipe);
  folder = await mkdtemp(join(tmpdir(), 'kiln-fetch-'));
});
afterEach(async () => {
  await plane.close();
  await rm(folder, { recursive: true });
});

function contextWith(also: { sha256?: string; size_bytes?: number } = {}) {
  const base = testDocument();
  const document = testDocument({
    source: {
      ...base.source,
      url: `${plane.url}/recipe`,
      size_bytes: recipe.length,
      md5: digest('md5'),
      sha256: digest('sha256'),
      ...also,
    },
  });
  return testContext(document, folder);
}

describe('fetch', () => {
  it('puts the archive where the next step looks for it', async () => {
    await fetch.run(contextWith(), undefined);

    expect(await readFile(join(folder, ARCHIVE_FOLDER, ARCHIVE_NAME))).toEqual(recipe);
  });

  it('goes on where a connection broke', async () => {
    plane.breakRecipeAfter.push(100_000);

    await fetch.run(contextWith(), undefined);

    expect(await readFile(join(folder, ARCHIVE_FOLDER, ARCHIVE_NAME))).toEqual(recipe);
    expect(plane.requests[1]).toMatch(/^GET \/recipe bytes=[1-9]\d+-299999$/);
  });

  it('refuses an archive with another checksum', async () => {
    const context = contextWith({ sha256: '0'.repeat(64) });

    await expect(fetch.run(context, undefined)).rejects.toMatchObject({ code: 'checksum-mismatch' });
  });

  it('refuses an archive that is larger than announced', async () => {
    const context = contextWith({ size_bytes: 1000 });

    await expect(fetch.run(context, undefined)).rejects.toMatchObject({ code: 'checksum-mismatch' });
  });
});
