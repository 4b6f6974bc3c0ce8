# SPDX-License-Identifier: MIT
"""The first page: where to begin, the reference by priority, the headers, the documents."""

from documents import page_of
from headers import role
from links import header_page, heading_page

LEAD = ('What a Xen PV guest sees of Paravane, a hypervisor for direct paging: each call, each structure, each rule, '
        'with the errors in the order of the checks.')
# What to read first; the others follow by their paths.
FIRST = {
    'docs/pv-mmu.md': 'from the ground up, with examples that run',
    'docs/memory-layout.md': 'the addresses of a guest, of the hypervisor, of the machine',
    'README.md': 'what Paravane is, and how it is run',
    'docs/porting.md': 'a kernel of your own as a guest',
    'docs/page-types.md': 'the state machine of a frame’s type',
    'docs/threat-model.md': 'what is defended, and what is not',
    'docs/glossary.md': 'the words',
    'docs/coverage.md': 'which test shows which statement',
    'CAVEATS.md': 'what is not so',
}


class Contents:
    def __init__(self, reference, links, output, documents, made=()):
        """@made: (target, title, what it says) of pages that are made from the code's own tables."""
        self.reference, self.links, self.output, self.documents = reference, links, output, documents
        self.made = list(made)

    def write(self):
        titles = self.documents.titles
        first = [(page_of(path), titles[path], said) for path, said in FIRST.items() if path in titles]
        others = [(page_of(path), titles[path], path) for path in titles if path not in FIRST]
        headings = [(heading, heading_page(heading), heading.calls if len(heading.calls) > 1 else [])
                    for heading in self.reference.headings.values()]
        headers = [(header_page(header.path), header.path, role(header.text).replace('\n', ' '))
                   for header in self.reference.headers]
        self.output.page('contents.html', 'index.html', title='Contents', lead=LEAD, first=first, headings=headings,
                         made=self.made, headers=headers, others=others)
