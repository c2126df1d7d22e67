"""Makes the package `kiln-platform-ca` of a set of certificates, one for each family of distributions.

Usage: package_certificates.py SET OUTPUT
SET is a JSON file: version, release, seconds (of all times in the packages), certificates (name and pem of each).
Writes suse.rpm, rhel.rpm and debian.deb to the folder OUTPUT, and their names as JSON to standard output. The same
set gives the same bytes.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

NAME = 'kiln-platform-ca'
SUMMARY = 'Certificates that the platform trusts'
# Where the boot services of the platform look, whatever the distribution.
PLATFORM_FILE = '/etc/cray/ca/certificate_authority.crt'
# By package: the folder that the tool of the family reads, and the tool.
RPMS = {
    'suse.rpm': ('/etc/pki/trust/anchors', 'update-ca-certificates'),
    'rhel.rpm': ('/etc/pki/ca-trust/source/anchors', 'update-ca-trust extract'),
}
DEB = ('debian.deb', '/usr/local/share/ca-certificates')

# Old and new rpm read this: format 4, gzip, SHA-256. The service updates the bundle itself when it builds an image; the
# scriptlets are for the day on which an administrator updates or removes the package on a node.
SPEC = """
Name: {name}
Version: {version}
Release: {release}
Summary: {summary}
License: LicenseRef-platform
BuildArch: noarch
AutoReqProv: no
Provides: {name} = {version}-{release}

%description
The certificates of the authorities that sign what this platform serves.

%install
cp -a {tree}/. %{{buildroot}}/

%post
if command -v {tool} >/dev/null 2>&1; then {tool_line} || :; fi

%postun
if command -v {tool} >/dev/null 2>&1; then {tool_line} || :; fi

%files
{files}
"""
RPM_MACROS = {
    '_rpmformat': '4',
    '_binary_payload': 'w9.gzdio',
    '_binary_filedigest_algorithm': '8',
    '_buildhost': 'kiln',
    'use_source_date_epoch_as_buildtime': '1',
    'build_mtime_policy': 'clamp_to_source_date_epoch',
    '_build_id_links': 'none',
    '__os_install_post': '%{nil}',
}
CONTROL = """Package: {name}
Version: {version}-{release}
Architecture: all
Maintainer: Kiln <root@localhost>
Section: misc
Priority: optional
Description: {summary}
 The certificates of the authorities that sign what this platform serves.
"""
# The package ca-certificates, where there is one, updates the bundle when it hears this.
TRIGGERS = 'activate-noawait update-ca-certificates\n'


def run(argv: list[str], seconds: int) -> None:
    environment = {**os.environ, 'SOURCE_DATE_EPOCH': str(seconds), 'TAR_OPTIONS': ''}
    subprocess.run(argv, check=True, stdout=sys.stderr, env=environment)


def write(path: str, text: str, mode: int = 0o644) -> None:
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    os.chmod(path, mode)


def make_tree(tree: str, certificates: dict, anchors: str) -> list[str]:
    """Lays out the files of a package below the folder `tree`; gives their absolute names."""
    files = {f'{anchors}/{name}': pem for name, pem in certificates.items()}
    files[PLATFORM_FILE] = ''.join(certificates.values())
    for path, text in files.items():
        write(tree + path, text)
    return list(files)


def settle_times(tree: str, seconds: int) -> None:
    for folder, _, names in os.walk(tree):
        for name in [folder, *(os.path.join(folder, name) for name in names)]:
            os.utime(name, (seconds, seconds))


def make_rpm(work: str, given: dict, anchors: str, tool_line: str) -> str:
    tree = f'{work}/tree'
    files = make_tree(tree, given['certificates'], anchors)
    settle_times(tree, given['seconds'])
    spec = SPEC.format(
        name=NAME,
        summary=SUMMARY,
        version=given['version'],
        release=given['release'],
        tree=tree,
        tool=tool_line.split()[0],
        tool_line=tool_line,
        files='\n'.join([*files, '%dir /etc/cray', '%dir /etc/cray/ca']),
    )
    write(f'{work}/package.spec', spec)
    defines = {**RPM_MACROS, '_topdir': f'{work}/rpmbuild'}
    options = [word for name, value in defines.items() for word in ('--define', f'{name} {value}')]
    run(['rpmbuild', '-bb', '--quiet', '--target', 'noarch', *options, f'{work}/package.spec'], given['seconds'])
    return f'{work}/rpmbuild/RPMS/noarch/{NAME}-{given["version"]}-{given["release"]}.noarch.rpm'


def make_deb(work: str, given: dict, anchors: str) -> str:
    tree = f'{work}/tree'
    make_tree(tree, given['certificates'], anchors)
    write(f'{tree}/DEBIAN/control', CONTROL.format(name=NAME, summary=SUMMARY, **given))
    write(f'{tree}/DEBIAN/triggers', TRIGGERS)
    settle_times(tree, given['seconds'])
    package = f'{work}/package.deb'
    # gzip, which every dpkg reads; older ones do not know zstd.
    run(['dpkg-deb', '--root-owner-group', '-Zgzip', '--build', tree, package], given['seconds'])
    return package


def main() -> None:
    source, output = sys.argv[1:]
    os.umask(0o022)
    with open(source, encoding='utf-8') as file:
        given = json.load(file)
    given['certificates'] = {each['name']: each['pem'] for each in given['certificates']}
    for name, (anchors, tool) in RPMS.items():
        with tempfile.TemporaryDirectory() as work:
            shutil.move(make_rpm(work, given, anchors, tool), f'{output}/{name}')
    name, anchors = DEB
    with tempfile.TemporaryDirectory() as work:
        shutil.move(make_deb(work, given, anchors), f'{output}/{name}')
    print(json.dumps({'packages': [*RPMS, name]}))


main()
