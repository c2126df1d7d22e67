"""Runs a shell script in the image, by the image's own /bin/sh -e.

Usage: run_in_image.py < settings (JSON: script, environment). Ends as the script does. What it is given never reaches a command
line, and lies in memory alone.
"""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
import jail

SCRIPT = f'{jail.LENT}/change'


def main() -> int:
    settings = json.load(sys.stdin)
    with jail.opened() as root:
        os.makedirs(f'{root}{jail.LENT}', exist_ok=True)
        with open(f'{root}{SCRIPT}', 'w', encoding='utf-8', opener=lambda path, flags: os.open(path, flags, 0o700)) as file:
            file.write(settings['script'])
        result = subprocess.run(
            ['/bin/sh', '-e', SCRIPT],
            preexec_fn=jail.enter,
            stdin=subprocess.DEVNULL,
            env={**jail.ENVIRONMENT, **settings['environment']},
            check=False,
        )
    return result.returncode if result.returncode >= 0 else 128 - result.returncode


if __name__ == '__main__':
    sys.exit(main())
