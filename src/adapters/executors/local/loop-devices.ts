/** Loop devices whose files are in a folder. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun, runCommand } from '../../../platform/exec.ts';

interface LoopDevice {
  readonly name: string;
  readonly backFile: string;
  /** Device and inode of its file: the path alone is not enough, it is that of a mount that may be gone. */
  readonly identity: string;
}

/** Detaches every loop device whose file is directly in the folder or one folder deeper. */
export async function detachLoopsOf(folder: string): Promise<void> {
  const devices = await loopDevices();
  if (devices.length === 0) {
    return;
  }
  const files = await identitiesIn(folder, 2);
  for (const device of devices) {
    if (files.has(device.identity) || device.backFile.startsWith(`${folder}/`)) {
      await detach(device);
    }
  }
}

async function detach(device: LoopDevice): Promise<void> {
  const result = await runCommand(['losetup', '--detach', device.name]);
  const still = (await loopDevices()).some(
    (each) => each.name === device.name && each.identity === device.identity,
  );
  // It may have detached itself with its last user; what counts is that it is gone.
  if (result.exitCode !== 0 && still) {
    await mustRun(['losetup', '--detach', device.name]);
  }
}

async function loopDevices(): Promise<LoopDevice[]> {
  const columns = 'NAME,BACK-MAJ:MIN,BACK-INO,BACK-FILE';
  const { stdout } = await mustRun(['losetup', '--list', '--noheadings', '--raw', '--output', columns]);
  return stdout.split('\n').flatMap((line) => {
    const [name, device, inode, ...file] = line.split(' ');
    return name && device && inode
      ? [{ name, backFile: file.join(' '), identity: `${device} ${inode}` }]
      : [];
  });
}

async function identitiesIn(folder: string, depth: number): Promise<Set<string>> {
  const found = new Set<string>();
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isFile()) {
      const { dev, ino } = await stat(path);
      found.add(`${majorOf(dev)}:${minorOf(dev)} ${ino}`);
    } else if (entry.isDirectory() && depth > 1) {
      for (const identity of await identitiesIn(path, depth - 1)) {
        found.add(identity);
      }
    }
  }
  return found;
}

/** As Linux packs the two numbers of a device into one; those above 4095 do not occur here. */
function majorOf(device: number): number {
  return Math.floor(device / 256) % 4096;
}

function minorOf(device: number): number {
  return (device % 256) + Math.floor(device / 2 ** 20) * 256;
}
