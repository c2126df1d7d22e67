"""Checks the description of a recipe: well-formed, by the schema of Kiwi, and free of what Kiwi fails on late.

Usage: check_description.py RECIPE [--schema-only]

Kiwi itself is the judge: what it loads is right, whatever the version of its schema. When it refuses a description,
this finds out where, with the stylesheets and the schema of the installed Kiwi. Lines are those of the author's file:
each element carries its line through the upgrade. Prints a verdict as JSON.
"""

import importlib.util
import json
import logging
import os
import shutil
import sys

from kiwi.exceptions import KiwiError
from kiwi.xml_description import XMLDescription
from lxml import etree, isoschematron

CONFIG = 'config.xml'
DEFAULT_MANAGER = 'dnf5'
LINE = 'kiln-line'
FILE = 'kiln-file'
REPORT = '{http://purl.oclc.org/dsdl/svrl}'
RNG = '{http://relaxng.org/ns/structure/1.0}'
MAX_ITEMS = 30
SCHEMES = ('http', 'https', 'ftp', 'this', 'dir', 'obs', 'obsrepositories')
MANAGERS = {'apt': 'apt-get', 'dnf4': 'dnf-3', 'dnf5': 'dnf5', 'zypper': 'zypper', 'pacman': 'pacman', 'apk': 'apk', 'microdnf': 'microdnf'}
LOCALE_PACKAGES = {'apt': ('locales', 'locales-all')}


class Refused(Exception):
    def __init__(self, code, detail, items=()):
        super().__init__(detail)
        self.verdict = {'code': code, 'detail': detail, 'items': list(items)[:MAX_ITEMS]}


ORIGINS = {}
"""The file of each element of an upgraded description that came from another one than config.xml."""


def item(message, line=None, expected=None):
    """`line` is a number, or the element that it is about."""
    file = CONFIG
    if isinstance(line, etree._Element):
        file, line = ORIGINS.get(line, CONFIG), line.sourceline
    extra = {'line': line} if line else {}
    if expected:
        extra['expected'] = expected
    return {'file': file, 'message': message, **extra}


def parse(path):
    parser = etree.XMLParser(resolve_entities='internal', no_network=True, load_dtd=False, huge_tree=False)
    try:
        tree = etree.parse(path, parser)
    except etree.XMLSyntaxError as error:
        items = [item(entry.message, entry.line) for entry in error.error_log] or [item(str(error), error.lineno)]
        raise Refused('recipe-xml-malformed', items[0]['message'], items) from error
    return tree


def refusal_of_kiwi(path):
    """What Kiwi has to say against the description; None when it takes it."""
    logging.disable(logging.CRITICAL)
    try:
        XMLDescription(path).load()
    except (KiwiError, etree.LxmlError, OSError, ValueError) as error:
        return str(error) or type(error).__name__
    return None


class Includes(etree.Resolver):
    """Finds included files as Kiwi does, and notes in each element where it comes from."""

    def __init__(self, recipe, kiwi):
        super().__init__()
        self.recipe, self.kiwi = recipe, kiwi

    def resolve(self, url, _public, context):
        path = url.removeprefix('file://')
        if path.startswith(self.kiwi):
            return self.resolve_filename(path, context)
        path = os.path.realpath(os.path.join(self.recipe, url.removeprefix('this://').removeprefix('file://')))
        tree = etree.parse(path)
        for element in tree.iter(etree.Element):
            element.set(LINE, str(element.sourceline))
            element.set(FILE, os.path.relpath(path, self.recipe))
        return self.resolve_string(etree.tostring(tree), context)


def kiwi_folder():
    return importlib.util.find_spec('kiwi').submodule_search_locations[0]


def upgrade(tree, kiwi, recipe):
    """The description as the newest schema has it, each element with the line of the author's file."""
    for element in tree.iter(etree.Element):
        element.set(LINE, str(element.sourceline))
    parser = etree.XMLParser()
    parser.resolvers.add(Includes(recipe, kiwi))
    stylesheet = etree.XSLT(etree.parse(os.path.join(kiwi, 'xsl', 'master.xsl'), parser))
    upgraded = stylesheet(tree)
    line, file = 1, CONFIG
    for element in upgraded.iter(etree.Element):
        if LINE in element.attrib:
            file = element.attrib.pop(FILE, CONFIG)
        line = int(element.attrib.pop(LINE, line))
        element.sourceline = min(line, 65535)
        if file != CONFIG:
            ORIGINS[element] = file
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
                items.append(item(f'<{element.tag}> has no attribute {name}', element, ', '.join(sorted(attributes))))
            elif None not in attributes[name] and value not in attributes[name]:
                allowed = ', '.join(sorted(set(attributes[name])))
                items.append(item(f'{name}="{value}" is not allowed in <{element.tag}>', element, allowed))
        for child in element.iterchildren(etree.Element):
            if child.tag not in children and not child.tag.startswith('{'):
                items.append(item(f'<{child.tag}> is not allowed in <{element.tag}>', child, ', '.join(sorted(children))))
    return items


