/**
 * Package repositories of our own as package managers and builds see them: uploaded to, published, grouped, and pinned to one
 * revision for a build. Packages are described by the tools of the real builder root.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { readCleartextMessage, readKey, verify } from 'openpgp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RepositoryRecord } from '../../src/features/repositories/store.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { openPackageWorld, type PackageWorld, pathsIn } from '../support/package-world.ts';

const HELLO = 'hello-1.0-1.noarch.rpm';
const HELLO_2 = 'hello-2.0-1.noarch.rpm';
const OTHER = 'other-1.0-1.noarch.rpm';

let world: PackageWorld;
beforeAll(async () => {
  world = await openPackageWorld([
    { name: 'hello', version: '1.0' },
    { name: 'hello', version: '2.0' },
    { name: 'other', version: '1.0', requires: 'hello' },
    { name: 'tool', version: '1', format: 'apt' },
  ]);
});
afterAll(() => world?.close());

describe('a hosted repository', () => {
  it('publishes what was uploaded, signed, and serves it', async () => {
    const record = await world.hosted('plain', HELLO, OTHER);
    expect(await world.packages.contents.status(record)).toMatchObject({
      revision: 1,
      packages: 2,
      pending: 0,
      problems: [],
    });
    expect(pathsIn(await world.primaryOf('plain')).sort()).toEqual([
      `Packages/${HELLO}`,
      `Packages/${OTHER}`,
    ]);

    const served = await world.ask(`plain/Packages/${HELLO}`);
    expect(served.status).toBe(200);
    expect(served.body.equals(world.bytes(HELLO))).toBe(true);
    expect(served.headers['content-type']).toBe('application/x-rpm');
    const again = await world.ask(`plain/Packages/${HELLO}`, {
      headers: { 'if-none-match': String(served.headers.etag) },
    });
    expect(again.status).toBe(304);
    const part = await world.ask(`plain/Packages/${HELLO}`, { headers: { range: 'bytes=10-19' } });
    expect(part.status).toBe(206);
    expect(part.body.equals(world.bytes(HELLO).subarray(10, 20))).toBe(true);
    expect((await world.ask('plain/repodata/repomd.xml.key')).body.toString()).toBe(world.packages.publicKey);
  });

  it('takes a package out and puts another one in its place, in one revision', async () => {
    const record = await world.hosted('changing', HELLO, OTHER);
    await world.packages.contents.remove(record, `Packages/${OTHER}`);
    await world.upload(record, `Packages/${HELLO}`, world.bytes(HELLO_2));
    expect(await world.packages.contents.status(record)).toMatchObject({
      revision: 1,
      packages: 2,
      pending: 2,
    });
    await world.packages.contents.publish(record);
    expect(await world.packages.contents.status(record)).toMatchObject({
      revision: 2,
      packages: 1,
      pending: 0,
    });
    expect(await world.primaryOf('changing')).toContain('ver="2.0"');
    expect((await world.ask(`changing/Packages/${OTHER}`)).status).toBe(404);
    expect((await world.ask(`changing/Packages/${HELLO}`)).body.equals(world.bytes(HELLO_2))).toBe(true);
  });

  it('publishes by itself soon after an upload over HTTPS with user and password', async () => {
    const record = await world.make('uploads', 'hosted');
    const password = (await readFile(join(world.folder, 'packages', 'upload.password'), 'utf8')).trim();
    const authorization = `Basic ${Buffer.from(`kiln:${password}`).toString('base64')}`;
    const put = (headers: Record<string, string>) =>
      world.ask(`uploads/${HELLO}`, { method: 'PUT', headers, body: world.bytes(HELLO) });
    const refused = await put({});
    expect(refused.status).toBe(401);
    expect(refused.headers['www-authenticate']).toContain('Basic');
    expect(
      (await put({ authorization: `Basic ${Buffer.from('kiln:wrong').toString('base64')}` })).status,
    ).toBe(401);
    expect((await put({ authorization })).status).toBe(201);
    await waitFor(
      async () => ((await world.packages.contents.status(record)).revision > 0 ? true : undefined),
      {
        timeoutMs: 60_000,
        describe: () => 'the upload to be published',
      },
    );
    expect(pathsIn(await world.primaryOf('uploads'))).toEqual([HELLO]);
  });

  it('refuses what is no package, and what is cut off, with the reason', async () => {
    const record = await world.make('strict', 'hosted');
    const upload = (path: string, data: Buffer) => world.upload(record, path, data);
    await expect(upload('a.rpm', Buffer.from('junk'))).rejects.toThrow('a.rpm is no rpm package');
    for (const length of [50, 100, 200, 3000, world.bytes(HELLO).length - 1]) {
      await expect(
        upload('a.rpm', world.bytes(HELLO).subarray(0, length)),
        `${length} bytes`,
      ).rejects.toThrow(/cut off|no rpm/);
    }
    await expect(upload('../a.rpm', world.bytes(HELLO))).rejects.toThrow('is no path for a package');
    await expect(upload('repodata/a.rpm', world.bytes(HELLO))).rejects.toThrow('is no path for a package');
    await expect(upload('a.deb', world.bytes(HELLO))).rejects.toThrow('is no path for a package');
    const wrong = world.packages.contents.upload(record, 'a.rpm', Readable.from([world.bytes(HELLO)]), {
      sha256: 'f'.repeat(64),
    });
    await expect(wrong).rejects.toThrow('was announced');
    // Whole by its own account, and yet nothing that the tools can read.
    const damaged = Buffer.from(world.bytes(HELLO));
    damaged.fill(0xff, 300, 900);
    await upload('damaged.rpm', damaged);
    const status = await world.packages.contents.publish(record);
    expect(status.packages).toBe(0);
    expect(status.problems).toEqual([{ path: 'damaged.rpm', message: expect.stringMatching(/\S/) }]);
  });

  it('keeps what was uploaded when the service dies before it is published', async () => {
    const record = await world.make('survivor', 'hosted');
    await world.upload(record, HELLO, world.bytes(HELLO));
    await world.restart();
    await waitFor(
      async () => ((await world.packages.contents.status(record)).packages === 1 ? true : undefined),
      {
        timeoutMs: 60_000,
        describe: () => 'the pending upload to be published after the start',
      },
    );
  });

  it('serves apt with lists by architecture and a signature over them', async () => {
    const record = await world.make('debs', 'hosted', { format: 'apt', distribution: 'noble' });
    const deb = 'tool_1_all.deb';
    await world.upload(record, `pool/${deb}`, world.bytes(deb));
    await world.packages.contents.publish(record);
    const list = (await world.ask('debs/dists/noble/main/binary-amd64/Packages')).body.toString();
    expect(list).toContain(`Filename: pool/${deb}`);
    const message = await readCleartextMessage({
      cleartextMessage: (await world.ask('debs/dists/noble/InRelease')).body.toString(),
    });
    const { signatures } = await verify({
      message,
      verificationKeys: await readKey({ armoredKey: world.packages.publicKey }),
    });
    await expect(signatures[0]?.verified).resolves.toBe(true);
    expect(message.getText()).toContain(createHash('sha256').update(list).digest('hex'));
  });
});

describe('a group', () => {
  it('has the packages of its members, each once, the first member winning', async () => {
    await world.hosted('first', HELLO);
    await world.hosted('second', HELLO, OTHER);
    const record = await world.make('both', 'group', { members: ['first', 'second'] });
    expect(pathsIn(await world.primaryOf('both'))).toEqual([`Packages/${HELLO}`, `Packages/${OTHER}`]);
    expect((await world.ask(`both/Packages/${OTHER}`)).body.equals(world.bytes(OTHER))).toBe(true);
    const before = await world.packages.contents.status(record);
    await world.primaryOf('both');
    expect((await world.packages.contents.status(record)).revision).toBe(before.revision);
    const first = (await world.repositories.find('first')) as RepositoryRecord;
    await world.upload(first, HELLO_2, world.bytes(HELLO_2));
    expect(pathsIn(await world.primaryOf('both'))).toContain(HELLO_2);
  });
});

describe('a build', () => {
  it('sees one revision of a repository, whatever is published meanwhile', async () => {
    const record = await world.hosted('busy', HELLO);
    world.live.add('job-1');
    const early = await world.askAsBuild('job-1', 'busy/repodata/repomd.xml');
    await world.packages.contents.remove(record, `Packages/${HELLO}`);
    await world.upload(record, `Packages/${OTHER}`, world.bytes(OTHER));
    await world.packages.contents.publish(record);
    expect((await world.ask(`busy/Packages/${HELLO}`)).status).toBe(404);
    await world.restart();
    const late = await world.askAsBuild('job-1', 'busy/repodata/repomd.xml');
    expect(late.body.equals(early.body)).toBe(true);
    expect((await world.askAsBuild('job-1', `busy/Packages/${HELLO}`)).body.equals(world.bytes(HELLO))).toBe(
      true,
    );
    expect((await world.askAsBuild('job-1', `busy/Packages/${OTHER}`)).status).toBe(404);
    expect((await world.askAsBuild('job-2', `busy/Packages/${OTHER}`)).status).toBe(200);
  });

  it('may not write, whatever it sends', async () => {
    await world.hosted('read-only', HELLO);
    const answer = await world.askAsBuild('job-1', 'read-only/a.rpm', {
      method: 'PUT',
      body: world.bytes(HELLO),
    });
    expect(answer.status).toBe(401);
  });
});
