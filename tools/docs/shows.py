# SPDX-License-Identifier: MIT
"""What tests say that they show: "Shows LABEL.NAME, LABEL.NAME" in a comment directly above a function."""

import os
import re
from dataclasses import dataclass

NAMES = r'\w+\.[a-z0-9-]+'
SHOWS = re.compile(rf'\bShows ({NAMES}(?:,\s+(?:and )?{NAMES})*)')
# A function's name by the first line of its definition.
FUNCTION = {
    '.c': re.compile(r'[A-Za-z_][\w \*]*?\b(\w+)\('),
    '.sh': re.compile(r'(\w+)\(\)'),
    '.py': re.compile(r'\s*def (\w+)\('),
}


@dataclass
class Shown:
    statement: str
    path: str
    function: str  # None: there is none directly below
    line: int
    is_empty: bool = False  # a function of C that calls nothing


def c_comments(lines):
    """(line, text, index of the line below) of each comment that begins a line."""
    at = 0
    while at < len(lines):
        begin = at
        if lines[at].lstrip().startswith('/*'):
            while '*/' not in lines[at] and at + 1 < len(lines):
                at += 1
            yield begin + 1, ' '.join(line.strip().lstrip('*').strip() for line in lines[begin:at + 1]), at + 1
        at += 1


def script_comments(lines):
    at = 0
    while at < len(lines):
        begin = at
        while at < len(lines) and lines[at].lstrip().startswith('#'):
            at += 1
        if at > begin:
            yield begin + 1, ' '.join(line.strip().lstrip('#').strip() for line in lines[begin:at]), at
        at += 1


def function_below(lines, at, pattern):
    """The function whose definition begins at this line, or None."""
    match = at < len(lines) and not lines[at].rstrip().endswith(';') and pattern.match(lines[at])
    return match.group(1) if match else None


def calls_nothing(lines, at):
    """Has the function of C whose definition begins at this line a body without a call?"""
    ends = [end for end in range(at + 1, len(lines)) if lines[end] == '}']
    body = '\n'.join(lines[at + 1:ends[0]]) if ends and lines[at].endswith(')') else 'call()'
    return not re.search(r'\w\(', re.sub(r'/\*.*?\*/|\b(?:if|for|while|switch|return|sizeof)\b', '', body, flags=re.S))


def read_file(path):
    ending = os.path.splitext(path)[1]
    with open(path, encoding='utf-8') as file:
        lines = file.read().split('\n')
    for line, text, below in (c_comments if ending == '.c' else script_comments)(lines):
        for names in SHOWS.findall(text):
            for name in re.findall(NAMES, names):
                function = function_below(lines, below, FUNCTION[ending])
                is_empty = bool(function) and ending == '.c' and calls_nothing(lines, below)
                yield Shown(name, path, function, line, is_empty)


def read(folders):
    """All that the tests under these folders show, in the order of their paths."""
    found = []
    for folder in folders:
        for directory, subfolders, names in os.walk(folder):
            subfolders.sort()
            for name in sorted(names):
                if os.path.splitext(name)[1] in FUNCTION:
                    found += read_file(os.path.join(directory, name))
    return found
