/** A load generator: so many connections, each sending its next request when the last one is answered. */
import { Pool } from 'undici';

export interface Request {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: object;
}

export interface Load {
  readonly requests: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Sends what `next` gives until the time is over, or `until` is settled. Throws when one is not answered with 2xx. */
export async function load(
  url: string,
  next: (index: number) => Request,
  options: { connections: number; seconds: number; until?: Promise<unknown> },
): Promise<Load> {
  const pool = new Pool(url, { connections: options.connections, pipelining: 1 });
  const times: number[] = [];
  let index = 0;
  let over = false;
  void options.until?.then(() => {
    over = true;
  });
  const started = performance.now();
  const end = started + options.seconds * 1000;
  const sender = async (): Promise<void> => {
    while (!over && performance.now() < end) {
      const { method, path, body } = next(index++);
      const sent = performance.now();
      const response = await pool.request({
        method,
        path,
        ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      await response.body.dump({ limit: Number.MAX_SAFE_INTEGER });
      times.push(performance.now() - sent);
      if (response.statusCode >= 300) {
        throw new Error(`${method} ${path}: ${response.statusCode}`);
      }
    }
  };
  await Promise.all(Array.from({ length: options.connections }, sender));
  const seconds = (performance.now() - started) / 1000;
  await pool.close();
  times.sort((one, other) => one - other);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { requests: times.length, perSecond: times.length / seconds, p50: at(0.5), p99: at(0.99) };
}
