# SPDX-License-Identifier: MIT
"""Which tests show what a call does: by the statements that a test says it shows (shows.py), and by what it calls.

A test of a program is a function test_*; a kernel of guests/tests is one test, with all its files.
"""
import glob
import os
import re
from dataclasses import dataclass, field

import csource
import shows
from model import Place

FOLDERS = ('tests', 'guests')
PROGRAMS = ('tests/unit/*.c', 'tests/hv/*.c', 'tests/lessons/*.c', 'tests/parallel/*.c')
KERNELS = 'guests/tests/*/*.c'


@dataclass
class Test:
    """@name: a function, or a kernel of guests/tests; @commands: constants that it uses; @statements: LABEL.NAME, those
    that it says it shows."""
    name: str
    place: Place
    commands: list = field(default_factory=list)
    statements: list = field(default_factory=list)


def programs():
    """(name, place, words of the code) of each test function."""
    for path in sorted(path for pattern in PROGRAMS for path in glob.glob(pattern)):
        for function in csource.read(path).functions.values():
            if function.name.startswith('test_'):
                yield function.name, function.place, set(csource.WORD.findall(function.body))


def kernels():
    folders = {}
    for path in sorted(glob.glob(KERNELS)):
        folders.setdefault(os.path.dirname(path), []).append(path)
    folders.pop('guests/tests/lib', None)
    for folder, paths in folders.items():
        words = {word for path in paths for word in csource.WORD.findall(csource.read(path).text)}
        yield os.path.basename(folder), Place(paths[0], 1), words


def names_of(call):
    """What code that makes a call says: its number, or a function that makes it."""
    short = call.removesuffix('_op')
    return {f'__HYPERVISOR_{call}', f'HYPERVISOR_{call}', f'hypercall_{call}', f'call_{call}', f'guest_{call}',
            f'guest_{short}', call}


def load(commands, headings):
    """{name of a call: [Test]}, those that say what they show first; @commands: {name of each call: constants of its
    commands}; @headings: {name: label of its heading}."""
    found = {name: {} for name in commands}
    tests = [*programs(), *kernels()]
    for name, constants in commands.items():
        wanted = names_of(name)
        for test, place, words in tests:
            used = [constant for constant in constants if constant in words]
            if wanted & words or used and not name.endswith('_compat'):  # the older forms share their commands
                found[name][place.path, test] = Test(test, place, used)
    for shown in shows.read(FOLDERS):
        label = shown.statement.partition('.')[0]
        test = shown.function or re.sub(r'\.\w+$', '', os.path.basename(shown.path))
        for name in headings:
            if headings[name] == label:
                place = Place(shown.path, shown.line)
                found[name].setdefault((shown.path, test), Test(test, place)).statements.append(shown.statement)
    return {name: sorted(tests.values(), key=lambda test: (not test.statements, test.place))
            for name, tests in found.items()}
