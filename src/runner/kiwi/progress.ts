/** How far the package manager is, read from what apt, zypper and dnf write while they install. */
import type { JobProgress } from '../../contract/jobs.ts';

const APT_TOTAL = /^\d+ upgraded, (\d+) newly installed/;
const APT_GET = /^Get:(\d+) \S+ \S+ \S+ (\S+) \S+ \S+ \[/;
const APT_UNPACK = /^Unpacking ([^\s:]+)\S* \(/;
const APT_SET_UP = /^Setting up ([^\s:]+)\S* \(/;
/** Kiwi unpacks the packages of its bootstrap one by one, and says so only in its own notes. */
const APT_BOOTSTRAP = /dpkg-deb --fsys-tarfile \S*\/([^/_\s]+)_\S+\.deb/;
const APT_TRIGGER = /^Processing triggers for (\S+)/;
const ZYPPER = /^\(\s*(\d+)\/(\d+)\) (?:Installing: |Installing |Removing: )(\S+)/;
const ZYPPER_GET = /^Retrieving: (\S+).*\((\d+)\/(\d+)\)/;
const DNF5 = /^\[\s*(\d+)\/(\d+)\] (Installing|Upgrading|Verify|Prepare|Running|Total)?\s*(\S+)/;
const DNF4 = /^\s*(?:Installing|Upgrading)\s*: (\S+)\s+(\d+)\/(\d+)\s*$/;
const NEVRA_TAIL = /-[^-]+-[^-]+$/;

export interface PackageProgress {
  /** The progress after this line of a package manager; undefined when the line says nothing about it. */
  read(text: string): JobProgress | undefined;
}

/** Counts one run of Kiwi. apt installs in two passes over the packages, so that each pass counts half. */
export function createPackageProgress(): PackageProgress {
  let total: number | null = null;
  let unpacked = 0;
  let configured = 0;

  const apt = (message: string): JobProgress => {
    const done = Math.floor((unpacked + configured) / 2);
    return { done: total === null ? done : Math.min(done, total), total, unit: 'packages', message };
  };

  function readApt(text: string): JobProgress | undefined {
    const begins = APT_TOTAL.exec(text);
    if (begins) {
      total = Number(begins[1]);
      unpacked = 0;
      configured = 0;
      return apt(`${total} packages to install`);
    }
    const fetched = APT_GET.exec(text);
    if (fetched && total !== null) {
      return apt(`downloading ${fetched[2]}, ${fetched[1]} of ${total}`);
    }
    const bootstrapped = APT_BOOTSTRAP.exec(text);
    if (bootstrapped) {
      unpacked += 1;
      configured += 1;
      return apt(`unpacking ${bootstrapped[1]}`);
    }
    const unpacking = APT_UNPACK.exec(text);
    if (unpacking) {
      unpacked += 1;
      return apt(`unpacking ${unpacking[1]}`);
    }
    const settingUp = APT_SET_UP.exec(text);
    if (settingUp) {
      configured += 1;
      return apt(`setting up ${settingUp[1]}`);
    }
    const trigger = APT_TRIGGER.exec(text);
    return trigger ? apt(`running the triggers of ${trigger[1]}`) : undefined;
  }

  return {
    read(text) {
      return readApt(text) ?? readZypper(text) ?? readDnf(text);
    },
  };
}

function readZypper(text: string): JobProgress | undefined {
  const fetched = ZYPPER_GET.exec(text);
  if (fetched) {
    const [, name, number, total] = fetched;
    const message = `downloading ${nameOf(name)}, ${number} of ${total}`;
    return { done: 0, total: Number(total), unit: 'packages', message };
  }
  const [, number, total, name] = ZYPPER.exec(text) ?? [];
  return counted(number, total, name);
}

function readDnf(text: string): JobProgress | undefined {
  const five = DNF5.exec(text);
  if (five) {
    const [, number, total, verb, name] = five;
    return verb === 'Installing' || verb === 'Upgrading' ? counted(number, total, name) : undefined;
  }
  const [, name, number, total] = DNF4.exec(text) ?? [];
  return counted(number, total, name);
}

function counted(number: string | undefined, total: string | undefined, name: string | undefined) {
  if (number === undefined || total === undefined) {
    return undefined;
  }
  const message = `installing ${nameOf(name)}`;
  return { done: Number(number), total: Number(total), unit: 'packages', message } satisfies JobProgress;
}

/** The name in NAME-VERSION-RELEASE.ARCH. */
function nameOf(nevra: string | undefined): string {
  return (nevra ?? '').replace(NEVRA_TAIL, '');
}
