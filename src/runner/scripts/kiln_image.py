"""Connection plugin of Ansible that works in the root of an image: chroot(2) first, so that no link leads out of it."""

DOCUMENTATION = """
name: kiln_image
short_description: Work in the root of an image
description: Runs commands with the root of an image as their root, in the jail that run_playbook.py has opened.
author: Kiln
options: {}
"""

import os
import subprocess
import sys

from ansible.errors import AnsibleError
from ansible.plugins.connection import ConnectionBase

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import jail


class Connection(ConnectionBase):
    transport = 'kiln_image'
    has_pipelining = True

    def _connect(self):
        self._connected = True
        return self

    def close(self):
        self._connected = False

    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        return self.run(['/bin/sh', '-c', cmd], in_data)

    def put_file(self, in_path, out_path):
        super().put_file(in_path, out_path)
        with open(in_path, 'rb') as file:
            self.must_run('cat > "$0"', out_path, file.read())

    def fetch_file(self, in_path, out_path):
        super().fetch_file(in_path, out_path)
        with open(out_path, 'wb') as file:
            file.write(self.must_run('cat "$0"', in_path, b''))

    def must_run(self, script, path, data):
        code, output, error = self.run(['/bin/sh', '-ec', script, path], data)
        if code != 0:
            raise AnsibleError(f'{path} of the image: {error.decode(errors="replace").strip()}')
        return output

    @staticmethod
    def run(argv, data):
        done = subprocess.run(argv, input=data or b'', capture_output=True, preexec_fn=jail.enter, env=jail.ENVIRONMENT, check=False)
        return done.returncode, done.stdout, done.stderr
