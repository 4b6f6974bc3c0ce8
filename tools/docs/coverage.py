#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Which test shows which statement of abi/: writes docs/coverage.md.

Usage: tools/docs/coverage.py [--check]      --check writes nothing: is the file as it would be written?

A complaint, by file and line, and status 1: for a statement without a test that CAVEATS.md does not declare under
"Statements without a test", for an error without a name, for a test that shows what nothing states, or that calls
nothing, for a name that is there twice.
"""

import glob
import os
import re
import sys

import markup
import shows

PAGE = 'docs/coverage.md'
CAVEATS = 'CAVEATS.md'
DECLARATIONS = 'Statements without a test'
TEXT_LENGTH = 110
PROTOTYPE = re.compile(r' (enum \w+|void|(unsigned )?long|int)$')

HEAD = """# Statements and tests

Each statement of `abi/` that has a name, in short, and the tests that show it. `tools/docs/coverage.py` writes this
page, from the mark-up of the headers and the comments "Shows LABEL.NAME" over the tests; change those.

What lies under `tests/unit`, `tests/sweep`, `tests/lessons` and `tests/model` runs the engine on the hosted machine,
the only one with several processors; `tests/hv` and `tests/backend` run parts of what their names say, as programs;
`guests/` runs under the hypervisor, in QEMU, 64-bit kernels and 32-bit ones. What a kernel makes of the interface (its
paravirt layer, lazy mode, pinned pages, a P2M of its own) is no statement of the interface: `guest/mmu.h`, and for its
tests `tests/guestlib` and `guests/paravirt`.
"""


def declared(path):
    """{statement: line} of the list under the heading of CAVEATS.md."""
    found, inside = {}, False
    if not os.path.exists(path):
        return found
    with open(path, encoding='utf-8') as file:
        for number, line in enumerate(file, 1):
            if line.startswith('#'):
                inside = line.strip('# \n') == DECLARATIONS
            match = inside and re.match(r'- ((?:`[^`]+`(?:, )?)+): \S', line)
            if match:
                found.update((name, number) for name in re.findall(r'`([^`]+)`', match.group(1)))
    return found


def check(reference, shown, undone):
    """All complaints, as path:line: what."""
    complaints = [str(complaint) for complaint in reference.complaints]
    places = {statement.place for heading in reference.headings.values() for statement in heading.statements}
    for line in [line for header in reference.headers for line in header.lines if line.statement]:
        if line.place not in places:
            complaints.append(f'{line.place}: {line.statement}: the statement stands under no heading')
    for error in [error for heading in reference.headings.values() for error in heading.errors]:
        if not error.statement:
            complaints.append(f'{error.place}: {", ".join(error.numbers)}: the error line has no name')
    with_test = {one.statement for one in shown}
    for statement in reference.statements.values():
        if statement.name not in with_test and statement.name not in undone:
            complaints.append(f'{statement.place}: {statement.name}: no test shows it')
    seen = set()
    for one in shown:
        if (one.statement, one.path, one.function) in seen:
            complaints.append(f'{one.path}:{one.line}: {one.statement}: is named twice over one function')
        seen.add((one.statement, one.path, one.function))
        if not one.function:
            complaints.append(f'{one.path}:{one.line}: {one.statement}: the comment stands above no function')
        if one.is_empty:
            complaints.append(f'{one.path}:{one.line}: {one.statement}: {one.function} calls nothing, and shows nothing')
        if one.statement not in reference.statements:
            complaints.append(f'{one.path}:{one.line}: {one.statement}: nothing in abi/ states that')
    for name, line in undone.items():
        if name not in reference.statements:
            complaints.append(f'{CAVEATS}:{line}: {name}: nothing in abi/ states that')
        elif name in with_test:
            complaints.append(f'{CAVEATS}:{line}: {name}: a test shows it')
    return complaints


def unnamed(heading):
    """How many paragraphs of text have no statement with a name: prototypes and arguments are none."""
    paragraphs, count = [[]], 0
    for line in heading.lines:
        if line.text.strip() or line.statement or line.reasons:
            paragraphs[-1].append(line)
        else:
            paragraphs.append([])
    for paragraph in paragraphs:
        text = paragraph[0].text if paragraph else ' @'
        if not text.startswith(' @') and not PROTOTYPE.match(text):
            count += not any(line.statement for line in paragraph)
    return count


def shorten(text):
    text = re.sub(r'\s+', ' ', text).replace('|', '\\|')
    return text if len(text) <= TEXT_LENGTH else text[:TEXT_LENGTH].rsplit(' ', 1)[0] + ' ...'


def tests_of(statement, shown):
    files = {}
    for one in shown:
        if one.statement == statement.name:
            files.setdefault(one.path, []).append(one.function)
    return '; '.join(' '.join([f'`{path}`'] + [name for name in names if name]) for path, names in files.items())


def table(heading, shown):
    rows = [f'## {heading.label}: {heading.title}', '', f'`{heading.place.path}`', '',
            '| statement | what it says | shown by |', '|---|---|---|']
    for statement in heading.statements:
        tests = tests_of(statement, shown) or f'none, see `{CAVEATS}`'
        rows.append(f'| `{statement.name}` | {shorten(statement.text)} | {tests} |')
    return rows + ['']


def page(reference, shown):
    headings = reference.headings.values()
    count = len(reference.statements)
    with_test = len({one.statement for one in shown} & set(reference.statements))
    lines = [HEAD, f'{count} statements: {with_test} shown by a test, {count - with_test} declared in `{CAVEATS}`.', '']
    for heading in headings:
        lines += table(heading, shown) if heading.statements else []
    left = [f'- `{heading.label}` {unnamed(heading)}' for heading in headings if unnamed(heading)]
    if left:
        lines += ['## Without a name', '', 'Paragraphs in which no statement has a name, so that nothing here says '
                  'whether a test shows what they say:', ''] + left + ['']
    return '\n'.join(lines)


def main(arguments):
    if arguments not in ([], ['--check']):
        sys.exit(__doc__)
    reference = markup.parse(sorted(glob.glob('abi/*.h')))
    shown = shows.read(['tests', 'guests'])
    complaints = check(reference, shown, declared(CAVEATS))
    text = page(reference, shown)
    if arguments:
        if not os.path.exists(PAGE) or open(PAGE, encoding='utf-8').read() != text:
            complaints.append(f'{PAGE}: not as tools/docs/coverage.py writes it')
    else:
        with open(PAGE, 'w', encoding='utf-8') as file:
            file.write(text)
    for complaint in complaints:
        print(complaint)
    print(f'{len(reference.statements)} statements, {len(shown)} times shown, {len(complaints)} complaints')
    return 1 if complaints else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
