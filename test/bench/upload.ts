/** Uploads as the reference makes them. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { TestService } from '../support/kiln.ts';

/** One PUT to the archive address of a throw-away recipe: the service's own store takes the reference's uploads too. */
export async function upload(service: TestService, file: string): Promise<void> {
  const recipe = await service.client.recipes.create({ name: 'upload', linux_distribution: 'debian12' });
  const { size } = await stat(file);
  const response = await fetch(`${service.url}/kiln/v1/recipes/${recipe.id}/archive`, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(size) },
    body: createReadStream(file),
    duplex: 'half',
  });
  if (!response.ok) {
    throw new Error(`upload of ${file}: ${response.status} ${await response.text()}`);
  }
}
