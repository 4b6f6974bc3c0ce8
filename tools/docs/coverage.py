#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""Which test shows which statement of abi/: writes docs/coverage.md.

Usage: tools/docs/coverage.py [--check]      --check writes nothing: is the file as it would be written?

A complaint, by file and line, and status 1: for a statement without a test that CAVEATS.md does not declare under
"Statements without a test", for a test that shows what nothing states, for a name that is there twice.
"""

import glob
import os
import re
import sys

import shows
import statements

PAGE = 'docs/coverage.md'
CAVEATS = 'CAVEATS.md'
DECLARATIONS = 'Statements without a test'
TEXT_LENGTH = 110

HEAD = """# Statements and tests

Each statement of `abi/` that has a name, in short, and the tests that show it. `tools/docs/coverage.py` writes this
page, from the mark-up of the headers and the comments "Shows LABEL.NAME" over the tests; change those.
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


def check(reader, shown, undone):
    """All complaints, as path:line: what."""
    complaints = list(reader.complaints)
    known = {str(statement) for statement in reader.statements}
    with_test = {one.statement for one in shown}
    for statement in reader.statements:
        if str(statement) not in with_test and str(statement) not in undone:
            complaints.append(f'{statement.place}: {statement}: no test shows it')
    for one in shown:
        if one.statement not in known:
            complaints.append(f'{one.path}:{one.line}: {one.statement}: nothing in abi/ states that')
    for name, line in undone.items():
        if name not in known:
            complaints.append(f'{CAVEATS}:{line}: {name}: nothing in abi/ states that')
        elif name in with_test:
            complaints.append(f'{CAVEATS}:{line}: {name}: a test shows it')
    return complaints


def shorten(text):
    text = re.sub(r'\s+', ' ', text).replace('|', '\\|')
    return text if len(text) <= TEXT_LENGTH else text[:TEXT_LENGTH].rsplit(' ', 1)[0] + ' ...'


def tests_of(statement, shown):
    files = {}
    for one in shown:
        if one.statement == str(statement):
            files.setdefault(one.path, []).append(one.function)
    return '; '.join(' '.join([f'`{path}`'] + [name for name in names if name]) for path, names in files.items())


def page(reader, shown):
    lines = [HEAD]
    count = len(reader.statements)
    with_test = len({one.statement for one in shown} & {str(statement) for statement in reader.statements})
    lines.append(f'{count} statements: {with_test} shown by a test, {count - with_test} declared in `{CAVEATS}`.\n')
    headings = sorted(reader.headings.items(), key=lambda item: item[1])
    for label, (_, title, path) in headings:
        own = [statement for statement in reader.statements if statement.label == label]
        if not own:
            continue
        lines += [f'## {label}: {title}', '', f'`{path}`', '', '| statement | what it says | shown by |', '|---|---|---|']
        for statement in own:
            tests = tests_of(statement, shown) or f'none, see `{CAVEATS}`'
            lines.append(f'| `{statement}` | {shorten(statement.text)} | {tests} |')
        lines.append('')
    left = [f'`{label}` {reader.unnamed[label]}' for label, _ in headings if label in reader.unnamed]
    if left:
        lines += ['## Without a name', '',
                  'Paragraphs in which no statement has a name, so that nothing here says whether a test shows what they say:', '']
        lines += [f'- {one}' for one in left] + ['']
    return '\n'.join(lines)


def main(arguments):
    if arguments not in ([], ['--check']):
        sys.exit(__doc__)
    reader = statements.read(sorted(glob.glob('abi/*.h')))
    shown = shows.read(['tests', 'guests'])
    complaints = check(reader, shown, declared(CAVEATS))
    text = page(reader, shown)
    if arguments:
        if not os.path.exists(PAGE) or open(PAGE, encoding='utf-8').read() != text:
            complaints.append(f'{PAGE}: not as tools/docs/coverage.py writes it')
    else:
        with open(PAGE, 'w', encoding='utf-8') as file:
            file.write(text)
    for complaint in complaints:
        print(complaint)
    print(f'{len(reader.statements)} statements, {len(shown)} times shown, {len(complaints)} complaints')
    return 1 if complaints else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
