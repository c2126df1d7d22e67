"""Unpacks the archive of a recipe, which has its description at its top.

Usage: unpack_recipe.py ARCHIVE TARGET MAX_BYTES MAX_ENTRIES
Prints a verdict as JSON, as archive.py says; its codes, and `no-config`, begin with `recipe-`.
"""

import json
import os
import posixpath
import sys

sys.path.insert(0, os.path.dirname(__file__))
from archive import Refused, unpack, verdict_of

CONFIG = 'config.xml'


def description_in(inspection):
    """Kiwi takes a file of any name that ends in .kiwi, too; from then on it has the usual name here."""
    if CONFIG in inspection.files:
        return CONFIG
    named = sorted(path for path in inspection.files if path.endswith('.kiwi') and '/' not in path)
    if len(named) == 1:
        return named[0]
    elsewhere = sorted(path for path in inspection.paths if posixpath.basename(path) == CONFIG)
    detail = 'there is no config.xml at the top of the archive'
    if named:
        detail = f'there is more than one description at the top of the archive: {", ".join(named)}'
    elif elsewhere:
        detail += f'; there is one at {elsewhere[0]}'
    raise Refused('no-config', detail)


def unpacked(archive, target, max_bytes, max_entries):
    inspection = unpack(archive, target, max_bytes, max_entries, check=description_in)
    description = description_in(inspection)
    if description != CONFIG:
        os.rename(os.path.join(target, description), os.path.join(target, CONFIG))
    return {'files': len(inspection.files), 'bytes': inspection.bytes}


def main():
    archive, target, max_bytes, max_entries = sys.argv[1:]
    verdict = verdict_of(lambda: unpacked(archive, target, int(max_bytes), int(max_entries)), lambda code: f'recipe-{code}')
    print(json.dumps(verdict))


main()
