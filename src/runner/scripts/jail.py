"""What programs in an image need around them, for the time of one command of the sandbox: /proc, /sys, /dev, /run, /tmp.

Nothing of it is part of the image: the mounts are seen by this command alone, and go with it.
"""

import contextlib
import os
import subprocess

IMAGE = '/mnt/image/image-root'
# What the tools that are lent to an image are reached by in it.
LENT = '/run/kiln'
ENVIRONMENT = {
    'PATH': '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'HOME': '/root',
    'LANG': 'C.UTF-8',
    'DEBIAN_FRONTEND': 'noninteractive',
    # An image with Python would have compiled modules in it of all that a playbook used.
    'PYTHONDONTWRITEBYTECODE': '1',
}
SFTP = '/usr/lib/openssh/sftp-server'
LENT_TOOLS = {'rsync': '/usr/bin/rsync', 'scp': '/usr/bin/scp', 'sftp-server': SFTP}
LOADERS = ('/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux-aarch64.so.1')
# Where images with a resolver of their own have the target of /etc/resolv.conf.
RESOLVERS = ('systemd/resolve/stub-resolv.conf', 'systemd/resolve/resolv.conf', 'NetworkManager/resolv.conf',
             'netconfig/resolv.conf', 'resolvconf/resolv.conf')


@contextlib.contextmanager
def opened(root: str = IMAGE):
    """Mounts it all, and unmounts it again. Folders that the image lacks have been lent to it before."""
    mounted = []
    try:
        for name in ('proc', 'sys', 'dev'):
            mount(mounted, root, name, '--rbind', f'/{name}')
        mount(mounted, root, 'run', '-t', 'tmpfs', '-o', 'mode=755,nosuid,nodev', 'tmpfs')
        mount(mounted, root, 'tmp', '-t', 'tmpfs', '-o', 'mode=1777,nosuid,nodev', 'tmpfs')
        fill_run(root)
        yield root
    finally:
        for target in reversed(mounted):
            subprocess.run(['umount', '--recursive', '--lazy', target], check=True)


def mount(mounted: list[str], root: str, name: str, *how: str) -> None:
    target = f'{root}/{name}'
    # A link would lead to a folder of the builder root.
    if os.path.isdir(target) and not os.path.islink(target):
        subprocess.run(['mount', *how, target], check=True)
        mounted.append(target)


def fill_run(root: str) -> None:
    run = f'{root}/run'
    if not os.path.ismount(run):
        return
    os.makedirs(f'{run}/lock', exist_ok=True)
    with open('/etc/resolv.conf', encoding='utf-8') as file:
        ours = file.read()
    for name in RESOLVERS:
        os.makedirs(os.path.dirname(f'{run}/{name}'), exist_ok=True)
        with open(f'{run}/{name}', 'w', encoding='utf-8') as file:
            file.write(ours)


def enter(root: str = IMAGE) -> None:
    os.chroot(root)
    os.chdir('/')


def lend(root: str = IMAGE) -> None:
    """Puts tools that clients need, and the image may lack, where its own come first: below /run, which is not its."""
    if not os.path.ismount(f'{root}/run'):
        return
    os.makedirs(f'{root}{LENT}/root')
    os.makedirs(f'{root}{LENT}/bin')
    subprocess.run(['mount', '--bind', '/', f'{root}{LENT}/root'], check=True)
    for name, path in LENT_TOOLS.items():
        write_wrapper(root, name, path)


def lend_python(root: str = IMAGE) -> str:
    """The path of the builder root's Python in the image, to which `lend` has lent the builder root before."""
    os.symlink('root/usr/lib', f'{root}{LENT}/lib')
    path = f'{LENT}/bin/python3'
    # It finds its library by its own name, beside whose folder is `lib`: no variable that programs of the image would inherit.
    write_wrapper(root, 'python3', os.path.realpath('/usr/bin/python3'), f'--argv0 {path}')
    return path


def write_wrapper(root: str, name: str, path: str, *options: str) -> None:
    """A script in the image that starts a program of the builder root with the libraries of the builder root."""
    loader = os.path.realpath(next(path for path in LOADERS if os.path.exists(path)))
    lent = f'{LENT}/root'
    libraries = f'{lent}/usr/lib/{os.uname().machine}-linux-gnu:{lent}/usr/lib'
    words = ' '.join([f'{lent}{loader}', '--library-path', libraries, *options, f'{lent}{path}'])
    script = f'{root}{LENT}/bin/{name}'
    with open(script, 'w', encoding='utf-8') as file:
        file.write(f'#!/bin/sh\nexec {words} "$@"\n')
    os.chmod(script, 0o755)
