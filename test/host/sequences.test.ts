/**
 * The real service under clients that work on the same records at the same time, while it is killed at any moment
 * and started again: no record that was promised is lost, none is half there, and nothing is left of what was
 * removed. What the clients saw has to be explained by some order of their requests.
 * KILN_SEQUENCES sets how many sequences there are, 20 unless set; KILN_SEED repeats those of another run, as far
 * as the clocks of two processes let it.
 */
import { S3Client } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { S3Credentials } from '../../src/contract/s3.ts';
import { checkedFetch } from '../support/checked-fetch.ts';
import { startService, type TestService } from '../support/kiln.ts';
import type { KnownRecord } from '../support/record-judge.ts';
import { untilSettled, whatIsWrong } from '../support/sequence-checks.ts';
import { CHANGES, type Command, type Presence, runCommands } from '../support/sequence-client.ts';

const CLIENTS = 3;

/** The moment in which the service is killed: so long after so many requests. */
interface Kill {
  readonly afterRequests: number;
  readonly milliseconds: number;
}

const change = fc.record({ what: fc.constantFrom(...CHANGES), which: fc.nat({ max: 5 }) });
const creation = fc.constantFrom<Command>(
  { what: 'create image', over: 'native' },
  { what: 'create image', over: 's3' },
  { what: 'create recipe' },
);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: change },
  { weight: 2, arbitrary: creation },
  { weight: 1, arbitrary: fc.constant<Command>({ what: 'list' }) },
);
const sequence = fc.record({
  commands: fc.array(fc.array(command, { minLength: 2, maxLength: 7 }), {
    minLength: CLIENTS,
    maxLength: CLIENTS,
  }),
  kill: fc.oneof(
    { weight: 1, arbitrary: fc.constant(undefined) },
    {
      weight: 1,
      arbitrary: fc.record({ afterRequests: fc.nat({ max: 40 }), milliseconds: fc.nat({ max: 25 }) }),
    },
  ),
});

/** Kills the service once, and starts it again; at the end at the latest. */
function createCrash(service: TestService, kill: Kill | undefined): Presence & { finish(): Promise<void> } {
  let left = kill?.afterRequests ?? Number.POSITIVE_INFINITY;
  let crash: Promise<void> | undefined;
  const die = async (milliseconds: number): Promise<void> => {
    // The moment is a part of the sequence: nothing is waited for.
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    await service.kill();
    await service.restart();
  };
  const asking = () => {
    if (left-- <= 0 && crash === undefined && kill !== undefined) {
      crash = die(kill.milliseconds);
    }
  };
  return {
    asking,
    get hasCrashed() {
      return crash !== undefined;
    },
    up: () => crash ?? Promise.resolve(),
    async finish() {
      if (kill !== undefined) {
        left = 0;
        asking();
      }
      await crash;
    },
  };
}

describe('whatever clients do at the same time, and whenever the service is killed', () => {
  const numRuns = Number(process.env['KILN_SEQUENCES'] ?? 20);
  const seed = Number(process.env['KILN_SEED'] ?? Date.now() % 2 ** 31);
  const records: KnownRecord[] = [];
  let service: TestService;
  let s3: S3Client;
  let readOutput = 0;

  beforeAll(async () => {
    service = await startService();
    const response = await checkedFetch(`${service.url}/kiln/v1/s3/credentials`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    const keys = (await response.json()) as S3Credentials;
    s3 = new S3Client({
      endpoint: keys.endpoint,
      region: keys.region,
      forcePathStyle: true,
      credentials: { accessKeyId: keys.access_key_id, secretAccessKey: keys.secret_access_key },
      maxAttempts: 1,
    });
  });
  afterAll(async () => {
    s3?.destroy();
    await service?.close();
  });

  async function expectWhole(looked: readonly KnownRecord[]): Promise<void> {
    await untilSettled(service);
    expect(await whatIsWrong(service, s3, records, looked)).toEqual([]);
    const errors = service
      .output()
      .slice(readOutput)
      .split('\n')
      .filter((line) => /"level":[56]0/.test(line));
    readOutput = service.output().length;
    expect(errors, 'lines of errors in the log of the service').toEqual([]);
  }

  it('records and objects stay whole', { timeout: 60_000 + numRuns * 30_000 }, async () => {
    console.log(`KILN_SEED=${seed} KILN_SEQUENCES=${numRuns}`);
    let kills = 0;
    await fc.assert(
      fc.asyncProperty(sequence, async ({ commands, kill }) => {
        const crash = createCrash(service, kill);
        kills += kill === undefined ? 0 : 1;
        const own: KnownRecord[] = [];
        const deps = { url: service.url, s3, presence: crash, records: own };
        const first: Command[] = [{ what: 'create image', over: 'native' }, { what: 'create recipe' }];
        try {
          await runCommands(deps, first);
          const clients = await Promise.allSettled(commands.map((each) => runCommands(deps, each)));
          for (const client of clients) {
            if (client.status === 'rejected') {
              throw client.reason;
            }
          }
        } finally {
          records.push(...own);
          await crash.finish();
        }
        await expectWhole(own);
      }),
      // A failure is told by what happened; the same requests at another moment would not fail again.
      { numRuns, seed, endOnFailure: true },
    );
    await service.kill();
    await service.restart();
    await expectWhole(records);
    console.log(`${records.length} records, ${kills + 1} kills`);
  });
});