def broken_rules(tree, path):
    """What the schema says besides its grammar, as assertions."""
    rules = isoschematron.Schematron(etree.parse(path), store_report=True)
    rules.validate(tree)
    items = []
    for failed in rules.validation_report.iter(f'{REPORT}failed-assert'):
        found = tree.xpath(failed.get('location'))
        message = ' '.join(failed.findtext(f'{REPORT}text').split())
        items.append(item(message, found[0] if found else None))
    return items


def explain_refusal(tree, kiwi, detail):
    path = os.path.join(kiwi, 'schema', 'kiwi.rng')
    rng = etree.RelaxNG(etree.parse(path))
    items = []
    if not rng.validate(tree):
        items = explain(Schema(path), tree) or [item(entry.message, entry.line) for entry in rng.error_log]
    items += broken_rules(tree, path)
    items = items or [item(detail)]
    raise Refused('recipe-schema-invalid', '; '.join(dict.fromkeys(each['message'] for each in items[:5])), items)


def text_of(tree, path):
    element = tree.find(path)
    return (None, None) if element is None else ((element.text or '').strip(), element.sourceline)


def truth(value):
    """A boolean of XML Schema; None when it is not there."""
    return None if value is None else value.strip() in ('true', '1')


def names_of(sections, tag):
    return sorted({child.get('name') for section in sections for child in section if child.tag == tag})


def used(tree, tag):
    """The sections of this name that count: those outside of profiles, and those of profiles that Kiwi takes unasked."""
    profiles = {each.get('name') for each in tree.iterfind('profiles/profile') if truth(each.get('import'))}
    for section in tree.iterfind(tag):
        named = (section.get('profiles') or '').split(',')
        if named == [''] or profiles.intersection(named):
            yield section


def planned(sections, manager):
    """Kiwi adds the package manager where packages are to be installed from inside of the root."""
    wanted = [{'name': p.get('name'), 'arch': p.get('arch')} for s in sections for p in s if p.tag == 'package']
    phases = {section.get('type') for section in sections if section.find('package') is not None}
    if 'bootstrap' in phases and 'image' in phases:
        wanted.append({'name': {'dnf4': 'dnf'}.get(manager, manager), 'arch': None})
    return wanted


def summary(tree):
    repositories = []
    for repository in used(tree, 'repository'):
        source = repository.find('source')
        path = '' if source is None else source.get('path', '')
        repositories.append({
            'alias': repository.get('alias') or path,
            'type': repository.get('type') or ('apt-deb' if repository.get('distribution') else 'rpm-md'),
            'url': path,
            'distribution': repository.get('distribution'),
            'package_gpgcheck': truth(repository.get('package_gpgcheck')),
            'repository_gpgcheck': truth(repository.get('repository_gpgcheck')),
            'components': repository.get('components'),
            'line': (repository if source is None else source).sourceline,
        })
    manager, _ = text_of(tree, 'preferences/packagemanager')
    version, _ = text_of(tree, 'preferences/version')
    release, _ = text_of(tree, 'preferences/release-version')
    images = list(used(tree, 'packages'))
    packages = [p.get('name') for s in tree.iterfind('packages') for p in s if p.tag in ('package', 'namedCollection')]
    return {
        'name': tree.getroot().get('name'),
        'version': version,
        'package_manager': manager or DEFAULT_MANAGER,
        'repositories': repositories,
        'packages': sorted(set(filter(None, packages))),
        'planned': planned(images, manager or DEFAULT_MANAGER),
        'collections': names_of(images, 'namedCollection'),
        'excluded': names_of(images, 'ignore'),
        'only_required': all(s.get('patternType', 'onlyRequired') == 'onlyRequired' for s in images),
        'release_version': release,
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


def upgraded_or_refused(tree, kiwi, recipe, refusal):
    if tree.getroot().tag != 'image' and refusal:
        message = f'the root element is <{tree.getroot().tag}>'
        raise Refused('recipe-schema-invalid', message, [item(message, 1, '<image>')])
    try:
        return upgrade(tree, kiwi, recipe)
    except (etree.LxmlError, OSError) as error:
        version = tree.getroot().get('schemaversion')
        said = ' '.join(str(refusal or error).split())
        detail = f'Kiwi cannot read a description of schema version {version}: {said}'
        raise Refused('recipe-schema-invalid', detail, [item(said, 1)]) from error


def main():
    recipe, *options = sys.argv[1:]
    try:
        path = os.path.join(recipe, CONFIG)
        tree = parse(path)
        kiwi = kiwi_folder()
        refusal = refusal_of_kiwi(path)
        upgraded = upgraded_or_refused(tree, kiwi, recipe, refusal)
        if refusal:
            explain_refusal(upgraded, kiwi, refusal)
        found = summary(upgraded)
        if '--schema-only' not in options:
            check_late_failures(upgraded, found)
        print(json.dumps({'ok': found}))
    except Refused as refused:
        print(json.dumps({'error': refused.verdict}))


main()
