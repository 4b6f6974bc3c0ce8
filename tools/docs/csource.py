# SPDX-License-Identifier: MIT
"""Reads this tree's own C: functions, tables, macros.  No compiler: the layout that clang-format gives is relied on.

A function begins in column 0, its body is between a brace in column 0 and the next one there; a table is a `static
const` array with designators.  tests/docs/test_facts.py compares the calls that are found here with those that gcc
finds.
"""
import re
from dataclasses import dataclass, field

from model import Place

NOISE = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)
DIRECTIVE = re.compile(r'^#(?:[^\n]*\\\n)*[^\n]*', re.M)
FUNCTION = re.compile(r'^(?!#)(?P<head>(?:static )?(?:__attribute__\(\(\w+\)\) )?[A-Za-z_][^;{}#=()]*?)'
                      r'\b(?P<name>\w+)\((?P<parameters>[^;{}]*?)\)\n'
                      r'\{\n(?P<body>.*?)^\}', re.M | re.S)
TABLE = re.compile(r'^(?:static )?(?P<type>const [^;{}()=]*?|[^;{}()=]*?\*const )(?P<name>\w+)\[[^\]]*\] = '
                   r'\{(?P<body>.*?)\};', re.M | re.S)
WORD = re.compile(r'[A-Za-z_]\w*')
# What looks like a call and is none.
KEYWORDS = frozenset('if for while switch return sizeof offsetof defined _Alignof __attribute__'.split())


@dataclass
class Call:
    """`name(arguments)` in a body, or, with name None, a call through a pointer."""

    name: str
    arguments: list  # of texts
    place: Place
    start: int       # in the body


@dataclass
class Function:
    name: str
    parameters: list  # their names, in order
    body: str         # without comments and texts
    place: Place      # of its name
    body_line: int
    static: bool
    void: bool
    calls: list = field(default_factory=list)

    def place_at(self, offset):
        return Place(self.place.path, self.body_line + self.body.count('\n', 0, offset))


@dataclass
class Table:
    name: str
    rows: dict    # designator -> text of the row
    place: Place
    places: dict  # designator -> Place


@dataclass
class Source:
    path: str
    text: str   # without comments, texts and directives
    functions: dict
    tables: dict
    macros: dict  # object-like ones with a body: name -> body


def blank(match):
    """What is taken out leaves its line ends, so that the lines keep their numbers."""
    return ''.join('\n' if c == '\n' else ' ' for c in match.group(0))


def closing(text, at):
    """The offset of the bracket that closes the one at @at."""
    depth = 0
    for i in range(at, len(text)):
        if text[i] in '([{':
            depth += 1
        elif text[i] in ')]}':
            depth -= 1
            if depth == 0:
                return i
    raise ValueError(f'a bracket is not closed: {text[at:at + 40]!r}')


def split(text, separator=','):
    """The parts of @text between separators that are in no bracket, stripped; none for an empty text."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        if c in '([{':
            depth += 1
        elif c in ')]}':
            depth -= 1
        elif c == separator and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    parts.append(text[start:])
    parts = [' '.join(part.split()) for part in parts]
    return parts[:-1] if parts[-1] == '' else parts


def calls_of(function):
    """Each call in a body, the inner ones of an argument too."""
    for match in re.finditer(r'(?:(->|\.)\s*)?\b([A-Za-z_]\w*)\(', function.body):
        if match.group(2) in KEYWORDS:
            continue
        end = closing(function.body, match.end() - 1)
        arguments = split(function.body[match.end():end])
        name = None if match.group(1) else match.group(2)
        yield Call(name, arguments, function.place_at(match.start(2)), match.start(2))


def parameter_name(text):
    """`const struct op *op` -> op; `const uint64_t args[6]` -> args."""
    text = re.sub(r'\[[^\]]*\]$', '', text)
    pointer = re.search(r'\(\*(\w+)\)', text)
    return pointer.group(1) if pointer else ([text] + WORD.findall(text))[-1]


def rows_of(body):
    rows = {}
    for part in split(body):
        match = re.match(r'\[(\w+)\] = (.*)', part, re.S)
        if match:
            rows[match.group(1)] = match.group(2)
    return rows


def table_of(match, path, text):
    rows = rows_of(match.group('body'))
    places = {row: Place(path, text.count('\n', 0, text.index(f'[{row}]', match.start('body'))) + 1) for row in rows}
    return Table(match.group('name'), rows, Place(path, text.count('\n', 0, match.start('name')) + 1), places)


def read(path, text=None):
    """The source at @path; @text instead of what the file holds."""
    if text is None:
        with open(path, encoding='utf-8') as file:
            text = file.read()
    text = NOISE.sub(blank, text)
    macros = {match.group(1): ' '.join(match.group(2).replace('\\\n', ' ').split())
              for match in re.finditer(r'^#define (\w+) +((?:[^\n]*\\\n)*[^\n]+)', text, re.M)}
    text = DIRECTIVE.sub(blank, text)
    functions = {}
    for match in FUNCTION.finditer(text):
        head = match.group('head')
        parameters = [parameter_name(p) for p in split(match.group('parameters')) if p != 'void']
        function = Function(match.group('name'), parameters, match.group('body'),
                            Place(path, text.count('\n', 0, match.start('name')) + 1),
                            text.count('\n', 0, match.start('body')) + 1,
                            'static' in head.split() or 'FORCE_INLINE' in head, head.split()[-1] == 'void')
        function.calls = list(calls_of(function))
        functions[function.name] = function
    tables = {match.group('name'): table_of(match, path, text) for match in TABLE.finditer(text)
              if rows_of(match.group('body'))}
    return Source(path, text, functions, tables, macros)
