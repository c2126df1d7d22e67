"""Unpacks the archive of a playbook.

Usage: unpack_archive.py ARCHIVE TARGET MAX_BYTES MAX_ENTRIES
Prints a verdict as JSON, as archive.py says; its code is `playbook-unreadable`.
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
from archive import unpack, verdict_of


def unpacked(archive, target, max_bytes, max_entries):
    inspection = unpack(archive, target, max_bytes, max_entries)
    return {'files': len(inspection.files), 'bytes': inspection.bytes}


def main():
    archive, target, max_bytes, max_entries = sys.argv[1:]
    verdict = verdict_of(lambda: unpacked(archive, target, int(max_bytes), int(max_entries)), lambda _code: 'playbook-unreadable')
    print(json.dumps(verdict))


main()
