/** The reference's wire over the embedded object store. */
import { openEmbeddedObjectStore } from '../../src/adapters/artifacts/embedded/index.ts';
import { imsContractSuite } from './ims/contract/index.ts';

imsContractSuite(openEmbeddedObjectStore);
