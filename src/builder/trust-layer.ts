/**
 * A layer over the builder root in which its programs trust more certificates: the bundle that OpenSSL, curl,
 * zypper, dnf and apt read, with ours appended. Cheaper than update-ca-certificates in every overlay.
 */
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ID_SHIFT } from './oci-bundle.ts';

const BUNDLE = 'etc/ssl/certs/ca-certificates.crt';
const LOCAL = 'usr/local/share/ca-certificates';

export async function trustLayer(
  builder: string,
  layer: string,
  certificates: readonly string[],
): Promise<void> {
  const bundle = await readFile(join(builder, BUNDLE), 'utf8');
  const files: [string, string][] = [
    [BUNDLE, `${bundle.trimEnd()}\n${certificates.map((pem) => `${pem.trim()}\n`).join('')}`],
    ...certificates.map((pem, index): [string, string] => [
      join(LOCAL, `kiln-platform-${index + 1}.crt`),
      `${pem.trim()}\n`,
    ]),
  ];
  for (const [name, content] of files) {
    const path = join(layer, name);
    await mkdir(dirname(path), { recursive: true });
    for (let folder = dirname(path); folder.startsWith(layer); folder = dirname(folder)) {
      await chown(folder, ID_SHIFT, ID_SHIFT);
    }
    await writeFile(path, content, { mode: 0o644 });
    await chown(path, ID_SHIFT, ID_SHIFT);
  }
}
