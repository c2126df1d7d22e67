/** Images booted over the network in an emulated machine, with patience for a busy host. */
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Architecture } from '../../src/contract/common.ts';
import type { RunningService } from './kiln.ts';

/**
 * On a busy host an emulated machine is slow: it waits longer for its serial line before it gives it up. And its kernel keeps
 * to itself what is not critical: what it prints falls into the lines of programs, and on a slow machine eats some of them.
 */
const PATIENCE =
  'systemd.default_device_timeout_sec=500 systemd.default_timeout_start_sec=500 nowatchdog loglevel=3';

/** A processor that an image of the architecture can do with: the less it has, the less there is to emulate. */
const PROCESSORS: Record<Architecture, string> = { x86_64: 'Nehalem', aarch64: 'cortex-a72' };

/** Gives what was on the console until this text was. */
export async function bootUntil(
  service: RunningService,
  imageId: string,
  text: string,
  { cpus, timeoutSeconds, arch = 'x86_64' }: { cpus: number; timeoutSeconds: number; arch?: Architecture },
): Promise<string> {
  const log = join(tmpdir(), `kiln-boot-${imageId}.log`);
  const processor = ['--cpus', String(cpus), '--cpu', PROCESSORS[arch]];
  const machine = [...processor, '--console-log', log, '--append', PATIENCE];
  const until = ['--until', text, '--timeout', String(timeoutSeconds)];
  const boot = await service.kiln(['images', 'boot', imageId, ...until, ...machine], {
    timeoutMs: (timeoutSeconds + 50) * 1000,
  });
  expect(boot.exitCode, `the console is kept in ${log}\n${boot.tail.slice(-40).join('\n')}`).toBe(0);
  const shown = await readFile(log, 'utf8');
  await rm(log);
  return shown;
}
