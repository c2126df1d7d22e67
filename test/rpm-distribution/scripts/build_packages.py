"""Makes rpms, signs them, and makes repositories of them.

Usage: build_packages.py OUT < PLAN

PLAN is JSON: `packages` (by a name of its own: repository, spec, archive, files, conffiles, owns_shared, signed_by),
`shared_directories`, `jobs` (how many packages at once) and `target` (the architecture, of rpm). OUT gets a folder
for each repository, and the public keys. Says `built N of M NAME` for each package on standard output.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed

HERE = os.path.dirname(os.path.abspath(__file__))
KEYS = {
    'right': 'Kiln OS test signing key <packages@kilnos.example>',
    'wrong': 'Not the Kiln OS signing key <wrong@kilnos.example>',
}
# Nothing is compiled, stripped or looked into; format 4 is what the distributions in use today read.
DEFINES = {
    '_rpmformat': '4',
    '_binary_payload': 'w3.zstdio',
    '__os_install_post': '%{nil}',
    '__spec_install_post': '%{nil}',
    '__spec_install_pre': '%{___build_pre}',
    '__check_files': '%{nil}',
    'debug_package': '%{nil}',
    '_build_id_links': 'none',
    '_binaries_in_noarch_packages_terminate_build': '0',
    'source_date_epoch_from_changelog': '0',
    '_buildhost': 'kilnos.example',
    'vendor': 'Kiln',
}


def run(argv: list[str], **also) -> str:
    """Standard output. Ends the whole script with what the command said when it fails."""
    result = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **also)
    if result.returncode != 0:
        print(f'{" ".join(argv)} ended with {result.returncode}:\n{result.stdout[-4000:]}', file=sys.stderr, flush=True)
        os._exit(1)
    return result.stdout


def defines(values: dict[str, str]) -> list[str]:
    return [word for name, value in values.items() for word in ('--define', f'{name} {value}')]


def build(name: str, package: dict, target: str, work: str, out: str) -> None:
    folder = os.path.join(work, name)
    os.makedirs(folder)
    spec = os.path.join(folder, 'package.spec')
    tool = f'python3 {HERE}/lay_out.py {work}/plan.json {name} "$RPM_BUILD_ROOT" {folder}/files'
    with open(spec, 'w', encoding='utf-8') as file:
        file.write(package['spec'].replace('@INSTALL@', tool).replace('@FILES@', f'{folder}/files'))
    repository = os.path.join(out, package['repository'])
    values = {**DEFINES, '_topdir': folder, '_rpmdir': repository, '_build_name_fmt': '%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm'}
    run(['rpmbuild', '-bb', '--quiet', '--nodeps', '--target', target, *defines(values), spec])
    shutil.rmtree(folder)


def make_key(home: str, name: str) -> None:
    run(['gpg', '--homedir', home, '--batch', '--passphrase', '', '--quick-gen-key', name, 'rsa3072', 'sign', 'never'])


def sign(home: str, key: str, files: list[str]) -> None:
    if files:
        run(['rpmsign', '--addsign', *defines({'_gpg_name': key, '_openpgp_sign_id': key, '_gpg_path': home}), *files],
            env={**os.environ, 'GNUPGHOME': home})


def main() -> None:
    (out,) = sys.argv[1:]
    plan = json.load(sys.stdin)
    packages = plan['packages']
    work = tempfile.mkdtemp()
    with open(f'{work}/plan.json', 'w', encoding='utf-8') as file:
        json.dump(plan, file)

    # The longest first, so that no processor ends up alone with one.
    order = sorted(packages, key=lambda name: -os.path.getsize(packages[name]['archive'] or os.devnull))
    with ThreadPoolExecutor(plan['jobs']) as pool:
        futures = {pool.submit(build, name, packages[name], plan['target'], work, out): name for name in order}
        for number, future in enumerate(as_completed(futures), 1):
            future.result()
            print(f'built {number} of {len(order)} {futures[future]}', flush=True)

    # Not below the workspace: the path of the agent's socket may not be long.
    home = tempfile.mkdtemp(dir='/tmp')
    for which, key in KEYS.items():
        make_key(home, key)
        with open(f'{out}/{which}-key.asc', 'w', encoding='utf-8') as file:
            file.write(run(['gpg', '--homedir', home, '--armor', '--export', key]))
        chosen = [
            os.path.join(out, package['repository'], package['file'])
            for package in packages.values()
            if package['signed_by'] == which
        ]
        print(f'signing {len(chosen)} packages', flush=True)
        sign(home, key, chosen)

    for repository in sorted({package['repository'] for package in packages.values()}):
        print(f'repository {repository}', flush=True)
        folder = os.path.join(out, repository)
        run(['createrepo_c', '--quiet', '--compress-type', 'gz', '--workers', str(plan['jobs']), folder])
        run(['gpg', '--homedir', home, '--batch', '--local-user', KEYS['right'], '--armor', '--detach-sign',
             '--output', f'{folder}/repodata/repomd.xml.asc', f'{folder}/repodata/repomd.xml'])
        shutil.copy(f'{out}/right-key.asc', f'{folder}/repodata/repomd.xml.key')
    subprocess.run(['gpgconf', '--homedir', home, '--kill', 'all'], check=False)


main()
