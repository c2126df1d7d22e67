"""Finds out which packages a build would install, with the solver of the package manager and an empty root.

Usage: plan_packages.py RECIPE ARCH < JSON
JSON: package_manager, repositories (alias, type, url, distribution, components), packages, collections,
excluded, only_required. Nothing is installed, and signatures are not checked. Prints {"packages": [...]} with name,
version, arch, repository, download_bytes and installed_bytes, or {"problem": "..."} in the words of the solver.
"""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
from compression import zstd
from xml.etree import ElementTree

DEB_ARCHS = {'x86_64': 'amd64', 'aarch64': 'arm64'}
COMMON = '{http://linux.duke.edu/metadata/common}'
MAX_SAID = 6000


class Unsolvable(Exception):
    """What a solver has to say; or what kept it from saying anything."""


def run(argv, **options):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors='replace', check=False, **options)


def address(url, recipe):
    if url.startswith(('this://', 'dir://')):
        return 'file://' + os.path.join(recipe, url.partition('://')[2].lstrip('/') if url.startswith('this') else url[6:])
    return url.rstrip('/')


# apt


def plan_apt(given, arch, recipe, folder):
    for name in ('lists/partial', 'cache/archives/partial', 'etc'):
        os.makedirs(os.path.join(folder, name))
    deb_arch = DEB_ARCHS[arch]
    bases = {}
    lines = []
    for repository in given['repositories']:
        base = address(repository['url'], recipe)
        # apt writes addresses of files with one slash.
        bases[re.sub('^file://', 'file:', base)] = repository['alias']
        place = repository['distribution'] or './'
        components = repository['components'] if repository['distribution'] not in (None, './', '/') else ''
        lines.append(f'deb [trusted=yes arch={deb_arch}] {base} {place} {components or ""}\n')
    paths = {name: os.path.join(folder, name) for name in ('sources.list', 'status', 'apt.conf')}
    for name, text in (('sources.list', ''.join(lines)), ('status', ''), ('apt.conf', '')):
        with open(paths[name], 'w', encoding='utf-8') as file:
            file.write(text)
    settings = {
        'Dir::Etc': f'{folder}/etc', 'Dir::Etc::sourcelist': paths['sources.list'], 'Dir::Etc::sourceparts': '-', 'Dir::Etc::parts': '-', 'Dir::Etc::preferencesparts': '-',
        'Dir::State': folder, 'Dir::State::lists': f'{folder}/lists', 'Dir::State::status': paths['status'], 'Dir::Cache': f'{folder}/cache',
        'APT::Architecture': deb_arch, 'APT::Architectures': deb_arch, 'APT::Install-Recommends': 'false' if given['only_required'] else 'true',
        'Acquire::Languages': 'none', 'APT::Sandbox::User': 'root', 'Acquire::Retries': '2', 'Acquire::http::Timeout': '20', 'Acquire::https::Timeout': '20',
    }
    options = [part for name, value in settings.items() for part in ('-o', f'{name}={value}')]
    environment = {**os.environ, 'APT_CONFIG': paths['apt.conf'], 'LC_ALL': 'C.UTF-8'}
    updated = run(['apt-get', *options, 'update', '--error-on=any'], env=environment)
    if updated.returncode != 0:
        raise Unsolvable(updated.stderr)
    solved = run(['apt-get', *options, 'install', '--yes', '--print-uris', '?essential', *given['packages']], env=environment)
    if solved.returncode != 0:
        said = f'{solved.stdout}\n{solved.stderr}'
        raise Unsolvable('\n'.join(line for line in said.splitlines() if line and not line.endswith('...')))
    found = re.findall(r"^'(\S+)' (\S+)_([^_\s]+)_(\w+)\.deb (\d+)", solved.stdout, re.MULTILINE)
    sizes = installed_sizes(options, environment, [f'{name}={urllib.parse.unquote(version)}' for _, name, version, _, _ in found])
    for url, name, version, package_arch, size in found:
        version = urllib.parse.unquote(version)
        alias = next((alias for base, alias in bases.items() if url.startswith(base + '/')), url)
        yield name, version, package_arch, alias, int(size), sizes.get((name, version))


def installed_sizes(options, environment, wanted):
    sizes = {}
    if not wanted:
        return sizes
    shown = run(['apt-cache', *options, 'show', '--no-all-versions', *wanted], env=environment)
    for paragraph in shown.stdout.split('\n\n'):
        fields = dict(line.split(': ', 1) for line in paragraph.splitlines() if re.match(r'[A-Z][\w-]*: ', line))
        if 'Installed-Size' in fields:
            sizes[fields['Package'], fields['Version']] = int(fields['Installed-Size']) * 1024
    return sizes


# dnf: the same solver is in all of its versions


