/** The order of test files: those that take longest begin first, so that none of them runs on alone at the end. */
import { basename } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** By the time that they took, longest first; all others come after them. */
const LONGEST = [
  'aarch64',
  'rpm-images',
  'create-image',
  'nodes',
  'emulation',
  'customize',
  'customize-safety',
  'playbook-base',
  'signatures',
  'playbooks',
  'history',
  'inspections',
  'customize-clients',
  'packages-local',
  'trust',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = LONGEST.indexOf(basename(moduleId, '.test.ts'));
      return found === -1 ? LONGEST.length : found;
    };
    return files.toSorted((one, other) => place(one) - place(other));
  }
}
