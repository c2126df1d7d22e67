"""What sshd runs for each session of the shell of a job: in the image when it is jailed, else beside it.

The command, if the client gave one, is in SSH_ORIGINAL_COMMAND; without one it is a login shell.
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
import jail



def main() -> None:
    with open('/run/kiln-shell/session.json', encoding='utf-8') as file:
        session = json.load(file)
    command = os.environ.pop('SSH_ORIGINAL_COMMAND', None)
    os.environ.update(session['environment'])
    os.environ.pop('TAR_OPTIONS', None)
    if session['jail']:
        jail.enter()
        os.environ['PATH'] = f'{jail.ENVIRONMENT["PATH"]}:{jail.LENT}/bin'
        if command == jail.SFTP:
            command = f'exec {jail.LENT}/bin/sftp-server'
    else:
        os.chdir('/mnt/image')
    shell = next((path for path in ('/bin/bash', '/bin/sh') if os.access(path, os.X_OK)), None)
    if shell is None:
        sys.exit('the image has no shell: neither /bin/bash nor /bin/sh')
    os.environ['SHELL'] = shell
    if command is None:
        os.execv(shell, [f'-{os.path.basename(shell)}'])
    os.execv(shell, [shell, '-c', command])


if __name__ == '__main__':
    main()
