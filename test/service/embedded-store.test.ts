/** The embedded object store does what every object store has to do. */
import { openEmbeddedObjectStore } from '../../src/adapters/artifacts/embedded/index.ts';
import { objectStoreSuite } from '../support/object-store-suite.ts';

objectStoreSuite(openEmbeddedObjectStore);