def plan_dnf(given, arch, recipe, folder):
    import dnf
    import dnf.exceptions
    import dnf.rpm

    for name in ('root', 'cache', 'state', 'log'):
        os.makedirs(f'{folder}/{name}')
    base = dnf.Base()
    conf = base.conf
    conf.installroot, conf.cachedir, conf.persistdir, conf.logdir = f'{folder}/root', f'{folder}/cache', f'{folder}/state', f'{folder}/log'
    conf.reposdir, conf.pluginpath, conf.install_weak_deps = [], [], not given['only_required']
    conf.substitutions['arch'], conf.substitutions['basearch'] = arch, dnf.rpm.basearch(arch)
    conf.substitutions['releasever'] = given['release_version'] or '0'
    conf.ignorearch, conf.timeout, conf.retries, conf.gpgcheck = True, 20, 2, False
    conf.excludepkgs = list(given['excluded'])
    for number, repository in enumerate(given['repositories']):
        repo = base.repos.add_new_repo(f'r{number}', conf, baseurl=[address(repository['url'], recipe)], skip_if_unavailable=False)
        repo.gpgcheck = repo.repo_gpgcheck = False
    try:
        base.fill_sack(load_system_repo=False)
        missing = [name for name in given['packages'] if not install(base, name, dnf)]
        if missing:
            raise Unsolvable('No match for: ' + ', '.join(missing))
        for group in given['collections']:
            base.read_comps()
            base.group_install(group, ('mandatory',) if given['only_required'] else ('mandatory', 'default'))
        base.resolve(allow_erasing=False)
    except dnf.exceptions.Error as error:
        raise Unsolvable(str(error)) from error
    for package in base.transaction.install_set:
        version = f'{package.v}-{package.r}' if package.e in (0, '0', None) else f'{package.e}:{package.v}-{package.r}'
        alias = given['repositories'][int(package.reponame[1:])]['alias']
        yield package.name, version, package.arch, alias, package.downloadsize, package.installsize


def install(base, name, dnf):
    try:
        base.install(name)
        return True
    except dnf.exceptions.MarkingError:
        return False


# zypper


def plan_zypper(given, arch, recipe, folder):
    root = f'{folder}/root'
    for name in ('etc/zypp/repos.d', 'var/cache/zypp', 'var/lib/rpm'):
        os.makedirs(f'{root}/{name}')
    with open(f'{root}/etc/zypp/zypp.conf', 'w', encoding='utf-8') as file:
        file.write(f'[main]\narch = {arch}\ninstallRecommends = no\ngpgcheck = off\nrefresh.autorefresh = 1\n')
    for number, repository in enumerate(given['repositories']):
        with open(f'{root}/etc/zypp/repos.d/r{number}.repo', 'w', encoding='utf-8') as file:
            file.write(f'[r{number}]\nname=r{number}\nenabled=1\nautorefresh=0\nbaseurl={address(repository["url"], recipe)}\ntype=rpm-md\ngpgcheck=0\nrepo_gpgcheck=0\npkg_gpgcheck=0\n')
    zypper = ['zypper', '--xmlout', '--non-interactive', '--no-gpg-checks', '--root', root]
    environment = {**os.environ, 'ZYPP_CONF': f'{root}/etc/zypp/zypp.conf', 'LC_ALL': 'C.UTF-8'}
    refreshed = run([*zypper, 'refresh'], env=environment)
    if refreshed.returncode != 0:
        raise Unsolvable(said_by_zypper(refreshed.stdout))
    names = [*given['packages'], *(f'pattern:{name}' for name in given['collections']), *(f'-{name}' for name in given['excluded'])]
    solved = run([*zypper, 'install', '--dry-run', '--auto-agree-with-licenses', '--no-recommends' if given['only_required'] else '--recommends', *names], env=environment)
    if solved.returncode not in (0, 102, 103, 106):
        raise Unsolvable(said_by_zypper(solved.stdout))
    sizes = primary_sizes(root)
    for solvable in ElementTree.fromstring(solved.stdout).iter('solvable'):
        if solvable.get('type') == 'package':
            name, version, package_arch = solvable.get('name'), solvable.get('edition'), solvable.get('arch')
            alias = given['repositories'][int(solvable.get('repository', 'r0')[1:])]['alias']
            yield name, version, package_arch, alias, *sizes.get((name, version, package_arch), (None, None))


def said_by_zypper(text):
    """Messages and the problems with what would solve them, without the progress between them."""
    try:
        tree = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return text
    said = [element.text or '' for element in tree.iter('message') if element.get('type') in ('error', 'warning')]
    said += [' '.join(prompt.itertext()) for prompt in tree.iter('prompt')]
    return '\n'.join(dict.fromkeys(line.strip() for line in said if line.strip())) or text


def primary_sizes(root):
    openers = {'.gz': gzip.open, '.zst': zstd.open}
    sizes = {}
    for folder, _, names in os.walk(f'{root}/var/cache/zypp/raw'):
        for name in names:
            opener = openers.get(os.path.splitext(name)[1], open)
            if 'primary.xml' not in name:
                continue
            with opener(os.path.join(folder, name), 'rb') as file:
                for _, package in ElementTree.iterparse(file):
                    if package.tag != f'{COMMON}package':
                        continue
                    version, size = package.find(f'{COMMON}version'), package.find(f'{COMMON}size')
                    epoch = '' if version.get('epoch') in (None, '0') else version.get('epoch') + ':'
                    key = (package.findtext(f'{COMMON}name'), f'{epoch}{version.get("ver")}-{version.get("rel")}', package.findtext(f'{COMMON}arch'))
                    sizes[key] = (int(size.get('package')), int(size.get('installed')))
                    package.clear()
    return sizes


SOLVERS = {'apt': plan_apt, 'zypper': plan_zypper, 'dnf4': plan_dnf, 'dnf5': plan_dnf, 'microdnf': plan_dnf}


def main():
    recipe, arch = sys.argv[1:]
    given = json.load(sys.stdin)
    folder = tempfile.mkdtemp(prefix='plan-')
    names = ('name', 'version', 'arch', 'repository', 'download_bytes', 'installed_bytes')
    real = os.dup(1)
    os.dup2(2, 1)
    try:
        if given['package_manager'] not in SOLVERS:
            raise Unsolvable(f'nothing here solves for {given["package_manager"]}')
        found = sorted(SOLVERS[given['package_manager']](given, arch, recipe, folder))
        answer = {'packages': [dict(zip(names, each)) for each in found]}
    except Unsolvable as error:
        answer = {'problem': str(error).strip()[:MAX_SAID]}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    os.write(real, json.dumps(answer).encode())


main()
