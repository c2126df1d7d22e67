"""Makes an image trust the certificates of the platform, and removes private host keys that packages left in it.

Usage: trust_certificates.py ROOT TRUST [RECIPE]
TRUST is a folder with set.json (the certificates) and suse.rpm, rhel.rpm and debian.deb (the same as packages); without
set.json there is nothing to trust. Private host keys are removed when RECIPE is given, but for those that it ships.
Writes what it did as one JSON object to standard output; what the tools say goes to standard error.

The certificates are put into the root as a package, by the image's own package manager or else by the builder's, so
that they have one owner; as plain files, at the same places, only where that cannot be. It can be run again: the last
run wins.
"""

import contextlib
import glob
import json
import os
import subprocess
import sys
import tempfile

# By family of distributions: the package, where the tool of the family looks for certificates, and the tool.
FAMILIES = {
    'debian': ('debian.deb', '/usr/local/share/ca-certificates', ['update-ca-certificates']),
    'suse': ('suse.rpm', '/etc/pki/trust/anchors', ['update-ca-certificates']),
    'rhel': ('rhel.rpm', '/etc/pki/ca-trust/source/anchors', ['update-ca-trust', 'extract']),
}
# What distributions call themselves in os-release, in lower case.
MEMBERS = {
    'debian': """debian ubuntu armbian astra cumulus-linux deepin devuan elementary kali linuxmint lmde mx neon parrot
        pop pureos raspbian tails trisquel uos vyos zorin""",
    'suse': """suse opensuse opensuse-aeon opensuse-kalpa opensuse-leap opensuse-leap-micro opensuse-microos
        opensuse-slowroll opensuse-tumbleweed caasp sl-micro sle-micro sle-micro-rancher sle_hpc sle_rt sled sles
        sles_sap suse-microos""",
    'rhel': """rhel fedora alinux almalinux amzn anolis asahi azurelinux centos circle cloudlinux eurolinux
        fedora-asahi-remix kylin mariner miraclelinux navylinux nobara ol opencloudos openeuler rocky scientific
        springdale tencentos ultramarine virtuozzo xenenterprise""",
}
RPM_DATABASES = ('/usr/lib/sysimage/rpm', '/var/lib/rpm')
DPKG_STATUS = '/var/lib/dpkg/status'
# Scripts are left out: the bundle is updated here, where a failure is seen. The platform's files replace others.
RPM_INSTALL = ['-U', '--replacepkgs', '--replacefiles', '--oldpackage', '--nosignature', '--nodeps', '--noscripts']
DPKG_INSTALL = ['--force-overwrite', '--install']
# Where the boot services of the platform look, whatever the distribution.
PLATFORM_FILE = '/etc/cray/ca/certificate_authority.crt'
ENVIRONMENT = {
    'PATH': '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'LANG': 'C.UTF-8',
    'HOME': '/root',
    'DEBIAN_FRONTEND': 'noninteractive',
}


@contextlib.contextmanager
def inside(root: str):
    """Makes the image's root that of this process, so that no link in it leads anywhere else; and gives ours back."""
    ours = os.open('/', os.O_RDONLY | os.O_DIRECTORY)
    os.chroot(root)
    os.chdir('/')
    try:
        yield
    finally:
        os.fchdir(ours)
        os.chroot('.')
        os.close(ours)


@contextlib.contextmanager
def devices(root: str):
    """Gives the tools of the image a /dev/null and a /proc, unless Kiwi has done so already."""
    mounted = []
    try:
        for name in ('dev', 'proc'):
            target = f'{root}/{name}'
            if not os.path.ismount(target):
                os.makedirs(target, exist_ok=True)
                subprocess.run(['mount', '--rbind', f'/{name}', target], check=True)
                mounted.append(target)
        yield
    finally:
        for target in mounted:
            subprocess.run(['umount', '--recursive', '--lazy', target], check=True)


def run(argv: list[str]) -> None:
    subprocess.run(argv, check=True, stdout=sys.stderr, env=ENVIRONMENT)


def os_release() -> dict[str, str]:
    values = {}
    for path in ('/etc/os-release', '/usr/lib/os-release'):
        if os.path.isfile(path):
            with open(path, encoding='utf-8', errors='replace') as file:
                for line in file:
                    key, _, value = line.strip().partition('=')
                    values[key] = value.strip('"\'')
            break
    return values


