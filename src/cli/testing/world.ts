/** A service that has one record of each noun, and lines that are typed beside it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import {
  IMAGE_ID,
  jobOf,
  json,
  recipeOf,
  type StandIn,
  SUCCEEDED,
  startStandIn,
} from '../../client/testing/service.ts';
import type { Image } from '../../contract/images.ts';
import type { PublicKey } from '../../contract/public-keys.ts';
import { runKiln, type Seen } from './run-kiln.ts';

export const KEY_ID = '5c2e0000-0000-4000-8000-000000000004';
export const KEY_TEXT = 'ssh-ed25519 AAAA admin@ncn-m001\n';
export const METADATA = { owner: 'ops', 'sbps-project': 'false' };

const created = '2026-01-01T00:00:00.000Z';
const IMAGE: Image = {
  ...{ id: IMAGE_ID, created, name: 'sles', arch: 'x86_64' },
  ...{ metadata: METADATA, link: null, job_id: null },
};
const KEY: PublicKey = { id: KEY_ID, created, name: 'admin', public_key: KEY_TEXT };

export const RECORDS = { recipes: recipeOf(), images: IMAGE, 'public-keys': KEY, jobs: jobOf(SUCCEEDED) };

/** `METHOD /path`, and the body when there is one. */
export type Request = [line: string, body?: object];

export interface World extends AsyncDisposable {
  readonly service: StandIn;
  /**
   * Runs a line as a shell would that knows double quotes. `cray ims` becomes `kiln`, and FOLDER the folder that
   * holds `id_rsa.pub`.
   */
  run(line: string): Promise<Seen>;
  requests(): Request[];
}

export async function startWorld(): Promise<World> {
  const service = await startStandIn();
  const folder = await mkdtemp(join(tmpdir(), 'kiln-world-'));
  await writeFile(join(folder, 'id_rsa.pub'), KEY_TEXT);
  vi.stubEnv('KILN_SERVER', service.url);
  for (const [noun, record] of Object.entries(RECORDS)) {
    answer(service, `/kiln/v1/${noun}`, record);
    answer(service, `/kiln/v1/deleted/${noun}`, record);
  }
  return {
    service,
    run(line) {
      const words = line
        .replace(/^(cray ims|kiln) /, '')
        .replaceAll('FOLDER', folder)
        .match(/"[^"]*"|\S+/g);
      return runKiln((words ?? []).map((word) => word.replaceAll('"', '')));
    },
    requests: () =>
      service.asked.map(({ method, path, body }) =>
        body.length === 0 ? [`${method} ${path}`] : [`${method} ${path}`, JSON.parse(String(body))],
      ),
    async [Symbol.asyncDispose]() {
      vi.unstubAllEnvs();
      await service[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function answer(service: StandIn, path: string, record: { id: string }): void {
  const one = `${path}/${record.id}`;
  service.on(`GET ${path}`, (_asked, response) => json(response, 200, [record]));
  service.on(`POST ${path}`, (_asked, response) => json(response, 201, record));
  service.on(`GET ${one}`, (_asked, response) => json(response, 200, record));
  service.on(`PATCH ${one}`, (_asked, response) => json(response, 200, record));
  service.on(`DELETE ${one}`, (_asked, response) => response.writeHead(204).end());
  service.on(`POST ${one}/undelete`, (_asked, response) => json(response, 200, record));
}
