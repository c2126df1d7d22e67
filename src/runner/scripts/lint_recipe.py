"""Looks for what should not be in a recipe although it builds.

Usage: lint_recipe.py RECIPE < {"readable": BOOL, "packages": [NAME, ...]}

`readable`: whether the description can be read; without it only the other files are looked at. Prints a list of
findings as JSON. The name of a rule never changes; what was found is never printed when it is a secret.
"""

import json
import os
import re
import stat
import sys

from lxml import etree

CONFIG = 'config.xml'
SCRIPTS = ('config.sh', 'config-overlay.sh', 'config-host-overlay.sh', 'images.sh', 'post_bootstrap.sh', 'pre_disk_sync.sh', 'disk.sh')
MAX_FINDINGS = 200
MAX_READ = 1 << 20
PRIVATE_KEY = re.compile(rb'-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----')
HOST_KEY = re.compile(r'^root/etc/ssh/ssh_host_\w+_key$')

# rule, severity, what a line of a script looks like, what to say, what to do
SCRIPT_RULES = [
    ('script-password', 'error', r'\bchpasswd\b|\bpasswd\s+(?:\S+\s+)*--stdin\b|\b(?:usermod|useradd)\b.*\s(?:-p|--password)[ =]', 'a script sets a password', 'give <user> a password with pwdformat="encrypted", or leave passwords to what configures the node'),
    ('empty-password', 'error', r'\bpasswd\s+(?:\S+\s+)*(?:-d|--delete)\b', 'a script takes the password off a user', 'give the user a key in authorized_keys instead'),
    ('pipe-to-shell', 'warning', r'\b(?:curl|wget)\b[^|;#]*\|\s*(?:sudo\s+)?(?:/\S*/)?(?:ba|da|z|k)?sh\b|\b(?:ba|da)?sh\s+(?:-c\s+)?["\']?(?:<\(|\$\()\s*(?:curl|wget)\b', 'a script runs what it downloads', 'put the file into the recipe, or into a package of a repository that is checked'),
    ('unchecked-download', 'warning', r'\bcurl\b.*\s(?:-k|--insecure)\b|\bwget\b.*--no-check-certificate', 'a script downloads without checking the certificate', 'builds trust the platform\'s certificates already'),
]


class Lint:
    def __init__(self, recipe):
        self.recipe = recipe
        self.findings = []

    def add(self, rule, severity, message, hint, file=None, line=None):
        place = {key: value for key, value in (('file', file), ('line', line)) if value}
        self.findings.append({'rule': rule, 'severity': severity, 'message': message, **place, 'hint': hint})

    def read(self, name):
        with open(os.path.join(self.recipe, name), 'rb') as file:
            return file.read(MAX_READ)

    def files(self):
        """All regular files by their path in the recipe, links not followed."""
        for folder, folders, names in os.walk(self.recipe):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                if stat.S_ISREG(os.lstat(path).st_mode):
                    yield os.path.relpath(path, self.recipe)

    def overlay(self, name):
        data = self.read(name)
        if HOST_KEY.match(name):
            self.add('host-key', 'error', 'every node would have this host key', 'remove it; sshd makes its own at first boot', name)
        elif PRIVATE_KEY.search(data):
            line = data[: PRIVATE_KEY.search(data).start()].count(b'\n') + 1
            self.add('private-key', 'error', 'a private key is part of the recipe', 'remove it, and replace it where it is used: it is known to all who can read the recipe', name, line)
        if os.path.basename(name) == 'authorized_keys':
            mode = stat.S_IMODE(os.lstat(os.path.join(self.recipe, name)).st_mode)
            if mode & 0o022:
                self.add('authorized-keys-writable', 'error', f'others may write to it (mode {mode:04o}), so sshd ignores it or anybody gets in', f'chmod 600 {name}', name)

    def script(self, name):
        for number, text in enumerate(self.read(name).decode('utf-8', 'replace').splitlines(), 1):
            if text.lstrip().startswith('#'):
                continue
            for rule, severity, pattern, message, hint in SCRIPT_RULES:
                if re.search(pattern, text):
                    self.add(rule, severity, message, hint, name, number)

    def description(self):
        tree = etree.parse(os.path.join(self.recipe, CONFIG), etree.XMLParser(resolve_entities='internal', no_network=True))
        for user in tree.iter('user'):
            password, form = user.get('password'), user.get('pwdformat', user.get('pwformat', 'encrypted'))
            if password and form == 'plain':
                self.add('plain-password', 'error', f'the password of {user.get("name")} is in clear text', 'encrypt it with `openssl passwd -6` and say pwdformat="encrypted"', CONFIG, user.sourceline)
            elif password and not password.startswith(('$', '!', '*')):
                self.add('odd-password', 'warning', f'the password of {user.get("name")} does not look encrypted', 'encrypt it with `openssl passwd -6`', CONFIG, user.sourceline)
        for repository in tree.iter('repository'):
            self.repository(repository)

    def repository(self, repository):
        source = repository.find('source')
        url = '' if source is None else source.get('path', '')
        alias = repository.get('alias') or 'a repository'
        line = repository.sourceline
        signed = source is not None and source.find('signing') is not None
        checks = {name: repository.get(name) for name in ('package_gpgcheck', 'repository_gpgcheck')}
        if re.match(r'\w+://[^/@]+:[^/@]+@', url) or repository.get('password'):
            self.add('repository-credentials', 'error', f'the password of {alias} is part of the recipe', 'make a proxy repository with `kiln repositories`, which keeps the credentials', CONFIG, line)
        if url.startswith('http://') and not signed and 'true' not in checks.values():
            self.add('unpinned-http', 'warning', f'{alias} is fetched over http and nothing checks its signatures', 'use https, or say repository_gpgcheck="true" and give its signing key', CONFIG, line)
        if checks['package_gpgcheck'] == 'false':
            self.add('unchecked-packages', 'warning', f'packages of {alias} are taken without a signature', 'say package_gpgcheck="true" and give the signing key', CONFIG, line)

    def live_root(self, packages, texts):
        """A node fetches its root over the network: its initrd needs the modules for that."""
        hint = 'see "Boots over the network" in docs/recipes.md'
        if not any(name == 'dracut' or name.startswith('dracut-') for name in packages):
            self.add('no-live-root', 'info', 'no package of dracut is named, so the image may not boot from a network live root', hint, CONFIG)
            return
        said = '\n'.join(texts)
        missing = [module for module in ('livenet', 'dmsquash-live') if module not in said]
        if missing:
            self.add('no-live-root', 'warning', f'nothing has dracut add {" and ".join(missing)}, so the image does not boot from a network live root', hint, CONFIG)


def main():
    recipe = os.path.realpath(sys.argv[1])
    given = json.load(sys.stdin)
    lint = Lint(recipe)
    if given['readable']:
        lint.description()
    texts = []
    for name in lint.files():
        if name in SCRIPTS:
            lint.script(name)
        if name.startswith('root/'):
            lint.overlay(name)
        if name in SCRIPTS or name.startswith('root/etc/dracut'):
            texts.append(lint.read(name).decode('utf-8', 'replace'))
    if given['readable']:
        lint.live_root(given['packages'], texts)
    print(json.dumps(lint.findings[:MAX_FINDINGS]))


main()
