/** Turns whatever goes wrong into a problem document. Nothing that the catalogue does not know leaves the service. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorItem, KilnError } from '../contract/errors.ts';
import { PROBLEM_MEDIA_TYPE, problemOf } from '../contract/problem.ts';
import type { Log } from '../platform/log.ts';

export function installProblems(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const known = knownError(error);
    if (known.code === 'internal-error' || known.entry.status >= 500) {
      log.error(
        { err: error, instance: request.id, method: request.method, path: pathOf(request) },
        'a request failed',
      );
    }
    return sendProblem(reply, known, request.id);
  });
  app.setNotFoundHandler((request, reply) => {
    const methods = methodsAt(app, pathOf(request));
    const error =
      methods.length > 0
        ? new KilnError(
            'method-not-allowed',
            `${request.method} ${pathOf(request)}: it has ${methods.join(', ')}`,
          )
        : new KilnError('not-found', `${request.method} ${pathOf(request)}`);
    if (methods.length > 0) {
      void reply.header('allow', methods.join(', '));
    }
    return sendProblem(reply, error, request.id);
  });
}

function sendProblem(reply: FastifyReply, error: KilnError, instance: string) {
  return reply
    .code(error.entry.status)
    .type(PROBLEM_MEDIA_TYPE)
    .serializer((problem: unknown) => JSON.stringify(problem))
    .send(problemOf(error, instance));
}

function pathOf(request: FastifyRequest): string {
  return new URL(request.url, 'http://kiln').pathname;
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** What the address would take; the router is asked, so that parameters in paths count. */
function methodsAt(app: FastifyInstance, path: string): string[] {
  return METHODS.filter((method) => app.findRoute({ url: path, method }) !== null);
}

function knownError(error: FastifyError): KilnError {
  if (error instanceof KilnError) {
    return error;
  }
  if (error.validation !== undefined) {
    const items = error.validation.map((problem) => itemOf(error.validationContext ?? 'body', problem));
    return new KilnError(
      'validation-failed',
      items.map((item) => `${item.pointer}: ${item.message}`).join('; '),
      { items },
    );
  }
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new KilnError('unsupported-media-type', error.message);
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new KilnError('payload-too-large', error.message);
    default:
      return (error.statusCode ?? 500) < 500
        ? new KilnError('bad-request', error.message)
        : new KilnError('internal-error', 'the service log has the details under the instance id', {
            cause: error,
          });
  }
}

interface AjvProblem {
  keyword: string;
  instancePath: string;
  message?: string;
  params: Record<string, unknown>;
}

/** What an answer of the validator means to the person who sent the field. */
function itemOf(context: string, problem: AjvProblem): ErrorItem {
  const { keyword, params } = problem;
  const at = `/${context}${problem.instancePath}`;
  switch (keyword) {
    case 'additionalProperties':
      return { message: 'there is no such field', pointer: `${at}/${String(params['additionalProperty'])}` };
    case 'required':
      return { message: 'the field is missing', pointer: `${at}/${String(params['missingProperty'])}` };
    case 'enum':
      return {
        message: 'the value is not one of those allowed',
        pointer: at,
        expected: (params['allowedValues'] as unknown[]).map(String).join(', '),
      };
    default:
      return { message: problem.message ?? keyword, pointer: at };
  }
}
