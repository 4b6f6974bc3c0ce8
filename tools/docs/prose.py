# SPDX-License-Identifier: MIT
"""Documentation cut into blocks: what a page, a man page and the JSON file lay out each in its own way.

Prototypes and the descriptions of arguments are left out: those are in the model.
"""

import itertools
import re
from dataclasses import dataclass, replace

import doctext

NUMBERED = re.compile(r' +(\d+)\. (\S.*)')
NAMED = re.compile(r' {2,}([a-z_]\w*): (\S.*)')
WORD = re.compile(r'\S+(?: \S+)*')


@dataclass
class Part:
    """Some text.  Where a statement has a name, it is LABEL.NAME."""

    text: str
    statement: str = None


@dataclass
class Paragraph:
    parts: list


@dataclass
class Table:
    """Rows of cells, each cell a list of Parts; where a row is one statement, its first cell has the name."""

    rows: list
    head: list = None
    numbered: bool = False


@dataclass
class Fixed:
    """Lines that stand as they are, each a Part; indented by @indent from @place on."""

    lines: list
    indent: int
    place: object


@dataclass
class Errors:
    caption: list  # of Parts
    errors: list


def blocks(label, lines):
    """The blocks of some lines under the heading @label."""
    found = []
    for paragraph in doctext.paragraphs(lines):
        first = paragraph[0].text
        if re.match(r' @\w+:', first) or re.search(r'^ HYPERVISOR_\w+\(', text_of(paragraph, '\n'), re.M):
            continue
        errors = doctext.errors_of(label, paragraph)
        if errors:
            add_errors(found, errors, doctext.OPENING.match(first))
        elif paragraph[0].indent > 1:
            add_rows(found, label, paragraph)
        else:
            found.append(Paragraph(list(parts(label, paragraph))))
    return found


def text_of(lines, between=' '):
    return between.join(line.text for line in lines)


def parts(label, lines):
    """The lines as Parts: each tag ends one."""
    words = []
    for line in lines:
        words.append(line.text.strip())
        if line.statement:
            yield Part(' '.join(words).strip(), f'{label}.{line.statement}')
            words = []
    if any(words):
        yield Part(' '.join(words).strip())


def add_errors(found, errors, opening):
    """Errors one behind another are one block, whose caption is the paragraph before it, if that ends with a colon."""
    if opening:
        found.append(Errors([Part(opening.group(1).rstrip(':'))], errors))
    elif found and isinstance(found[-1], Errors):
        found[-1].errors += errors
    elif found and isinstance(found[-1], Paragraph) and found[-1].parts[-1].text.endswith(':'):
        # The last sentence of a paragraph that ends with a colon.
        *said, last = found.pop().parts
        before, _, text = last.text.rpartition('.  ')
        said += [Part(before + '.')] if before else []
        if said:
            found.append(Paragraph(said))
        found.append(Errors([Part(text.rstrip(':'), last.statement)], errors))
    else:
        found.append(Errors([], errors))


def add_rows(found, label, paragraph):
    """An indented paragraph: a row of a table, if it can be read as one, else lines that stand as they are."""
    cells, numbered = row(label, paragraph)
    last = found[-1] if found else None
    if cells and isinstance(last, Table) and last.numbered == numbered and last.indent == paragraph[0].indent:
        last.rows.append(cells)
    elif cells and isinstance(last, Table) and last.indent > paragraph[0].indent and len(last.rows) == 1:
        # What stood alone, further to the right, was the head of the columns.
        last.head, last.indent = last.rows[0], paragraph[0].indent
        last.rows = [cells]
    elif cells:
        table = Table([cells], numbered=numbered)
        table.indent = paragraph[0].indent
        found.append(table)
    else:
        lines = [Part(line.text[2:], line.statement and f'{label}.{line.statement}') for line in paragraph]
        found.append(Fixed(lines, paragraph[0].indent, paragraph[0].place))


def lost_rows(label, lines):
    """The places of what stands among rows as one of them, and is none."""
    pairs = itertools.pairwise(blocks(label, lines))
    return {(one if isinstance(one, Fixed) else other).place for one, other in pairs
            if {type(one), type(other)} == {Table, Fixed} and one.indent == other.indent}


def row(label, paragraph):
    """(cells, is it numbered?); no cells if the paragraph is no row."""
    first, rest = paragraph[0], paragraph[1:]
    named = [line for line in paragraph if line.statement]
    statement = f'{label}.{named[0].statement}' if len(named) == 1 else None
    match = NUMBERED.match(first.text) or NAMED.match(first.text) or doctext.ROW.match(first.text)
    if match:
        key, text = match.groups()
        columns = [text] if rest else re.split(r' {2,}(?<![.;:,] {2})(?<![.;:,] {3})', text)
        last = [replace(first, text=columns.pop())] + rest
    elif rest and all(line.indent > first.indent + 3 for line in rest if line.text):
        key, columns, last = first.text.strip(), [], rest
    else:
        return None, False
    cells = [[Part(key, statement)]] + [[Part(column)] for column in columns]
    text = list(parts(label, last))
    if statement:
        text = [Part(' '.join(part.text for part in text).strip())]
    return cells + [text], bool(NUMBERED.match(first.text))
