/** The shell of a job from its opening to its end: sshd in the sandbox, the door to it, and what they say. */
import { join } from 'node:path';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Bind, SandboxResult } from '../../builder/sandbox.ts';
import { VERDICTS, type Verdict } from '../../contract/customizations.ts';
import { KilnError } from '../../contract/errors.ts';
import type { JobDocument } from '../../contract/runner.ts';
import { systemClock } from '../../platform/clock.ts';
import { openRecord } from '../history/record.ts';
import type { ShellImage } from '../image-root.ts';
import { scriptCommand } from '../sandbox-script.ts';
import type { StepContext } from '../step.ts';
import { type Door, openDoor } from './door.ts';

const SOCKET: Bind = { folder: 'shell', at: '/work/shell', writable: true };
const CONTROL: Bind = { folder: 'control', at: '/work/control', writable: false };
/** What people beside the image see around it; marker files come here. */
const AROUND: Bind = { folder: 'around', at: '/mnt/image', writable: true };

/** Where session.py reaches the runner. */
const RECORD: Bind = { folder: 'record', at: '/work/record', writable: false };

const Said = Type.Union([
  Type.Object({ event: Type.Literal('ready'), host_key: Type.String(), fingerprint: Type.String() }),
  Type.Object({ event: Type.Literal('active') }),
  Type.Object({ event: Type.Literal('checkpoint') }),
  Type.Object({ event: Type.Literal('verdict'), verdict: Type.Enum([...VERDICTS]), file: Type.String() }),
]);

export interface Shell {
  readonly door: Door;
  readonly hostKey: string;
  readonly fingerprint: string;
  /** When somebody last did something, connected or left, in ms since the epoch. */
  lastActivity(): number;
  /** How often the user asked that what was done is kept. */
  checkpoints(): number;
  /** Settles with what the user said, or undefined when it was closed without a word. */
  readonly verdict: Promise<Verdict | undefined>;
  /** Shows a line on all terminals. */
  say(text: string): Promise<void>;
  /** Ends sessions and sshd; settles when nothing of them is left. */
  close(): Promise<void>;
}

/** Throws `shell-could-not-open`. The shell outlives the step that opens it; the workspace ends it with everything else. */
export async function openShell(
  context: StepContext,
  asked: NonNullable<JobDocument['shell']>,
  image: ShellImage,
): Promise<Shell> {
  const { workspace, document } = context;
  for (const { folder } of [SOCKET, CONTROL, AROUND, RECORD]) {
    await workspace.removeFolder(folder);
    await workspace.makeFolder(folder);
  }
  const record = await openRecord(context, RECORD.folder);
  let isReady: (keys: { hostKey: string; fingerprint: string }) => void = () => {};
  const ready = new Promise<{ hostKey: string; fingerprint: string }>((resolve) => {
    isReady = resolve;
  });
  let verdict: Verdict | undefined;
  let checkpoints = 0;
  let activity = systemClock.now().getTime();
  const command = await scriptCommand({
    script: 'open_shell.py',
    beside: ['jail.py', 'session.py', 'terminal.py', 'recorder.py'],
    args: [],
    machine: document.arch,
    network: 'outbound',
    binds: [AROUND, image.bind, SOCKET, CONTROL, RECORD],
    input: JSON.stringify({
      root: image.root,
      jail: asked.jail,
      authorized_keys: asked.authorized_keys,
      environment: shellEnvironment(document),
    }),
  });
  const running = workspace.run({
    ...command,
    onLine(line, stream) {
      if (stream === 'stderr') {
        context.log(line);
        return;
      }
      const said = parsed(line);
      if (said?.event === 'ready') {
        isReady({ hostKey: said.host_key, fingerprint: said.fingerprint });
      } else if (said?.event === 'active') {
        activity = systemClock.now().getTime();
      } else if (said?.event === 'checkpoint') {
        checkpoints += 1;
      } else if (said?.event === 'verdict') {
        verdict = said.verdict;
        context.log(`The user says "${said.verdict}"`);
      }
    },
  });
  const failed = running.then((result) => Promise.reject(couldNotOpen(result)));
  // Whoever waits for the start hears of it; later nobody does.
  failed.catch(() => {});
  const opened = async () => {
    const keys = await Promise.race([ready, failed]);
    const door = await openDoor({
      place: asked.door,
      socket: join(workspace.hostPath(SOCKET.folder), 'sshd.sock'),
      clock: systemClock,
      onConnected: record.connected,
      onDisconnected: record.disconnected,
    });
    return { ...keys, door };
  };
  const { hostKey, fingerprint, door } = await opened().catch(async (error: unknown) => {
    await record.close();
    throw error;
  });
  let words = 0;
  return {
    door,
    hostKey,
    fingerprint,
    lastActivity: () => Math.max(activity, door.lastChange()),
    checkpoints: () => checkpoints,
    verdict: running.then(() => verdict),
    async say(text) {
      words += 1;
      await workspace.writeFile(CONTROL.folder, `say-${words}`, text);
    },
    async close() {
      await workspace.writeFile(CONTROL.folder, 'close', '');
      await running;
      await door.close();
      await record.close();
    },
  };
}

/** As the reference has them. */
function shellEnvironment(document: JobDocument): Record<string, string> {
  return {
    IMS_JOB_ID: document.job_id,
    IMS_ARCH: document.arch,
    IMS_DKMS_ENABLED: document.require_dkms ? 'True' : 'False',
    REMOTE_BUILD_NODE: document.node ?? '',
  };
}

function parsed(line: string) {
  try {
    const said: unknown = JSON.parse(line);
    return Value.Check(Said, said) ? said : undefined;
  } catch {
    return undefined;
  }
}

function couldNotOpen(result: SandboxResult): KilnError {
  return new KilnError('shell-could-not-open', result.tail.slice(-5).join('\n') || 'sshd ended at once');
}
