// The few requests that the quickstart makes itself; the rest it leaves to the kiln program.
import { existsSync } from 'node:fs';

const OVER = new Set(['succeeded', 'failed', 'cancelled']);

export const isOver = (job) => OVER.has(job.state);

/** Sends one request. Throws what the problem document says. */
export async function request(url, method, path, body) {
  const response = await fetch(url + path, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const answer = await response.json();
  if (!response.ok) {
    throw new Error(`${answer.title}: ${answer.detail}\n${answer.hint ?? ''}`);
  }
  return answer;
}

/** Whether a Kiln service answers there and says that it can work. */
export async function isHealthy(url) {
  try {
    const response = await fetch(`${url}/healthz/ready`, { signal: AbortSignal.timeout(3_000) });
    const health = await response.json();
    return response.ok && health.status === 'ok' && health.checks?.records === 'ok';
  } catch {
    // Nobody is there, or somebody else: either way no service that can be used.
    return false;
  }
}

/**
 * Cancels a job and waits until everything that it held is released; its workspace is the last of that. Gives
 * whether that came to be.
 */
export async function cancelJob(url, id, workspace) {
  let job = await request(url, 'GET', `/kiln/v1/jobs/${id}`);
  if (!isOver(job)) {
    job = await request(url, 'POST', `/kiln/v1/jobs/${id}/cancel`);
  }
  const end = performance.now() + 60_000;
  while ((!isOver(job) || existsSync(workspace)) && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    job = await request(url, 'GET', `/kiln/v1/jobs/${id}`);
  }
  return isOver(job) && !existsSync(workspace);
}
