"""Checks the description of a recipe: well-formed, by the schema of Kiwi, and free of what Kiwi fails on late.

Usage: check_description.py RECIPE

Kiwi upgrades a description with its own stylesheets before it checks it, and so does this, with the stylesheets and
the schema of the installed Kiwi. Lines are those of the author's file: each element carries its line through the
upgrade. Prints a verdict as JSON.
"""

import importlib.util
import json
import os
import shutil
import sys

from lxml import etree

CONFIG = 'config.xml'
LINE = 'kiln-line'
RNG = '{http://relaxng.org/ns/structure/1.0}'
MAX_ITEMS = 30
SCHEMES = ('http', 'https', 'ftp', 'this', 'dir', 'obs', 'obsrepositories')
MANAGERS = {'apt': 'apt-get', 'dnf4': 'dnf-3', 'dnf5': 'dnf5', 'zypper': 'zypper', 'pacman': 'pacman', 'apk': 'apk', 'microdnf': 'microdnf'}
LOCALE_PACKAGES = {'apt': ('locales', 'locales-all')}


class Refused(Exception):
    def __init__(self, code, detail, items=()):
        super().__init__(detail)
        self.verdict = {'code': code, 'detail': detail, 'items': list(items)[:MAX_ITEMS]}


def item(message, line=None, expected=None):
    extra = {'line': line} if line else {}
    if expected:
        extra['expected'] = expected
    return {'file': CONFIG, 'message': message, **extra}


def parse(path):
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        tree = etree.parse(path, parser)
    except etree.XMLSyntaxError as error:
        items = [item(entry.message, entry.line) for entry in error.error_log] or [item(str(error), error.lineno)]
        raise Refused('recipe-xml-malformed', items[0]['message'], items) from error
    if tree.docinfo.internalDTD is not None:
        raise Refused('recipe-xml-malformed', 'a description must not have a DOCTYPE', [item('there is a DOCTYPE', 1)])
    if tree.getroot().tag != 'image':
        raise Refused('recipe-schema-invalid', f'the root element is <{tree.getroot().tag}>', [item('the root element is wrong', 1, '<image>')])
    return tree


def kiwi_folder():
    return importlib.util.find_spec('kiwi').submodule_search_locations[0]


def upgrade(tree, kiwi):
    """The description as the newest schema has it, each element with the line of the author's file."""
    for element in tree.iter(etree.Element):
        element.set(LINE, str(element.sourceline))
    stylesheet = etree.XSLT(etree.parse(os.path.join(kiwi, 'xsl', 'master.xsl')))
    upgraded = stylesheet(tree)
    line = 1
    for element in upgraded.iter(etree.Element):
        line = int(element.attrib.pop(LINE, line))
        element.sourceline = min(line, 65535)
    for element in tree.iter(etree.Element):
        element.attrib.pop(LINE, None)
    return upgraded


class Schema:
    """What the schema allows in an element, flat: attributes with their values, and children."""

    def __init__(self, path):
        self.root = etree.parse(path).getroot()
        self.defines = {}
        for define in self.root.iter(f'{RNG}define'):
            self.defines.setdefault(define.get('name'), []).append(define)
        self.elements = {}
        for element in self.root.iter(f'{RNG}element'):
            if element.get('name'):
                self.elements.setdefault(element.get('name'), []).append(element)

    def content(self, node, seen=frozenset()):
        """All attribute and element patterns of a node, references followed, other elements not entered."""
        for child in node:
            if not isinstance(child.tag, str):
                continue
            if child.tag in (f'{RNG}attribute', f'{RNG}element'):
                yield child
            elif child.tag == f'{RNG}ref':
                name = child.get('name')
                if name not in seen:
                    for define in self.defines.get(name, []):
                        yield from self.content(define, seen | {name})
            else:
                yield from self.content(child, seen)

    def allowed(self, name):
        attributes, children = {}, set()
        for element in self.elements.get(name, []):
            for pattern in self.content(element):
                if pattern.tag == f'{RNG}element':
                    children.add(pattern.get('name'))
                elif pattern.get('name'):
                    attributes.setdefault(pattern.get('name'), []).extend(self.values(pattern))
        return attributes, {child for child in children if child}

    def values(self, attribute):
        """The values that an attribute may have; None among them stands for a type that cannot be listed."""
        return list(self.choices(attribute, frozenset())) or [None]

    def choices(self, node, seen):
        for child in node:
            if child.tag == f'{RNG}value':
                yield (child.text or '').strip()
            elif child.tag in (f'{RNG}data', f'{RNG}text'):
                yield None
            elif child.tag == f'{RNG}ref' and child.get('name') not in seen:
                for define in self.defines.get(child.get('name'), []):
                    yield from self.choices(define, seen | {child.get('name')})
            elif isinstance(child.tag, str) and child.tag.startswith(RNG):
                yield from self.choices(child, seen)


