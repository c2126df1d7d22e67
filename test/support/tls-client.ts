/** A TLS connection from inside an image: what a program of the image, with the image's own files, makes of a server. */
import { runCommand } from '../../src/platform/exec.ts';

/** Gives all that the image's openssl says of the server on this loopback port, reached as `packages.local`. */
export async function connectFrom(root: string, port: number, trust: readonly string[]): Promise<string> {
  const name = 'packages.local';
  const result = await runCommand(
    [
      ...['chroot', root, 'openssl', 's_client', '-connect', `127.0.0.1:${port}`],
      ...['-servername', name, '-verify_hostname', name, ...trust],
    ],
    { timeoutMs: 60_000 },
  );
  return `${result.stdout}\n${result.tail.join('\n')}`;
}
