/**
 * Says whose connection it is that somebody else hands on: one line before its first byte, as the PROXY protocol has it in its
 * version 1 (haproxy.org, proxy-protocol.txt, section 2.1).
 */
import type { Socket } from 'node:net';

/** The longest line that there is, with its end. */
const LONGEST = 107;
const LINE = /^PROXY TCP[46] (\S+) \S+ (\d+) \d+\r\n$/;
const PATIENCE_MS = 5_000;

export function proxyLine({
  remoteAddress,
  localAddress,
  remotePort,
  localPort,
  remoteFamily,
}: Socket): string {
  const family = remoteFamily === 'IPv6' ? 'TCP6' : 'TCP4';
  return `PROXY ${family} ${remoteAddress} ${localAddress} ${remotePort} ${localPort}\r\n`;
}

/** Takes the line off the start of a connection, and gives ADDRESS:PORT of the client. Rejects when there is none in time. */
export function takeProxyLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let start = Buffer.alloc(0);
    const finish = (work: () => void) => {
      clearTimeout(timer);
      socket.off('readable', read).off('end', ended).off('error', ended);
      work();
    };
    const refuse = (why: string) => finish(() => reject(new Error(`the connection ${why}`)));
    const ended = () => refuse('ended before it said whose it is');
    const timer = setTimeout(() => refuse('does not say whose it is'), PATIENCE_MS);
    function read() {
      for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
        start = Buffer.concat([start, chunk]);
      }
      const end = start.indexOf('\n');
      if (end < 0 && start.length <= LONGEST) {
        return;
      }
      const [, address, port] = LINE.exec(start.subarray(0, end + 1).toString('latin1')) ?? [];
      if (address === undefined) {
        refuse('does not say whose it is');
        return;
      }
      finish(() => {
        if (start.length > end + 1) {
          socket.unshift(start.subarray(end + 1));
        }
        resolve(`${address}:${port}`);
      });
    }
    socket.on('readable', read).once('end', ended).once('error', ended);
  });
}
