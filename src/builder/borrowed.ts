/** Programs of the builder root that run on the host itself, with its own loader and libraries: the host may have none or old ones. */
import { join } from 'node:path';

const PLATFORMS: Partial<Record<NodeJS.Architecture, { loader: string; libraries: string }>> = {
  x64: { loader: 'usr/lib64/ld-linux-x86-64.so.2', libraries: 'usr/lib/x86_64-linux-gnu' },
  arm64: { loader: 'usr/lib/ld-linux-aarch64.so.1', libraries: 'usr/lib/aarch64-linux-gnu' },
};

/** The words that start a program, as `usr/bin/python3`, of a mounted builder root; its words follow on them. */
export function borrowed(builder: string, program: string): string[] {
  const platform = PLATFORMS[process.arch];
  if (platform === undefined) {
    throw new TypeError(`there are no builder roots for ${process.arch}`);
  }
  const path = join(builder, program);
  return [
    join(builder, platform.loader),
    '--library-path',
    join(builder, platform.libraries),
    // Programs find what belongs to them by the name under which they are called.
    '--argv0',
    path,
    path,
  ];
}
