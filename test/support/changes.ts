/** What is different in an overlay, by the scripts with which a customize job finds it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Value } from 'typebox/value';
import { expect } from 'vitest';
import type { Workspace } from '../../src/builder/sandbox.ts';
import { ListedChanges } from '../../src/runner/history/listed-changes.ts';
import { IMAGE_ROOT, LAYERS, ORIGINAL, OUT } from '../../src/runner/image-root.ts';
import { type ScriptCommand, scriptCommand } from '../../src/runner/sandbox-script.ts';

/** The image, for commands that change it. */
export const CHANGED_ROOT = { folder: 'image-root', at: IMAGE_ROOT, writable: true } as const;

/** `limit`: paths that are listed. The overlay is `image-root` of the workspace, and settled. */
export async function listChanges(
  workspace: Workspace,
  limit: number,
  hasContents = true,
): Promise<ListedChanges> {
  const image = { ...CHANGED_ROOT, writable: false };
  const run = async (command: ScriptCommand) => {
    const result = await workspace.run(await scriptCommand(command));
    expect(result.exitCode, result.tail.join('\n')).toBe(0);
  };
  const [packages, changes] = [`${OUT.at}/packages.json`, `${OUT.at}/changes.json`];
  await workspace.makeFolder(OUT.folder);
  await run({ script: 'list_packages.py', args: [IMAGE_ROOT, packages], binds: [image, OUT] });
  await run({
    script: 'list_changes.py',
    beside: ['list_packages.py', 'changed_packages.py', 'shown_contents.py'],
    args: [`${LAYERS.at}/upper`, IMAGE_ROOT, ORIGINAL.at, packages, String(limit), changes],
    binds: [LAYERS, image, ORIGINAL, OUT],
    input: JSON.stringify({ secrets: ['given-to-a-change'], has_contents: hasContents }),
  });
  const text = await readFile(join(workspace.hostPath(OUT.folder), 'changes.json'), 'utf8');
  const listed: unknown = JSON.parse(text);
  expect([...Value.Errors(ListedChanges, listed)]).toEqual([]);
  return listed as ListedChanges;
}
