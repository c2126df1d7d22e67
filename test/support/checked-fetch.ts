/**
 * Holds answers of the native API against the checked-in description of it, docs/openapi.json: tests that speak to
 * a service through it also show that the description is true. What is not of the native API, streams and bodies of
 * objects pass through unread.
 */
import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { PROBLEM_MEDIA_TYPE } from '../../src/contract/problem.ts';
import { packageFile } from '../../src/platform/package-root.ts';

type Fetch = typeof globalThis.fetch;

interface Answer {
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}

interface Description {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Answer>> }>>>
  >;
  readonly components: object;
}

/** The service answered what its description does not have. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';
}

const NATIVE = /^\/(kiln\/v1\/|version$|healthz\/)/;
const JSON_TYPE = /^application\/(\S+\+)?json$/;

const description: Description = JSON.parse(readFileSync(packageFile('docs', 'openapi.json'), 'utf8'));
const paths = Object.entries(description.paths).map(([template, methods]) => ({
  pattern: patternOf(template),
  methods,
}));
const ajv = addFormats.default(new Ajv2020({ allErrors: true })).addVocabulary(['components']);
const validators = new Map<object, ValidateFunction>();

/** `fetch` whose answers are checked; the one of Node.js unless another is given. Throws `WrongAnswer`. */
export function checking(fetch: Fetch = globalThis.fetch): Fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    const method = (init?.method ?? (input instanceof Request ? input.method : 'GET')).toUpperCase();
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    if (NATIVE.test(pathname)) {
      const wrong = await whatIsWrong(method, pathname, response);
      if (wrong !== undefined) {
        throw new WrongAnswer(`${method} ${pathname}: ${response.status}: ${wrong}`);
      }
    }
    return response;
  };
}

export const checkedFetch: Fetch = checking();

async function whatIsWrong(method: string, path: string, response: Response): Promise<string | undefined> {
  const found = paths.find(({ pattern }) => pattern.test(path));
  if (found === undefined) {
    return 'the description does not have this path';
  }
  // A GET may always be asked for without its body.
  const operation = found.methods[(method === 'HEAD' ? 'GET' : method).toLowerCase()];
  if (operation === undefined) {
    return 'the description does not have this method here';
  }
  const { status } = response;
  const answer = operation.responses[status] ?? (status >= 400 ? operation.responses['default'] : undefined);
  if (answer === undefined) {
    return 'the description does not list this status';
  }
  return method === 'HEAD' ? undefined : await whatIsWrongInside(answer, response);
}

async function whatIsWrongInside(answer: Answer, response: Response): Promise<string | undefined> {
  const type = response.headers.get('content-type')?.split(';')[0]?.trim() ?? '';
  if (answer.content === undefined) {
    // A stream or an object, whose type the description leaves open; or nothing at all.
    const isOpen = response.status !== 204 && type !== '' && !JSON_TYPE.test(type);
    const text = isOpen ? '' : await response.clone().text();
    return text === '' ? undefined : `the description has no body here: ${text.slice(0, 500)}`;
  }
  const schema = answer.content[type]?.schema;
  if (schema === undefined) {
    return `the content type is "${type}" and not ${Object.keys(answer.content).join(' or ')}`;
  }
  return JSON_TYPE.test(type)
    ? whatIsWrongWith(await response.clone().text(), schema, type === PROBLEM_MEDIA_TYPE, response.status)
    : undefined;
}

function whatIsWrongWith(
  text: string,
  schema: object,
  isProblem: boolean,
  status: number,
): string | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return `the body is not JSON: ${text.slice(0, 500)}`;
  }
  const validate = validatorOf(schema);
  if (!validate(body)) {
    const wrong = (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath || '/'} ${message} ${JSON.stringify(params)}`,
    );
    return `${wrong.join('; ')} in ${text.slice(0, 500)}`;
  }
  const said = isProblem && typeof body === 'object' && body !== null && 'status' in body && body.status;
  return isProblem && said !== status ? `the problem document says the status ${said}` : undefined;
}

function validatorOf(schema: object): ValidateFunction {
  const known = validators.get(schema);
  if (known !== undefined) {
    return known;
  }
  // References in it are from the top of the description.
  const validate = ajv.compile({ ...schema, components: description.components });
  validators.set(schema, validate);
  return validate;
}

/** `{id}` is one segment, `{*}` is all that follows. */
function patternOf(template: string): RegExp {
  const escaped = template.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\{(.+?)\}/g, (_, name) => (name === '\\*' ? '.+' : '[^/]+'))}$`);
}
