"""Runs a shell script in the image, by the image's own /bin/sh -e. The script comes on standard input.

Usage: run_in_image.py. Ends as the script does.
"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
import jail


def main() -> int:
    script = sys.stdin.read()
    with jail.opened():
        result = subprocess.run(
            ['/bin/sh', '-ec', script, 'change'],
            preexec_fn=jail.enter,
            stdin=subprocess.DEVNULL,
            env={**jail.ENVIRONMENT, **{name: value for name, value in os.environ.items() if name.startswith('IMS_')}},
            check=False,
        )
    return result.returncode if result.returncode >= 0 else 128 - result.returncode


if __name__ == '__main__':
    sys.exit(main())
