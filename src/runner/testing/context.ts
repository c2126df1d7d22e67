/** A step's context over a folder of the test, for steps that run no command; it keeps what the step says. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobDocument } from '../../contract/runner.ts';
import { createRunnerHttp } from '../http.ts';
import type { StepContext } from '../step.ts';

/** Nobody is in a shell, and the service is where the document says. */
export function unattended(document: JobDocument): Pick<StepContext, 'desk' | 'http'> {
  return { http: createRunnerHttp(document), desk: { tell: () => {}, wishes: () => ({}) } };
}

export function testContext(
  document: JobDocument,
  folder: string,
): StepContext & { readonly said: string[] } {
  const said: string[] = [];
  const hostPath = (name: string) => join(folder, name);
  return {
    said,
    document,
    signal: new AbortController().signal,
    log: (text) => said.push(text),
    note: (text) => said.push(text),
    progress: () => {},
    ...unattended(document),
    workspace: {
      hostPath,
      makeFolder: async (name) => void (await mkdir(hostPath(name))),
      removeFolder: async () => {},
      openOverlay: () => Promise.reject(new Error('this step mounts no image')),
      writeFile: (name, file, data) => writeFile(join(hostPath(name), file), data),
      whilePaused: (work) => work(),
      usage: async () => ({ freeBytes: 1, totalBytes: 1 }),
      close: async () => {},
      run: () => Promise.reject(new Error('this step runs no command')),
    },
  };
}
