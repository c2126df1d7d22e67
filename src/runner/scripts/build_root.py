"""Builds the root of an image: `kiwi-ng system prepare`, then images.sh as `kiwi-ng system create` would run it.

Usage: build_root.py DESCRIPTION ROOT TRUST MACHINE
TRUST is the folder that trust_certificates.py, which lies beside this script, puts into the root. MACHINE is that of the
image; when it is another one than this, emulate.py has to have started this script.

Kiwi calls images.sh only when it makes an image of its own, after the root is prepared and unmounted. Kiln makes
the image itself, so that script is called here, through Kiwi's own code. Ends with Kiwi's exit code.
"""

import json
import os
import selectors
import subprocess
import sys
from xml.etree import ElementTree

from kiwi import command_process
from kiwi.command import Command
from kiwi.exceptions import KiwiError
from kiwi.kiwi import log, main as kiwi
from kiwi.mount_manager import MountManager
from kiwi.system.prepare import SystemPrepare
from kiwi.system.setup import SystemSetup
from kiwi.xml_description import XMLDescription
from kiwi.xml_state import XMLState

sys.path.insert(0, os.path.dirname(__file__))
import foreign_arch
import signatures


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


def prepare(description: str, root: str, machine: str) -> None:
    """Ends this process when Kiwi fails."""
    # Whoever opens a shell beside a failed build looks for this log.
    log_file = os.path.join(os.path.dirname(root), 'kiwi.log')
    target = [] if machine == os.uname().machine else ['--target-arch', machine]
    sys.argv = ['kiwi-ng', '--debug', '--logfile', log_file, *target, *type_arguments(description)]
    sys.argv += ['system', 'prepare', '--description', description, '--root', root, *signatures.key_arguments(description)]
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
    description, root, trust, machine = sys.argv[1:]
    bind_devices_too()
    if machine != os.uname().machine:
        foreign_arch.install_for(machine)
    signatures.trust_known_keys_only()
    trust_after_bootstrap(trust)
    command_process.CommandIterator = LinesAtOnce
    prepare(description, root, machine)
    signatures.forget_keys(description, root)
    if os.path.exists(os.path.join(root, 'image', 'images.sh')):
        call_image_script(root)


main()
