/** The API description is valid, whole, and the one that is checked in. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { beforeAll, expect, test } from 'vitest';
import { packageFile } from '../../src/platform/package-root.ts';
import { describeApi } from '../../src/wiring/describe-api.ts';

interface Schema {
  description?: string;
  properties?: Record<string, Schema>;
  $ref?: string;
}

interface Operation {
  operationId?: string;
  summary?: string;
  tags?: string[];
  responses: Record<string, { description?: string }>;
}

interface Description {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
  tags: { name: string }[];
}

let description: Description;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-openapi-'));
  try {
    description = JSON.parse(JSON.stringify(await describeApi(folder)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

function operations(): [string, Operation][] {
  return Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );
}

test('it is valid OpenAPI 3.1', async () => {
  const result = await new Validator().validate({ ...structuredClone(description) });
  expect(result.errors ?? []).toEqual([]);
  expect(result.valid).toBe(true);
});

test('it has every route of the service', () => {
  const names = operations().map(([name]) => name);
  expect(names.length).toBeGreaterThanOrEqual(30);
  expect(names).toEqual(
    expect.arrayContaining([
      'POST /kiln/v1/recipes',
      'PUT /kiln/v1/recipes/{id}/archive',
      'GET /kiln/v1/images/{id}/artifacts',
      'POST /kiln/v1/public-keys',
      'POST /kiln/v1/jobs',
      'GET /kiln/v1/jobs/{id}/log',
      'POST /kiln/v1/runner/jobs/{id}/report',
      'GET /healthz/ready',
      'GET /version',
    ]),
  );
});

test('every operation has an id of its own, a summary, a known tag, and says how it fails', () => {
  const tags = new Set(description.tags.map((tag) => tag.name));
  const ids = operations().map(([, operation]) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  const incomplete = operations().filter(
    ([, { operationId, summary, tags: own = [], responses }]) =>
      !operationId ||
      !summary ||
      own.length === 0 ||
      !own.every((tag) => tags.has(tag)) ||
      responses['default'] === undefined,
  );
  expect(incomplete.map(([name]) => name)).toEqual([]);
});

test('every named schema and every property of one has a description', () => {
  const named = Object.entries(description.components.schemas);
  expect(named.length).toBeGreaterThan(10);
  const silent = named.flatMap(([name, schema]) => [
    ...(schema.description ? [] : [name]),
    ...Object.entries(schema.properties ?? {})
      .filter(([, property]) => property.$ref === undefined && !property.description)
      .map(([property]) => `${name}.${property}`),
  ]);
  expect(silent).toEqual([]);
});

test('null is written as JSON Schema does: there is no `nullable`', () => {
  expect(JSON.stringify(description)).not.toContain('"nullable"');
});

test('the copy in docs is this description', async () => {
  expect(JSON.parse(await readFile(packageFile('docs', 'openapi.json'), 'utf8'))).toEqual(description);
});
