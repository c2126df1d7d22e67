"""Builds the root of an image: `kiwi-ng system prepare`, then images.sh as `kiwi-ng system create` would run it.

Usage: build_root.py ROOT KIWI_ARGUMENT...

Kiwi calls images.sh only when it makes an image of its own, after the root is prepared and unmounted. Kiln makes
the image itself, so that script is called here, through Kiwi's own code. Ends with Kiwi's exit code.
"""

import logging
import os
import subprocess
import sys


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
        state = XMLState(description.load(), None, None)
        SystemSetup(xml_state=state, root_dir=root).call_image_script()
    except KiwiError as error:
        log.error('%s: %s', type(error).__name__, error)
        sys.exit(1)


def main() -> None:
    root, *kiwi = sys.argv[1:]
    code = subprocess.call(kiwi)
    if code != 0:
        sys.exit(code if code > 0 else 128 - code)
    if os.path.exists(os.path.join(root, 'image', 'images.sh')):
        call_image_script(root)


main()