def family_of(release: dict[str, str]) -> str | None:
    """By its own name first, then by those that it says it is like, in their order."""
    for name in [release.get('ID', ''), *release.get('ID_LIKE', '').split()]:
        for family, members in MEMBERS.items():
            if name.lower() in members.split():
                return family
    return None


def find_program(name: str) -> bool:
    return any(os.access(os.path.join(folder, name), os.X_OK) for folder in ENVIRONMENT['PATH'].split(':'))


def install_inside(package: bytes, kind: str) -> None:
    """With the image's own package manager."""
    folder = tempfile.mkdtemp(dir='/')
    path = f'{folder}/kiln-platform-ca.{kind}'
    try:
        with open(path, 'wb') as file:
            file.write(package)
        run(['rpm', *RPM_INSTALL, path] if kind == 'rpm' else ['dpkg', *DPKG_INSTALL, path])
    finally:
        os.remove(path)
        os.rmdir(folder)


def install_from_outside(root: str, path: str, kind: str, database: str) -> None:
    """With the builder's."""
    if kind == 'rpm':
        run(['rpm', '--root', root, '--dbpath', database, *RPM_INSTALL, path])
    else:
        run(['dpkg', f'--root={root}', *DPKG_INSTALL, path])


def database_of(kind: str) -> str | None:
    """Where the image has the list of its packages."""
    if kind == 'deb':
        return DPKG_STATUS if os.path.isfile(DPKG_STATUS) else None
    return next((path for path in RPM_DATABASES if os.path.isdir(path) and os.listdir(path)), None)


def install(root: str, path: str) -> str | None:
    """Installs the package; what kept it from that, if anything."""
    kind = path.rpartition('.')[2]
    with open(path, 'rb') as file:
        package = file.read()
    try:
        with inside(root):
            database = database_of(kind)
            has_manager = find_program('rpm' if kind == 'rpm' else 'dpkg')
            if has_manager:
                install_inside(package, kind)
        if not has_manager:
            if database is None:
                return 'it has no package manager'
            install_from_outside(root, path, kind, database)
    except subprocess.CalledProcessError as error:
        return f'{error.cmd[0]} ended with code {error.returncode}'
    return None


def write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    os.chmod(path, 0o644)


def write_files(certificates: list[dict], anchors: str | None) -> None:
    write(PLATFORM_FILE, ''.join(each['pem'] for each in certificates))
    if anchors is not None:
        for each in certificates:
            write(f'{anchors}/{each["name"]}', each['pem'])


def trust(root: str, folder: str, given: dict, family: str | None) -> dict:
    """Puts the certificates into the root, and has the image's own tool add them to its bundle."""
    package, anchors, tool = FAMILIES.get(family, (None, None, None))
    problem = 'its distribution is not known'
    if package is not None:
        problem = install(root, f'{folder}/{package}')
    with inside(root):
        if problem is not None:
            write_files(given['certificates'], anchors)
        bundled = tool is not None and find_program(tool[0])
        if bundled:
            run(tool)
    return {
        'package': f'kiln-platform-ca-{given["version"]}-{given["release"]}' if problem is None else None,
        'problem': problem,
        'bundled': bundled,
    }


def host_keys() -> list[str]:
    return sorted(glob.glob('/etc/ssh/ssh_host_*_key'))


def remove_host_keys(shipped: set[str]) -> dict:
    removed = [path for path in host_keys() if os.path.basename(path) not in shipped]
    for path in removed:
        os.remove(path)
        if os.path.lexists(f'{path}.pub'):
            os.remove(f'{path}.pub')
    return {
        'removed_keys': [os.path.basename(path) for path in removed],
        'kept_keys': [os.path.basename(path) for path in host_keys()],
    }


def main() -> None:
    root, folder, *recipe = sys.argv[1:]
    os.umask(0o022)
    given = {'certificates': []}
    if os.path.exists(f'{folder}/set.json'):
        with open(f'{folder}/set.json', encoding='utf-8') as file:
            given = json.load(file)
    with inside(root):
        release = os_release()
    family = family_of(release)
    result = {
        'system': release.get('PRETTY_NAME', 'an unknown system'),
        'family': family,
        'certificates': len(given['certificates']),
        **{'package': None, 'problem': None, 'bundled': False},
    }
    if given['certificates']:
        with devices(root):
            result.update(trust(root, folder, given, family))
    if recipe:
        shipped = glob.glob(f'{recipe[0]}/root/etc/ssh/ssh_host_*')
        with inside(root):
            result.update(remove_host_keys({os.path.basename(path) for path in shipped}))
    print(json.dumps(result))


main()
