"""Builds the root of an image: `kiwi-ng system prepare`, then images.sh as `kiwi-ng system create` would run it.

Usage: build_root.py DESCRIPTION ROOT

Kiwi calls images.sh only when it makes an image of its own, after the root is prepared and unmounted. Kiln makes
the image itself, so that script is called here, through Kiwi's own code. Ends with Kiwi's exit code.
"""

import logging
import os
import subprocess
import sys
from xml.etree import ElementTree


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


def prepare(description: str, root: str) -> int:
    kiwi = ['kiwi-ng', '--debug', *type_arguments(description)]
    return subprocess.call([*kiwi, 'system', 'prepare', '--description', description, '--root', root])


def call_image_script(root: str) -> None:
    """Calls images.sh; imports Kiwi only when there is one, which most recipes do not have."""
    from kiwi.exceptions import KiwiError
    from kiwi.system.setup import SystemSetup
    from kiwi.xml_description import XMLDescription
    from kiwi.xml_state import XMLState

    log = logging.getLogger('kiwi')
    log.setLogLevel(logging.DEBUG)
    try:
        description = XMLDescription(os.path.join(root, 'image', 'config.xml'))
        SystemSetup(XMLState(description.load()), root).call_image_script()
    except KiwiError as error:
        log.error('%s: %s', type(error).__name__, error)
        sys.exit(1)


def main() -> None:
    description, root = sys.argv[1:]
    code = prepare(description, root)
    if code != 0:
        sys.exit(code if code > 0 else 128 - code)
    if os.path.exists(os.path.join(root, 'image', 'images.sh')):
        call_image_script(root)


main()
