"""Has Kiwi and its package managers trust the keys that the service knows, and no others; build_root.py imports this.

Kiwi verifies nothing where a recipe says nothing, and has zypper trust whatever key a repository brings along.
"""

import glob
import os
import shutil
import subprocess
from configparser import ConfigParser
from xml.etree import ElementTree

from kiwi.kiwi import log
from kiwi.repository.dnf4 import RepositoryDnf4
from kiwi.repository.dnf5 import RepositoryDnf5
from kiwi.repository.zypper import RepositoryZypper
from kiwi.system.setup import SystemSetup
from kiwi.xml_parse import repository

KEYS_FOLDER = '/etc/pki/kiln'
SITE_KEYS = sorted(glob.glob(f'{KEYS_FOLDER}/site/*'))
PLATFORM_KEYS = sorted(glob.glob(f'{KEYS_FOLDER}/platform/*'))
ARCHIVE_KEYS = sorted(glob.glob('/usr/share/keyrings/debian-archive-keyring.[gp][pg][gp]'))[:1]

# Expressions of libzypp, of the same length. It looks whether what is in the second bracket begins with an S.
SAID_BY_RPM_4 = b'.*(Signature, key|digest).*: ([A-Z]+)'
SAID_BY_ANY_RPM = b'.*(S[^ ]* .*, key|digest).*: ([A-Z]+)'

RPM_DATABASES = ('/usr/lib/sysimage/rpm', '/var/lib/rpm')
KEY_FORM = '%{NAME}-%{VERSION}-%{RELEASE} %{VERSION}\\n'


def key_arguments(description: str) -> list[str]:
    """The signing keys that the service knows. With keys, Kiwi has apt trust nothing else: its own come along."""
    managers = ElementTree.parse(os.path.join(description, 'config.xml')).getroot().iter('packagemanager')
    with_apt = any((manager.text or '').strip() == 'apt' for manager in managers)
    keys = SITE_KEYS + PLATFORM_KEYS
    return [f'--signing-key={key}' for key in keys + (ARCHIVE_KEYS if keys and with_apt else [])]


def name_keys_of_metadata() -> None:
    """Has dnf find the keys for signed metadata, for which it wants them named in the file of the repository.

    The same file is read outside of the image and in it, so the keys lie at the same place in both.
    """
    for kind in (RepositoryDnf4, RepositoryDnf5):
        def add_repo(self, name, *arguments, add=kind.add_repo, **more) -> None:
            add(self, name, *arguments, **more)
            file = os.path.join(self.shared_dnf_dir['reposd-dir'], f'{name}.repo')
            config = ConfigParser(interpolation=None)
            config.read(file)
            if config.get(name, 'repo_gpgcheck', fallback='0') != '1':
                return
            for key in SITE_KEYS + PLATFORM_KEYS:
                os.makedirs(os.path.dirname(self.root_dir + key), exist_ok=True)
                shutil.copyfile(key, self.root_dir + key)
            config.set(name, 'gpgkey', ' '.join(f'file://{key}' for key in SITE_KEYS + PLATFORM_KEYS))
            with open(file, 'w', encoding='utf-8') as output:
                config.write(output)

        kind.add_repo = add_repo


class WithoutAutomaticKeys:
    """The arguments of zypper, without the one that has it trust whatever key a repository comes with."""

    def __set__(self, owner, words: list[str]) -> None:
        owner.__dict__['words_of_zypper'] = [word for word in words if word != '--gpg-auto-import-keys']

    def __get__(self, owner, _kind=None) -> list[str]:
        return owner.__dict__['words_of_zypper']


def trust_known_keys_only() -> None:
    """Has packages checked where the recipe says nothing, once keys are known; what stays in the image says what it says."""
    RepositoryZypper.zypper_args = WithoutAutomaticKeys()
    teach_zypper_rpm_6()
    name_keys_of_metadata()
    if not SITE_KEYS:
        return
    asked = repository.get_package_gpgcheck
    repository.get_package_gpgcheck = lambda self: True if asked(self) is None else asked(self)
    keep_repositories = SystemSetup.import_repositories_marked_as_imageinclude

    def as_the_recipe_says(self, *arguments, **more) -> None:
        repository.get_package_gpgcheck = asked
        keep_repositories(self, *arguments, **more)

    SystemSetup.import_repositories_marked_as_imageinclude = as_the_recipe_says


def teach_zypper_rpm_6() -> None:
    """Has libzypp see the signatures that rpm finds good, so that it verifies packages before it installs them.

    libzypp 17 finds out what rpm has verified from rpm's words: it looks for "Signature, key", where rpm 6 says
    "signature, key", and takes each package for unsigned. The expression is replaced in the sandbox's own copy of the
    library, which ends with the sandbox; a library that has another one is left alone.
    """
    for path in glob.glob('/usr/lib*/*/libzypp.so.*') + glob.glob('/usr/lib*/libzypp.so.*'):
        if os.path.islink(path):
            continue
        with open(path, 'rb') as file:
            library = file.read()
        if library.count(SAID_BY_RPM_4) == 1:
            with open(f'{path}.new', 'wb') as file:
                file.write(library.replace(SAID_BY_RPM_4, SAID_BY_ANY_RPM))
            os.replace(f'{path}.new', path)


def forget_keys(description: str, root: str) -> None:
    """Takes the keys of the service out of the image, where they would be packages that no recipe names.

    They stay when the recipe leaves a repository in the image that its nodes have to verify.
    """
    image = ElementTree.parse(os.path.join(description, 'config.xml')).getroot()
    if any(is_verified_on_nodes(each) for each in image.findall('repository')):
        return
    shutil.rmtree(root + KEYS_FOLDER, ignore_errors=True)
    own = os.path.exists(f'{root}/usr/bin/rpm')
    if not own and not any(os.path.isdir(root + path) for path in RPM_DATABASES):
        return  # rpm would make one
    rpm = ['chroot', root, 'rpm'] if own else ['rpm', '--root', root]
    fingerprints = {fingerprint for key in SITE_KEYS + PLATFORM_KEYS for fingerprint in fingerprints_in(key)}
    listed = subprocess.run([*rpm, '-q', 'gpg-pubkey', '--qf', KEY_FORM], capture_output=True, text=True)
    for line in listed.stdout.splitlines() if listed.returncode == 0 else []:
        package, version = line.split()
        if any(fingerprint.endswith(version) for fingerprint in fingerprints):
            done = subprocess.run([*rpm, '-e', '--allmatches', package], capture_output=True, text=True)
            if done.returncode != 0:
                log.warning('The signing key %s stays in the image: %s', package, done.stderr.strip())


def is_verified_on_nodes(element: ElementTree.Element) -> bool:
    says = {name for name, value in element.items() if value in ('true', '1')}
    return bool(says & {'imageinclude', 'imageonly'}) and bool(says & {'package_gpgcheck', 'repository_gpgcheck'})


def fingerprints_in(file: str) -> list[str]:
    """Of the primary keys, in lower case: rpm 4 has the last eight digits for the version of a key, rpm 6 all."""
    shown = subprocess.run(['gpg', '--batch', '--with-colons', '--show-keys', file], capture_output=True, text=True, check=True)
    fields = [line.split(':') for line in shown.stdout.splitlines()]
    after_primary = [next_one for one, next_one in zip(fields, fields[1:]) if one[0] == 'pub' and next_one[0] == 'fpr']
    return [each[9].lower() for each in after_primary]
