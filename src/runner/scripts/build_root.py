"""Builds the root of an image: `kiwi-ng system prepare`, then images.sh as `kiwi-ng system create` would run it.

Usage: build_root.py DESCRIPTION ROOT TRUST
TRUST is the folder that trust_certificates.py, which lies beside this script, puts into the root.

Kiwi calls images.sh only when it makes an image of its own, after the root is prepared and unmounted. Kiln makes
the image itself, so that script is called here, through Kiwi's own code. Ends with Kiwi's exit code.
"""

import glob
import json
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
from configparser import ConfigParser
from xml.etree import ElementTree

from kiwi import command_process
from kiwi.command import Command
from kiwi.exceptions import KiwiError
from kiwi.kiwi import log, main as kiwi
from kiwi.mount_manager import MountManager
from kiwi.repository.dnf4 import RepositoryDnf4
from kiwi.repository.dnf5 import RepositoryDnf5
from kiwi.repository.zypper import RepositoryZypper
from kiwi.system.prepare import SystemPrepare
from kiwi.system.setup import SystemSetup
from kiwi.system.uri import Uri
from kiwi.xml_description import XMLDescription
from kiwi.xml_parse import repository
from kiwi.xml_state import XMLState


def type_arguments(description: str) -> list[str]:
    """`--type tbz` when the recipe declares that type for all profiles, else Kiwi's own choice.

    Of several types it is the one that means a plain root; others ask for packages that only their media need.
    """
    image = ElementTree.parse(os.path.join(description, 'config.xml')).getroot()
    for preferences in image.findall('preferences'):
        types = [each.get('image') for each in preferences.findall('type')]
        if 'tbz' in types and preferences.get('profiles') is None:
            return ['--type', 'tbz']
    return []


SITE_KEYS = sorted(glob.glob('/etc/pki/kiln/site/*'))
PLATFORM_KEYS = sorted(glob.glob('/etc/pki/kiln/platform/*'))
ARCHIVE_KEYS = sorted(glob.glob('/usr/share/keyrings/debian-archive-keyring.[gp][pg][gp]'))[:1]

# Where Kiwi has zypper keep what it downloads, a folder for each repository.
PACKAGE_CACHE = '/var/cache/kiwi/packages'


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
    """Has packages checked where the recipe says nothing, once keys are known."""
    RepositoryZypper.zypper_args = WithoutAutomaticKeys()
    if SITE_KEYS:
        asked = repository.get_package_gpgcheck
        repository.get_package_gpgcheck = lambda self: True if asked(self) is None else asked(self)


def is_checked(element: ElementTree.Element) -> bool:
    """Whether packages of a repository are to be verified."""
    said = element.get('package_gpgcheck')
    return bool(SITE_KEYS) if said is None else said in ('true', '1')


def leave_verifying_to_us() -> None:
    """Has zypper not verify packages; `verify_packages` does, once it is done.

    libzypp 17 finds out what rpm has verified from rpm's words, does not know those of rpm 6, and takes each package for
    unsigned. What stays in the image says what the recipe says.
    """
    asked = repository.get_package_gpgcheck
    repository.get_package_gpgcheck = lambda self: False
    keep_repositories = SystemSetup.import_repositories_marked_as_imageinclude

    def as_the_recipe_says(self, *arguments, **more) -> None:
        repository.get_package_gpgcheck = asked
        keep_repositories(self, *arguments, **more)

    SystemSetup.import_repositories_marked_as_imageinclude = as_the_recipe_says


def alias_of(element: ElementTree.Element) -> str:
    """The name that Kiwi gives a repository, which is also that of its folder in the cache."""
    source = element.find('source')
    return element.get('alias') or Uri('' if source is None else source.get('path', ''), element.get('type') or '').alias()