def explain(schema, tree):
    """What an author did wrong, in the author's terms."""
    items = []
    for element in tree.iter(etree.Element):
        if element.tag not in schema.elements:
            continue
        attributes, children = schema.allowed(element.tag)
        for name, value in element.attrib.items():
            if name.startswith('{'):
                continue
            if name not in attributes:
                items.append(item(f'<{element.tag}> has no attribute {name}', element.sourceline, ', '.join(sorted(attributes))))
            elif None not in attributes[name] and value not in attributes[name]:
                allowed = ', '.join(sorted(set(attributes[name])))
                items.append(item(f'{name}="{value}" is not allowed in <{element.tag}>', element.sourceline, allowed))
        for child in element.iterchildren(etree.Element):
            if child.tag not in children and not child.tag.startswith('{'):
                items.append(item(f'<{child.tag}> is not allowed in <{element.tag}>', child.sourceline, ', '.join(sorted(children))))
    return items


def check_schema(tree, kiwi):
    path = os.path.join(kiwi, 'schema', 'kiwi.rng')
    rng = etree.RelaxNG(etree.parse(path))
    if rng.validate(tree):
        return
    said = [item(entry.message, entry.line) for entry in rng.error_log]
    items = explain(Schema(path), tree) or said
    raise Refused('recipe-schema-invalid', '; '.join(dict.fromkeys(each['message'] for each in items[:5])), items)


def text_of(tree, path):
    element = tree.find(path)
    return (None, None) if element is None else ((element.text or '').strip(), element.sourceline)


def truth(value):
    """A boolean of XML Schema; None when it is not there."""
    return None if value is None else value.strip() in ('true', '1')


def summary(tree):
    repositories = []
    for repository in tree.iterfind('repository'):
        if repository.get('profiles'):
            continue
        source = repository.find('source')
        path = '' if source is None else source.get('path', '')
        repositories.append({
            'alias': repository.get('alias') or path,
            'type': repository.get('type') or ('apt-deb' if repository.get('distribution') else 'rpm-md'),
            'url': path,
            'distribution': repository.get('distribution'),
            'package_gpgcheck': truth(repository.get('package_gpgcheck')),
            'repository_gpgcheck': truth(repository.get('repository_gpgcheck')),
            'line': (repository if source is None else source).sourceline,
        })
    manager, _ = text_of(tree, 'preferences/packagemanager')
    version, _ = text_of(tree, 'preferences/version')
    packages = [p.get('name') for s in tree.iterfind('packages') for p in s if p.tag in ('package', 'namedCollection')]
    return {
        'name': tree.getroot().get('name'),
        'version': version,
        'package_manager': manager or 'dnf5',
        'repositories': repositories,
        'packages': sorted(set(filter(None, packages))),
    }


def check_late_failures(tree, found):
    """What Kiwi would find out only after it has installed packages, or never say clearly."""
    items = []
    manager = found['package_manager']
    _, line = text_of(tree, 'preferences/packagemanager')
    program = MANAGERS.get(manager)
    here = sorted(name for name, command in MANAGERS.items() if shutil.which(command))
    if program is None or manager not in here:
        items.append(item(f'the package manager {manager} is not in the builder root', line, ', '.join(here)))
    if not found['repositories']:
        items.append(item('there is no <repository>, so no package can be found', 1))
    for repository in found['repositories']:
        scheme = repository['url'].partition(':')[0]
        if scheme not in SCHEMES:
            expected = 'http://, https://, ftp:// or this://'
            items.append(item(f'the repository {repository["url"]} cannot be reached from a build', repository['line'], expected))
    if tree.find('preferences/type') is None:
        items.append(item('there is no <type>, which Kiwi needs even for a plain root', 1, '<type image="tbz"/> in <preferences>'))
    locale, line = text_of(tree, 'preferences/locale')
    providers = LOCALE_PACKAGES.get(manager)
    if locale and locale.split('.')[0] not in ('C', 'POSIX') and providers and not set(providers) & set(found['packages']):
        items.append(item(f'the locale {locale} will not be there: no package brings it', line, f'the package {" or ".join(providers)}, or no <locale>'))
    if items:
        raise Refused('recipe-unbuildable', '; '.join(each['message'] for each in items[:5]), items)


def main():
    recipe = sys.argv[1]
    try:
        tree = parse(os.path.join(recipe, CONFIG))
        kiwi = kiwi_folder()
        try:
            upgraded = upgrade(tree, kiwi)
        except etree.XSLTApplyError as error:
            version = tree.getroot().get('schemaversion')
            raise Refused('recipe-schema-invalid', f'Kiwi cannot upgrade a description of schema version {version}: {error}', [item(str(error), 1)]) from error
        check_schema(upgraded, kiwi)
        found = summary(upgraded)
        check_late_failures(upgraded, found)
        print(json.dumps({'ok': found}))
    except Refused as refused:
        print(json.dumps({'error': refused.verdict}))


main()
