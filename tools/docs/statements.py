# SPDX-License-Identifier: MIT
"""The statements of abi/: what its mark-up says of the interface's behaviour, each by a name of its own.

A line of documentation that ends in {name} ends a statement, LABEL.name by the label of the heading above it.  Its text
begins behind the last statement, at an empty line, or where a list begins its next line.  Braces with words in capitals,
and {hv}, say what refuses; they are not shown and are no names.
"""

import re
from dataclasses import dataclass

DOC = re.compile(r'^(?: \*|/\*) `(.*?)(?: \*/)?$')
HEADING = re.compile(r'incontents (\d+) (\w+) (\S.*)$')
TAGS = re.compile(r'(?: \{[^{}]+\})+$')
NAME = re.compile(r'[a-z0-9]+(-[a-z0-9]+)*$')
LIST_INDENTATION = 3


@dataclass
class Statement:
    label: str
    name: str
    text: str
    place: str  # path:line

    def __str__(self):
        return f'{self.label}.{self.name}'


def split_tags(line):
    """What a line says, and the contents of the braces behind it."""
    match = TAGS.search(line)
    return (line[:match.start()], re.findall(r'\{([^{}]+)\}', match.group())) if match else (line, [])


def begins_anew(line, last):
    """Does this line begin a text, if it stands below that one?"""
    indentation, above = (len(text) - len(text.lstrip()) for text in (line, last))
    return line.startswith(' @') or indentation == LIST_INDENTATION or indentation < min(above, LIST_INDENTATION)


class Reader:
    """What has been found so far: headings as {label: (priority, title, path)}, statements, and complaints about either."""

    def __init__(self):
        self.headings, self.statements, self.complaints = {}, [], []
        self.unnamed = {}  # label: how many paragraphs without a statement
        self._label, self._text, self._last, self._named = None, [], '', True

    def _close_paragraph(self):
        if not self._named and self._label:
            self.unnamed[self._label] = self.unnamed.get(self._label, 0) + 1
        self._text, self._last, self._named = [], '', True

    def _line(self, line, place):
        heading = HEADING.match(line)
        if heading:
            self._close_paragraph()
            self._label = heading.group(2)
            self.headings[self._label] = (int(heading.group(1)), heading.group(3), place.split(':')[0])
            return
        if not line.strip() or re.match(r' (enum \w+ \{|\}|(enum|void|long|int|unsigned long)\b[^.]*$|HYPERVISOR_)', line):
            self._close_paragraph()
            return
        text, tags = split_tags(line)
        if begins_anew(text, self._last):
            self._text = []
        if self._last == '':
            self._named = text.startswith(' @')
        self._text.append(text.strip())
        self._last = text
        for tag in tags:
            if tag == 'hv' or re.match(r'[A-Z0-9_]+( [A-Z0-9_]+)*$', tag):
                continue
            if not NAME.match(tag):
                self.complaints.append(f'{place}: not the name of a statement: {tag}')
            elif not self._label:
                self.complaints.append(f'{place}: {tag}: a statement without a heading above it')
            else:
                self.statements.append(Statement(self._label, tag, ' '.join(self._text), place))
                self._text, self._named = [], True

    def read(self, path):
        self._label = None
        with open(path, encoding='utf-8') as file:
            for number, line in enumerate(file, 1):
                match = DOC.match(line.rstrip('\n'))
                if match:
                    self._line(match.group(1), f'{path}:{number}')
                else:
                    self._close_paragraph()
        self._close_paragraph()


def read(paths):
    reader = Reader()
    for path in paths:
        reader.read(path)
    seen = {}
    for statement in reader.statements:
        if str(statement) in seen:
            reader.complaints.append(f'{statement.place}: {statement}: there is one at {seen[str(statement)]} already')
        seen.setdefault(str(statement), statement.place)
    return reader
