"""Has Kiwi's package managers install packages of another machine than this; build_root.py imports this.

Kiwi runs them in two phases: from outside on an empty root, where they take this machine for the one to install for, and
inside of the new root, where they are programs of the other machine. Kiwi's --target-arch is enough for zypper and dnf 4. It
is dropped with a warning for apt, which then builds a root of this machine, and dnf 5 does not know the setting by
which Kiwi passes it on. That scripts of the packages run is the business of emulate.py.
"""

from string import Template

from kiwi.package_manager.dnf5 import PackageManagerDnf5
from kiwi.repository.apt import RepositoryApt
from kiwi.repository.template.apt import PackageManagerTemplateAptGet

DEBIAN_ARCHITECTURES = {'aarch64': 'arm64', 'x86_64': 'amd64'}


def install_for(machine: str) -> None:
    tell_apt(DEBIAN_ARCHITECTURES[machine])
    tell_dnf_5(machine)


def tell_apt(architecture: str) -> None:
    """Only outside of the root: what is used there is no part of the image."""
    host_template = PackageManagerTemplateAptGet.get_host_template
    post_init = RepositoryApt.post_init
    lines = f'APT::Architecture "{architecture}";\nAPT::Architectures {{ "{architecture}"; }};\n'

    def with_architecture(self, *arguments, **more) -> Template:
        return Template(host_template(self, *arguments, **more).template + lines)

    def without_target(self, custom_args=()) -> None:
        # Kiwi leaves it in when another argument that it drops comes right before, and apt-get would refuse it.
        post_init(self, [each for each in custom_args if not each.startswith('_target_arch%')])

    PackageManagerTemplateAptGet.get_host_template = with_architecture
    RepositoryApt.post_init = without_target


def tell_dnf_5(machine: str) -> None:
    for name in ('process_install_requests_bootstrap', 'setup_repository_modules'):
        setattr(PackageManagerDnf5, name, forced(getattr(PackageManagerDnf5, name), machine))


def forced(method, machine: str):
    def with_architecture(self, *arguments, **more):
        plain = self.dnf_args
        self.dnf_args = [*plain, f'--forcearch={machine}']
        try:
            return method(self, *arguments, **more)
        finally:
            self.dnf_args = plain

    return with_architecture
