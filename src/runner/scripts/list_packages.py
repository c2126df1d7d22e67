"""Lists the packages of an image from its package database, which it reads with the builder's own tools.

Usage: list_packages.py ROOT OUTPUT
Writes a JSON list of name, version and arch to OUTPUT, and how many there are to standard output.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

DPKG_FORMAT = '${Package}\t${Version}\t${Architecture}\t${db:Status-Status}\n'
RPM_FORMAT = '%{NAME}\t%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\t%{ARCH}\tinstalled\n'
RPM_DATABASES = ('usr/lib/sysimage/rpm', 'var/lib/rpm')


def run(argv: list[str]) -> str:
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE)
    return done.stdout.decode('utf-8', 'replace')


def dpkg_packages(root: str) -> str:
    folder = os.path.join(root, 'var/lib/dpkg')
    if not os.path.isfile(os.path.join(folder, 'status')):
        return ''
    return run(['dpkg-query', f'--admindir={folder}', '--show', f'--showformat={DPKG_FORMAT}'])


def rpm_packages(root: str) -> str:
    return rpm_query(root, ['-qa', '--qf', RPM_FORMAT])


def rpm_query(root: str, argv: list[str]) -> str:
    for name in RPM_DATABASES:
        folder = os.path.join(root, name)
        if os.path.isdir(folder) and os.listdir(folder):
            # Reading this database wants to write beside it.
            with tempfile.TemporaryDirectory() as temporary:
                copy = shutil.copytree(folder, os.path.join(temporary, 'rpm'), symlinks=True)
                return run(['rpm', '--dbpath', copy, *argv])
    return ''


def packages_of(root: str) -> list[dict[str, str]]:
    packages = []
    for line in (dpkg_packages(root) + rpm_packages(root)).splitlines():
        name, version, arch, status = line.split('\t')
        if status == 'installed' and name != 'gpg-pubkey':
            packages.append({'name': name, 'version': version, 'arch': arch})
    return sorted(packages, key=lambda package: (package['name'], package['arch'], package['version']))


def main() -> None:
    root, output = sys.argv[1:]
    packages = packages_of(root)
    with open(output, 'w', encoding='utf-8') as file:
        json.dump(packages, file, indent=1)
    print(json.dumps({'packages': len(packages)}))


if __name__ == '__main__':
    main()
