"""Runs a playbook of Ansible against the image, in the jail.

Usage: run_playbook.py FOLDER < settings (JSON: playbook, limit, extra_vars, secrets, arch). Ends as ansible-playbook does; what it
says is described in kiln_events.py. All files that it needs are in /run, which is memory: nothing of them is in the image or on a
disk, secrets among them.
"""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)
import jail

PRIVATE = '/run/kiln-playbook'
GROUPS = ('cfs_image', 'kiln_image')
# Ansible takes every file beside a plugin for one: each gets a folder of its own.
PLUGINS = {'connection': 'kiln_image.py', 'callback': 'kiln_events.py'}


def main() -> int:
    settings = json.load(sys.stdin)
    folder = folder_of(sys.argv[1], settings['playbook'])
    os.makedirs(PRIVATE, mode=0o700)
    for kind, name in PLUGINS.items():
        os.mkdir(f'{PRIVATE}/{kind}')
        os.symlink(f'{HERE}/{name}', f'{PRIVATE}/{kind}/{name}')
    with jail.opened():
        jail.lend()
        host = {
            'ansible_connection': 'kiln_image',
            'ansible_python_interpreter': python_of_image(),
            'ansible_remote_tmp': '/run/kiln/tmp',
            'kiln_arch': settings['arch'],
            # What plays of the reference's configuration service look at to tell an image from a running node.
            'cray_cfs_image': True,
            'kiln_image': True,
        }
        write('inventory.json', {group: {'hosts': {'image': host}} for group in GROUPS})
        # What comes last counts: a variable cannot take the place of a secret.
        write('vars.json', {**settings['extra_vars'], **settings['secrets']})
        command = ['ansible-playbook', '--inventory', f'{PRIVATE}/inventory.json', '--extra-vars', f'@{PRIVATE}/vars.json']
        if settings['limit']:
            command += ['--limit', settings['limit']]
        return subprocess.run([*command, settings['playbook']], cwd=folder, env=environment(), stdin=subprocess.DEVNULL, check=False).returncode


def folder_of(source: str, playbook: str) -> str:
    """Where the playbook is: archives often have all they hold in one folder."""
    names = [name for name in os.listdir(source) if not name.startswith('.')]
    only = os.path.join(source, names[0]) if len(names) == 1 else source
    return only if os.path.isdir(only) and not os.path.lexists(os.path.join(source, playbook)) else source


def python_of_image() -> str:
    """Its own, as it has the modules that package managers bring along; without one, that of the builder root is lent."""
    own = subprocess.run(
        ['/bin/sh', '-c', 'python3 -c "import sys; sys.exit(sys.version_info < (3, 9))"'],
        preexec_fn=jail.enter, env=jail.ENVIRONMENT, capture_output=True, check=False,
    )
    return '/usr/bin/python3' if own.returncode == 0 else jail.lend_python()


def environment() -> dict[str, str]:
    return {
        **os.environ,
        'HOME': PRIVATE,
        'ANSIBLE_CONNECTION_PLUGINS': f'{PRIVATE}/connection',
        'ANSIBLE_CALLBACK_PLUGINS': f'{PRIVATE}/callback',
        'ANSIBLE_STDOUT_CALLBACK': 'kiln_events',
        'ANSIBLE_LOCAL_TEMP': f'{PRIVATE}/tmp',
        'ANSIBLE_PIPELINING': '1',
        'ANSIBLE_RETRY_FILES_ENABLED': '0',
        'ANSIBLE_NOCOLOR': '1',
        'ANSIBLE_DEPRECATION_WARNINGS': '0',
    }


def write(name: str, content) -> None:
    with open(os.open(f'{PRIVATE}/{name}', os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'w', encoding='utf-8') as file:
        json.dump(content, file)


if __name__ == '__main__':
    sys.exit(main())
