import { describe, expect, it } from 'vitest';
import { createKiwiFailure } from './failure.ts';
import { createKiwiOutput } from './output.ts';

function explain(stdout: string, stderr: string) {
  const failure = createKiwiFailure();
  for (const text of [stdout, stderr]) {
    const output = createKiwiOutput();
    for (const raw of text.split('\n')) {
      const line = output.read(raw);
      if (line !== undefined) {
        failure.see(line);
      }
    }
  }
  return failure.explain(1);
}

describe('a failure of Kiwi', () => {
  it('names the packages that apt does not have', () => {
    const error = explain(
      '[ DEBUG   ]: 16:26:29 | system: Building dependency tree...\n',
      '[ ERROR   ]: 16:26:30 | KiwiInstallPhaseFailed: System package installation failed: ' +
        'E: Unable to locate package no-such-package\nE: Unable to locate package nor-this-one\n',
    );

    expect(error).toMatchObject({ code: 'package-not-found' });
    expect(error.message).toContain('no-such-package, nor-this-one');
    expect(error.items).toHaveLength(2);
  });

  it('names the package that zypper found to be signed by nobody who is known, wherever in the text', () => {
    const error = explain(
      '',
      '[ ERROR   ]: 12:37:01 | KiwiBootStrapPhaseFailed: Bootstrap package installation failed: warning: /cache/tiny-1.0-1.noarch.rpm: ' +
        'Header OpenPGP V4 RSA/SHA512 signature, key ID a22511fd489b599a: NOKEY\n' +
        'tiny-1.0-1.noarch (custom-repo): Signature verification failed [4-Signatures public key is not available]\n',
    );

    expect(error).toMatchObject({ code: 'package-signature-wrong' });
    expect(error.message).toContain('tiny-1.0-1.noarch: Signatures public key is not available');
  });

  it('names the packages that the bootstrap does not have', () => {
    const error = explain(
      '[ DEBUG   ]: 16:26:20 | EXEC: Failed with stderr: E: Unable to locate package aptt\n, stdout: Reading package lists...\n',
      '[ ERROR   ]: 16:26:20 | KiwiDebianBootstrapError: KiwiCommandError: apt-get: stderr: ' +
        'E: Unable to locate package aptt\n, stdout: Reading package lists...\nBuilding dependency tree...\n',
    );

    expect(error).toMatchObject({ code: 'package-not-found' });
    expect(error.message).toContain('the package aptt');
  });

  it.each([
    ["[ DEBUG   ]: 1 | system: No provider of 'foo' found.", 'foo'],
    ["Package 'foo-devel' not found.", 'foo-devel'],
    ['Failed to resolve the transaction:\nNo match for argument: foo', 'foo'],
  ])('names the package of zypper and dnf: %s', (stdout, name) => {
    const error = explain(
      stdout,
      '[ ERROR   ]: 16:26:30 | KiwiInstallPhaseFailed: System package installation failed: ',
    );

    expect(error).toMatchObject({ code: 'package-not-found' });
    expect(error.message).toContain(name);
  });

  it.each([
    "E: Failed to fetch http://packages.invalid/debian/dists/bookworm/InRelease  Could not resolve 'packages.invalid'",
    "E: The repository 'http://packages.example/debian bookworm Release' does not have a Release file.",
    'Valid metadata not found at specified URL',
    "Curl error (6): Couldn't resolve host name for https://packages.invalid/repo/repodata/repomd.xml",
  ])('names the repository that does not answer: %s', (said) => {
    const error = explain(
      '',
      `[ ERROR   ]: 16:26:30 | KiwiDebianBootstrapError: KiwiCommandError: stderr: ${said}`,
    );

    expect(error).toMatchObject({ code: 'repository-unreachable' });
    expect(error.message).toContain(said);
  });

  it('blames the repository for the packages that are missing because of it', () => {
    const error = explain(
      "[ DEBUG   ]: 1 | system: W: Failed to fetch http://packages.invalid/InRelease  Could not resolve 'packages.invalid'",
      '[ ERROR   ]: 16:26:30 | KiwiInstallPhaseFailed: E: Unable to locate package curl',
    );

    expect(error).toMatchObject({ code: 'repository-unreachable' });
    expect(error.message).toContain('curl');
  });

  it('shows the last 20 lines of a script', () => {
    const lines = Array.from(
      { length: 30 },
      (_, index) => `[ DEBUG   ]: 16:29:02 | line ${index + 1} of the script\n`,
    );
    const error = explain(
      `[ INFO    ]: 16:29:02 | Calling config.sh script\n[ DEBUG   ]: 16:29:02 | --------------out start-------------\n${lines.join('')}` +
        '[ DEBUG   ]: 16:29:02 | --------------out stop--------------\n',
      '[ ERROR   ]: 16:29:03 | KiwiScriptFailed: config.sh failed with: \n',
    );

    expect(error).toMatchObject({ code: 'recipe-script-failed' });
    expect(error.message).toMatch(/^config\.sh .*\nline 11 of the script\n[\s\S]*\nline 30 of the script$/);
  });

  it('does not believe what a script says about packages', () => {
    const error = explain(
      '[ INFO    ]: 16:29:02 | Calling config.sh script\n[ DEBUG   ]: 16:29:02 | --------------out start-------------\n' +
        '[ DEBUG   ]: 16:29:02 | E: Unable to locate package joke\n[ DEBUG   ]: 16:29:02 | --------------out stop--------------\n',
      '[ ERROR   ]: 16:29:03 | KiwiCommandError: chroot: stderr: Locale en_US.UTF-8 is not installed\n',
    );

    expect(error).toMatchObject({ code: 'kiwi-failed' });
    expect(error.message).toBe('chroot: stderr: Locale en_US.UTF-8 is not installed (KiwiCommandError)');
  });

  it('shows the last lines when Kiwi gives no message', () => {
    const error = explain('[ INFO    ]: 16:29:02 | Preparing system\n', '');

    expect(error).toMatchObject({ code: 'kiwi-failed' });
    expect(error.message).toContain('code 1');
    expect(error.message).toContain('Preparing system');
  });
});
