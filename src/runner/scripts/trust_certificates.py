"""Makes an image trust the certificates of the platform, and removes private host keys that packages left in it.

Usage: trust_certificates.py ROOT RECIPE CERTIFICATES
The last is a folder of PEM files. Writes what it did as one JSON object to standard output; what the tools of the
image say goes to standard error.

Everything happens inside the root (chroot), so that no link in it leads anywhere else.
"""

import glob
import json
import os
import subprocess
import sys

# By family of distributions: where its tool looks for certificates, and the tool.
FAMILIES = {
    'debian': ('/usr/local/share/ca-certificates', ['update-ca-certificates']),
    'suse': ('/etc/pki/trust/anchors', ['update-ca-certificates']),
    'rhel': ('/etc/pki/ca-trust/source/anchors', ['update-ca-trust', 'extract']),
}
MEMBERS = {
    'debian': {'debian', 'ubuntu'},
    'suse': {'suse', 'opensuse', 'sles', 'sle_hpc', 'sle-micro'},
    'rhel': {'rhel', 'fedora', 'centos', 'rocky', 'almalinux'},
}
# Where the boot services of the platform look, whatever the distribution.
PLATFORM_FILE = '/etc/cray/ca/certificate_authority.crt'
PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'


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
    names = {release.get('ID', ''), *release.get('ID_LIKE', '').split()}
    return next((family for family, members in MEMBERS.items() if names & members), None)


def write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    os.chmod(path, 0o644)


def find_program(name: str) -> bool:
    return any(os.access(os.path.join(folder, name), os.X_OK) for folder in PATH.split(':'))


def trust(certificates: list[str], family: str | None) -> bool:
    """Writes the certificates; true when the image's own tool has added them to its bundle."""
    write(PLATFORM_FILE, '\n'.join(certificates))
    if family is None:
        return False
    folder, tool = FAMILIES[family]
    for number, text in enumerate(certificates, 1):
        write(f'{folder}/kiln-platform-{number}.crt', text)
    if not find_program(tool[0]):
        return False
    subprocess.run(tool, check=True, stdout=sys.stderr, env={'PATH': PATH, 'LANG': 'C.UTF-8', 'HOME': '/root'})
    return True


def host_keys() -> list[str]:
    return sorted(glob.glob('/etc/ssh/ssh_host_*_key'))


def main() -> None:
    root, recipe, folder = sys.argv[1:]
    certificates = []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        with open(os.path.join(folder, name), encoding='utf-8') as file:
            certificates.append(file.read())
    shipped = {name for name in os.listdir(f'{recipe}/root/etc/ssh')} if os.path.isdir(f'{recipe}/root/etc/ssh') else set()
    if certificates:
        # The tools of the image want a /dev/null; these mounts end with the sandbox.
        for name in ('dev', 'proc'):
            os.makedirs(f'{root}/{name}', exist_ok=True)
            subprocess.run(['mount', '--rbind', f'/{name}', f'{root}/{name}'], check=True)
    os.chroot(root)
    os.chdir('/')

    release = os_release()
    family = family_of(release)
    bundled = trust(certificates, family) if certificates else False
    removed = [path for path in host_keys() if os.path.basename(path) not in shipped]
    for path in removed:
        os.remove(path)
        if os.path.lexists(f'{path}.pub'):
            os.remove(f'{path}.pub')
    result = {
        'system': release.get('PRETTY_NAME', 'an unknown system'),
        'family': family,
        'certificates': len(certificates),
        'bundled': bundled,
        'removed_keys': [os.path.basename(path) for path in removed],
        'kept_keys': [os.path.basename(path) for path in host_keys()],
    }
    print(json.dumps(result))


main()