def verify_packages(description: str) -> None:
    """Verifies what zypper has downloaded; ends this process with an error when a package is not signed as it has to be.

    By then the package is installed, its scripts have run in the sandbox; what counts is that no image comes of it.
    """
    image = ElementTree.parse(os.path.join(description, 'config.xml')).getroot()
    unchecked = {alias_of(each) for each in image.findall('repository') if not is_checked(each)}
    folders = [folder for folder in glob.glob(f'{PACKAGE_CACHE}/*') if os.path.basename(folder) not in unchecked]
    packages = sorted(path for folder in folders for path in glob.glob(f'{folder}/**/*.rpm', recursive=True))
    if not packages:
        return
    with tempfile.TemporaryDirectory() as database:
        if SITE_KEYS:
            subprocess.run(['rpmkeys', '--dbpath', database, '--import', *SITE_KEYS], check=True)
        check = ['rpmkeys', '--dbpath', database, '--define=_pkgverify_level signature', '--checksig', '--verbose']
        for package in packages:
            done = subprocess.run([*check, package], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode != 0:
                wrong = [line.strip() for line in done.stdout.splitlines() if 'OpenPGP' in line and ': OK' not in line]
                why = wrong[0] if wrong else 'it is not signed'
                log.error('package %s does not verify: %s', os.path.basename(package).removesuffix('.rpm'), why)
                sys.exit(1)


def with_zypper(description: str) -> bool:
    image = ElementTree.parse(os.path.join(description, 'config.xml')).getroot()
    return any((manager.text or '').strip() == 'zypper' for manager in image.iter('packagemanager'))


def bind_devices_too() -> None:
    """Has Kiwi bind /dev with what is mounted in it.

    Each device of a sandbox is a mount of its own. Without them the root would get empty files in their place: a
    /dev/null that keeps what is written to it, and a /dev/urandom that gives nothing.
    """
    bind_mount = MountManager.bind_mount

    def bind_all(self: MountManager) -> None:
        if self.device != '/dev':
            bind_mount(self)
        elif not self.is_mounted():
            Command.run(['mount', '-n', '--rbind', self.device, self.mountpoint])

    MountManager.bind_mount = bind_all


def trust_after_bootstrap(trust: str) -> None:
    """Puts the certificates of the platform into the root where Kiwi puts those of the recipe.

    That is between the packages that the builder installs and those that the image's own package manager does, which
    reads the image's own bundle. Kiwi's --ca-cert would leave files that no package owns, and wants to be told the
    family before there is anything to see it by. The step `trust` does it once more, for what came later; what fails
    here only warns.
    """
    setup_ca_certificates = SystemPrepare.setup_ca_certificates
    script = os.path.join(os.path.dirname(__file__), 'trust_certificates.py')

    def setup_all(self: SystemPrepare) -> None:
        setup_ca_certificates(self)
        if not os.listdir(trust):
            return
        log.info('Adding the certificates of the platform')
        done = subprocess.run([sys.executable, '-I', script, self.root_dir, trust], capture_output=True, text=True)
        for line in done.stderr.splitlines():
            log.info('--> %s', line)
        if done.returncode != 0:
            log.warning('The certificates of the platform are not in the bundle of the image yet')
            return
        result = json.loads(done.stdout)
        log.info('--> %s', result['package'] or f'plain files: {result["problem"]}')
        if not result['bundled']:
            log.info('--> The image has no bundle yet: ca-certificates is no bootstrap package')

    SystemPrepare.setup_ca_certificates = setup_all


class LinesAtOnce(command_process.CommandIterator):
    """What a package manager or script writes, line by line at the time it is written.

    Kiwi's own iterator asks the system twice for each single byte, and what its buffer has taken in already it
    only hands on when more is written: the last lines of a script that goes on silently for minutes were not seen.
    """

    def __init__(self, command) -> None:
        super().__init__(command)
        self.lines = []
        self.unfinished = {command.output: b'', command.error: b''}
        self.streams = selectors.DefaultSelector()
        for stream in self.unfinished:
            self.streams.register(stream, selectors.EVENT_READ)

    def __next__(self):
        while not self.lines:
            if not self.streams.get_map():
                self.command.process.wait()
                raise StopIteration()
            for key, _ in self.streams.select():
                self.take(key.fileobj, os.read(key.fd, 65536))
        return self.lines.pop(0)

    def take(self, stream, data: bytes) -> None:
        *whole, rest = (self.unfinished[stream] + data).split(b'\n')
        if not data:
            self.streams.unregister(stream)
            whole = [rest] if rest else []
            rest = b''
        self.unfinished[stream] = rest
        texts = [line.decode(errors='replace') for line in whole]
        if stream is self.command.error:
            self.command_error_output += data
            self.lines += [command_process.PollT('', text) for text in texts]
        else:
            self.lines += [command_process.PollT(text, '') for text in texts]


def prepare(description: str, root: str) -> None:
    """Ends this process when Kiwi fails."""
    sys.argv = ['kiwi-ng', '--debug', *type_arguments(description)]
    sys.argv += ['system', 'prepare', '--description', description, '--root', root, *key_arguments(description)]
    kiwi()


def call_image_script(root: str) -> None:
    # Kiwi gives this script nothing but the root; the initrds that it makes want devices. They end with the sandbox.
    for name in ('dev', 'proc', 'sys'):
        subprocess.run(['mount', '--rbind', f'/{name}', f'{root}/{name}'], check=True)
    try:
        description = XMLDescription(os.path.join(root, 'image', 'config.xml'))
        SystemSetup(XMLState(description.load()), root).call_image_script()
    except KiwiError as error:
        log.error('%s: %s', type(error).__name__, error)
        sys.exit(1)


def main() -> None:
    description, root, trust = sys.argv[1:]
    bind_devices_too()
    trust_known_keys_only()
    name_keys_of_metadata()
    trust_after_bootstrap(trust)
    if with_zypper(description):
        leave_verifying_to_us()
    command_process.CommandIterator = LinesAtOnce
    prepare(description, root)
    if with_zypper(description):
        verify_packages(description)
    if os.path.exists(os.path.join(root, 'image', 'images.sh')):
        call_image_script(root)


main()
