/** The contract of the reference's wire, as one suite for every object store. */
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { type InProcessService, type OpenStore, startInProcess } from '../../../support/service.ts';
import { type WireClient, wireClient } from './client.ts';
import { conventionContract } from './conventions.ts';
import { defectContract } from './defects.ts';
import { deletedContract } from './deleted.ts';
import { imageContract } from './images.ts';
import { aarch64Contract, jobContract } from './jobs.ts';
import { nodeContract } from './nodes.ts';
import { publicKeyContract } from './public-keys.ts';
import { recipeContract } from './recipes.ts';

/** Each test begins without records; objects of earlier tests may be there, so none counts on a key being free. */
export function imsContractSuite(openStore: OpenStore): void {
  describe.each([
    ['conventions', conventionContract],
    ['images', imageContract],
    ['recipes', recipeContract],
    ['public keys', publicKeyContract],
    ['deleted records', deletedContract],
    ['remote build nodes', nodeContract],
    ['jobs', jobContract],
    ['jobs for aarch64', aarch64Contract],
    ['defects of the reference', defectContract],
  ] as const)('%s', (_name, contract) => {
    let service: InProcessService;
    let client: WireClient;
    beforeAll(async () => {
      const settings = { 'ims.job_namespace': 'a-namespace' };
      service = await startInProcess({ openStore, settings });
      client = wireClient(service);
    });
    beforeEach(() => service.reset());
    afterAll(() => service.close());
    contract(
      () => client,
      () => service,
    );
  });
}
