"""Renders the templates of a recipe with Jinja2, sandboxed and bounded.

Usage: render_templates.py RECIPE < {"values": {...}}

`.ims_recipe_template.yaml` lists the files under `template_files`. A value that is printed but was not given is an
error; asking whether there is one is not. Prints a verdict as JSON.
"""

import json
import os
import resource
import signal
import stat
import sys
import traceback

import yaml
from jinja2 import FileSystemLoader, TemplateError, TemplateSyntaxError, Undefined
from jinja2.sandbox import SandboxedEnvironment

LIST = '.ims_recipe_template.yaml'
MAX_SECONDS = 30
MAX_MEMORY = 1 << 30
MAX_OUTPUT = 16 << 20
MAX_ITEMS = 50


class Refused(Exception):
    def __init__(self, detail, items=()):
        super().__init__(detail)
        self.verdict = {'code': 'recipe-template-invalid', 'detail': detail, 'items': list(items)[:MAX_ITEMS]}


class Missing:
    """Collects the values that templates print but nobody gave."""

    def __init__(self, recipe):
        self.recipe = recipe
        self.items = []
        self.environment = SandboxedEnvironment(
            loader=FileSystemLoader(recipe), undefined=undefined_type(self), auto_reload=False
        )

    def note(self, name):
        item = {'message': f'"{name}" has no value', **self.place(traceback.extract_stack())}
        if item not in self.items:
            self.items.append(item)
        return ''

    def place(self, frames):
        """File and line of the innermost template among the frames: a compiled one bears the path of its file."""
        inside = [frame for frame in frames if frame.filename.startswith(self.recipe + '/')]
        if not inside:
            return {}
        name = os.path.relpath(inside[-1].filename, self.recipe)
        line = self.environment.get_template(name).get_corresponding_lineno(inside[-1].lineno)
        return {'file': name, 'line': line}


def undefined_type(missing):
    class Strict(Undefined):
        def _name(self):
            return self._undefined_name or 'a value'

        def __str__(self):
            return missing.note(self._name())

        def __iter__(self):
            missing.note(self._name())
            return iter(())

        def __len__(self):
            return 0

        def __bool__(self):
            return False

        def __getattr__(self, name):
            if name.startswith('__'):
                raise AttributeError(name)
            missing.note(f'{self._name()}.{name}')
            return self

    return Strict


def listed_files(recipe):
    path = os.path.join(recipe, LIST)
    try:
        with open(path, encoding='utf-8') as file:
            content = yaml.safe_load(file)
    except FileNotFoundError:
        return None
    except yaml.YAMLError as error:
        mark = getattr(error, 'problem_mark', None)
        problem = getattr(error, 'problem', None) or str(error)
        line = {} if mark is None else {'line': mark.line + 1}
        raise Refused(f'{LIST} is not valid YAML', [{'file': LIST, 'message': problem, **line}]) from error
    except UnicodeDecodeError as error:
        raise Refused(f'{LIST} is not UTF-8 text', [{'file': LIST, 'message': str(error)}]) from error
    files = content.get('template_files') if isinstance(content, dict) else None
    if not isinstance(files, list) or not all(isinstance(name, str) for name in files):
        expected = 'template_files: a list of file names'
        raise Refused(f'{LIST} lists no files', [{'file': LIST, 'message': 'template_files is missing or no list', 'expected': expected}])
    return files


def check_listed(recipe, files):
    items = []
    for name in files:
        inside = not os.path.isabs(name) and '..' not in name.split('/')
        path = os.path.join(recipe, name)
        if not inside or os.path.realpath(path) != os.path.normpath(path):
            items.append({'file': LIST, 'message': f'{name} is outside the recipe, or a link'})
        elif not os.path.isfile(path):
            items.append({'file': LIST, 'message': f'there is no file {name} in the recipe'})
    if items:
        raise Refused(f'{LIST} lists files that cannot be rendered', items)


def render_all(recipe, files, values):
    missing = Missing(recipe)
    rendered, items = {}, []
    for name in map(os.path.normpath, files):
        try:
            rendered[name] = render_bounded(missing.environment.get_template(name), values)
        except TemplateSyntaxError as error:
            items.append({'file': error.name or name, 'line': error.lineno, 'message': error.message})
        except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # Jinja2 has put the lines of the template into the traceback by now.
            frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(recipe + '/')]
            line = {'line': frames[-1].lineno} if frames else {}
            items.append({'file': name, **line, 'message': str(error) or type(error).__name__})
    if missing.items or items:
        raise Refused('the templates cannot be rendered', items + missing.items)
    return rendered


def render_bounded(template, values):
    parts, size = [], 0
    for part in template.generate(values):
        parts.append(part)
        size += len(part)
        if size > MAX_OUTPUT:
            raise ValueError(f'it renders to more than {MAX_OUTPUT >> 20} MiB')
    return ''.join(parts)


def write(recipe, rendered):
    for name, text in rendered.items():
        path = os.path.join(recipe, name)
        mode = stat.S_IMODE(os.stat(path, follow_symlinks=False).st_mode)
        os.unlink(path)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), 'w', encoding='utf-8') as file:
            file.write(text)
        os.chmod(path, mode)


def main():
    recipe = os.path.realpath(sys.argv[1])
    values = json.load(sys.stdin)['values']

    def out_of_time(_signal, _frame):
        raise Refused(f'the templates did not render within {MAX_SECONDS} s')

    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(MAX_SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    try:
        files = listed_files(recipe)
        if files is not None:
            check_listed(recipe, files)
            write(recipe, render_all(recipe, files, values))
        print(json.dumps({'ok': {'files': files}}))
    except Refused as refused:
        print(json.dumps({'error': refused.verdict}))
    except (MemoryError, RecursionError):
        print(json.dumps({'error': Refused('the templates need more memory than they may have').verdict}))


main()
