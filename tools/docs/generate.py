#!/usr/bin/python3 -B
# SPDX-License-Identifier: MIT
"""Make the documentation: HTML pages, man pages, one JSON file.

    tools/docs/generate.py [--check] DIRECTORY
        --check   only look for what is wrong with the mark-up

Runs in the root of the tree.  What is wrong with the mark-up, and each statement that no test shows and CAVEATS.md does
not name, is printed as `path:line: what`; then nothing is written, and the status is 1.  Links of documents that lead
nowhere are told, too, and the pages are written.  A run that ends early leaves those of an earlier one as they are.
"""

import argparse
import glob
import os
import sys

from markupsafe import Markup

import codetables
import coverage
import csource
import doctext
import documents
import dump
import facts
import handlers
import markup
import prose
import reasons
import shows
from contents import Contents
from headers import Headers, Sources
from indexes import PAGES, Indexes
from links import Links
from manual import Manual, date_of
from model import Complaint
from output import Output
from topics import Topics

ADVISORIES = 'docs/advisories.md'
TABLES = 'build/tables/tables.json'
FOLDERS = ('abi', 'backend', 'cli', 'docs', 'engine', 'guest', 'guests', 'hv', 'linux', 'packaging', 'sim', 'tests',
           'tools')


def find_documents():
    """Each document of the tree: what is in the root, and in its folders."""
    found = glob.glob('*.md')
    for folder in FOLDERS:
        found += glob.glob(f'{folder}/**/*.md', recursive=True)
    return found


def generate(reference, known, directory):
    with Output(directory) as output:
        return write(reference, known, output), len(output.written)


def write(reference, known, output):
    """All pages and files; what is wrong with the documents."""
    output.menu = [('Contents', 'index.html')] + [(title, f'index/{name}.html') for name, title in PAGES.items()]
    sources = Sources(output)
    links = Links(reference, reasons=known.reasons)
    found = documents.Documents(find_documents(), links, sources, output)
    rows = documents.advisories(ADVISORIES, found, 'index/advisories.html') if os.path.exists(ADVISORIES) else {}
    links.advisories = {name: f'index/advisories.html#{name}' for name in rows}
    Topics(reference, links, output, known, sources).write()
    Headers(reference, links, output).write()
    Indexes(reference, links, output, known, sources, rows).write()
    tables = codetables.load(TABLES)
    made = write_tables(tables, output, links, found)
    found.named = {target[len('tables/'):-len('.html')].replace('-', ' '): target for target, *_ in made}
    found.write()
    Contents(reference, links, output, found, made).write()
    sources.write()
    Manual(reference, output, date_of('abi'), known).write()
    output.file('reference.json', dump.dump(reference, known, tables))
    return found.complaints


def unknown_names(reference, known):
    """A call of the code's tables without number or prototype, a tag that names no reason of a refusal."""
    for name, handler, place in handlers.offered({path: csource.read(path) for path, _ in handlers.TABLES}):
        if name not in reference.calls:
            yield Complaint(place, f'{handler}: HYPERVISOR_{name} is called, and has no prototype in abi/')
        if f'__HYPERVISOR_{name}' not in reference.constants:
            yield Complaint(place, f'{handler}: __HYPERVISOR_{name} is no number in abi/')
    for line in (line for header in reference.headers for line in header.lines):
        for reason in line.reasons:
            if reason not in known:
                yield Complaint(line.place, f'{{{reason}}}: there is no such reason')


def lost_rows(reference):
    """A line of a table whose columns have one space between them is no row, and would be shown as no part of it."""
    for heading in reference.headings.values():
        commands, free = doctext.commands(heading.label, heading.lines, reference.constants)
        for lines in [free] + [command.lines for command in commands]:
            for place in prose.lost_rows(heading.label, lines):
                yield Complaint(place, 'a line of a table has two spaces between its columns')


def write_tables(tables, output, links, found):
    """The pages made of the code's own tables, `make build/tables/tables.json`; for the contents, what each is."""
    made = []
    for page in codetables.pages(tables, '.', lambda name: reason_link(name, links)):
        target = f'tables/{page.name}.html'
        output.page('table.html', target, title=page.title, lead=page.summary,
                    body=Markup(found.linked(page.html, target)))
        made.append((target, page.title, page.summary))
    return made


def reason_link(name, links):
    return str(links.anchor((links.reasons[name], ''), name, 'tables/page.html', 'c'))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--check', action='store_true', help='only look for what is wrong with the mark-up')
    parser.add_argument('directory', nargs='?', default='build/docs')
    options = parser.parse_args()

    reference = markup.parse(glob.glob('abi/*.h'))
    known, _ = reasons.load()  # what it complains of comes with the facts
    complaints = sorted(reference.complaints + [*unknown_names(reference, known), *lost_rows(reference)])
    if not complaints and not options.check:
        known = facts.load(reference)
        complaints = known.complaints
        complaints += coverage.check(reference, shows.read(['tests', 'guests']), coverage.declared(coverage.CAVEATS))
    if not complaints and not options.check:
        complaints, pages = generate(reference, known, options.directory)
        print(f'{pages} pages and files: {options.directory}/index.html, '
              f'man -l {options.directory}/man/man7/paravane-hypercall.7')
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == '__main__':
    sys.exit(main())
