# SPDX-License-Identifier: MIT
"""The text under a heading: its tags, its statements, its errors, and what it says about each command."""

import re

from model import Command, Error, Line, Statement

TAG = re.compile(r'\s*\{([A-Za-z0-9][\w: -]*)\}$')
HV = re.compile(r'hv(?::([a-z]\w*(?: [a-z]\w*)*))?$')
NAME = re.compile(r'[a-z0-9]+(-[a-z0-9]+)*$')
REASONS = re.compile(r'[A-Z][A-Z0-9_]*( [A-Z][A-Z0-9_]*)*$')
NUMBER = r'(?:-E[A-Z0-9]+|GNTST_\w+|XEN_PCI_ERR_\w+)'
NUMBERS = rf'{NUMBER}(?:(?:, | or ){NUMBER})*'
# An error begins a line of a list; or follows one in the same text, and then it has a colon (or the text has begun
# with a colon: `Errors ...: -EFAULT one reason; -EPERM another`).
ITEM = re.compile(rf' {{2,}}({NUMBERS})(?:: ?| \(| {{2,}}|$)')
NEXT = re.compile(rf'(?<=[.;:]) +({NUMBERS})(?= \(|[:,]| [a-z@])')
OPENING = re.compile(r' (Errors?\b.*?:|.*\bin the order of the checks:)(?= )')
# What begins something of its own: an argument, `0: ...` in a list of results, an item of a list, `member: ...`.
BEGINS = re.compile(r' @\w+:| {2,}(?:\d+[:.] |[a-z_]\w*: )')
# A row of a table: two columns, with at least two spaces between them.
ROW = re.compile(r' {2,}(\S(?:.*?[^\s.;:,])?) {2,}(\S.*)')


def untag(text, place, complain):
    """A Line of @text, with its tags taken off."""
    line = Line(text.rstrip(), place)
    while match := TAG.search(line.text):
        tag = match.group(1)
        line.text = line.text[:match.start()]
        if hv := HV.match(tag):
            line.hv = line.hv or not hv.group(1)
            line.functions = (hv.group(1) or '').split() + line.functions
        elif NAME.match(tag):
            if line.statement:
                complain(place, f'two names for one statement: {tag} and {line.statement}')
            line.statement = tag
        elif REASONS.match(tag):
            line.reasons = tag.split() + line.reasons
        else:
            complain(place, f'a tag is the name of a statement, or reasons: {{{tag}}}')
            break
    return line


def is_tagged(line):
    return line.statement or line.reasons or line.hv or line.functions


def paragraphs(lines):
    """Lists of lines that stand together: to an empty one, an argument, an item of a list, a lesser indentation.
    A line of tags alone is not empty."""
    found = []
    for line in lines:
        if not line.text.strip():
            if not is_tagged(line):
                found.append([])
            elif found:
                found[-1].append(line)
        elif not found or not found[-1] or begins(line, found[-1]):
            found.append([line])
        else:
            found[-1].append(line)
    return [lines for lines in found if lines]


def begins(line, before):
    """Does @line begin something of its own, behind the lines @before?"""
    text, first = line.text, before[0].indent
    if line.indent < first or BEGINS.match(text) or ITEM.match(text) or commands_of(text):
        return True
    if line.indent != first and not (first == 1 and line.indent > 1 and ROW.match(text)):
        return first == 1 and line.indent > 1 and before[-1].text.endswith(':')
    return first != line.indent or first > 1 and bool(ROW.match(text) or ROW.match(before[0].text))


def commands_of(text):
    """The constants that a line begins to describe: ` NAME, NAME: what they do`."""
    match = re.match(r' (?:cmd: )?([A-Z]\w*_\w+(?:, [A-Z]\w*_\w+)*)(:(?= |$)|(?:, [^:]*)?$)', text)
    if not match or not (match.group(2).startswith(':') or text.startswith(' cmd: ')):
        return []
    return match.group(1).split(', ')


def statements(label, lines):
    """The statements of @lines: each stands between the tag before it, or the paragraph's beginning, and its own."""
    for paragraph in paragraphs(lines):
        words = []
        for line in paragraph:
            words.append(line.text.strip())
            if line.statement:
                yield Statement(f'{label}.{line.statement}', ' '.join(words), line.place)
            if is_tagged(line):
                words = []


def errors(label, lines, commands=()):
    """The errors of @lines, in order."""
    for paragraph in paragraphs(lines):
        yield from errors_of(label, paragraph, commands)


def errors_of(label, paragraph, commands=()):
    """The errors of a paragraph: none, if it is none that lists them."""
    opening = OPENING.match(paragraph[0].text)
    if ITEM.match(paragraph[0].text) or re.match(r' {2,}\d+: ', paragraph[0].text):
        return list(split(label, paragraph, commands, 0))
    return list(split(label, paragraph, commands, opening.end())) if opening else []


def split(label, paragraph, commands, start):
    """The errors of one paragraph.  A tag belongs to the one that stands where its line ends."""
    text, ends = '', []
    for line in paragraph:
        text += ('' if not text else ' ') + (line.text if not text else line.text.strip())
        ends.append((len(text), line))
    marks = []
    first = re.compile(rf' *({NUMBERS})').match(text, start)
    if first:
        marks.append(first)
    marks += [match for match in NEXT.finditer(text) if match.start() > (first.end() if first else start)]
    for at, mark in enumerate(marks):
        begin, end = mark.end(), marks[at + 1].start() if at + 1 < len(marks) else len(text)
        inside = [line for offset, line in ends if begin < offset <= end or offset == end]
        place = next(line.place for offset, line in ends if mark.end() <= offset)
        names = [line.statement for line in inside if line.statement]
        yield Error(re.findall(NUMBER, mark.group(1)), text[begin:end].lstrip(':,').strip().rstrip(';'), place,
                    f'{label}.{names[0]}' if names else None, [reason for line in inside for reason in line.reasons],
                    any(line.hv for line in inside), [name for line in inside for name in line.functions],
                    list(commands), [f'{label}.{name}' for name in names[1:]])


def commands(label, lines, known):
    """(commands, errors): a command's text reaches to the next one, to an empty line that prose follows, or the end."""
    found, free = [], []
    current = None
    for line in lines:
        names = commands_of(line.text)
        if names and all(name in known for name in names):
            current = Command(names, [], line.place)
            found.append(current)
        elif not line.text.strip() and not is_tagged(line):
            current = None
        (current.lines if current else free).append(line)
    return found, free
