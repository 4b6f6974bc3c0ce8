# SPDX-License-Identifier: MIT
"""Where each test is that documents name: a function of a program, or a lesson of a guest's."""

import glob
import re

from model import Place

PATTERNS = ('tests/**/*.c', 'guests/tests/**/*.c')
TEST = re.compile(r'static void ((?:test|xsa)_\w+)\(void \*\*\w+\)|.*"(xsa_\d+_\w+)"')


def load():
    """{name: Place}; a name of several tests is left out."""
    found, twice = {}, set()
    for path in sorted({path for pattern in PATTERNS for path in glob.glob(pattern, recursive=True)}):
        with open(path, encoding='utf-8') as file:
            for number, line in enumerate(file, 1):
                match = TEST.match(line)
                name = match and (match.group(1) or match.group(2))
                if name and found.get(name, Place(path, 0)).path != path:
                    twice.add(name)
                elif name:
                    found.setdefault(name, Place(path, number))
    return {name: place for name, place in found.items() if name not in twice}
