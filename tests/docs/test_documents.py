#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a document names that is not there: each kind is told, and what is there is linked."""

import glob
import os
import sys
import tempfile
import unittest

os.chdir(os.path.join(os.path.dirname(__file__), '../..'))
sys.path.insert(0, 'tools/docs')

import documents  # noqa: E402
import markup  # noqa: E402
from headers import Sources  # noqa: E402
from links import Links  # noqa: E402


class Documents(unittest.TestCase):
    def said(self, text):
        """(the page, the complaints) of a document with this text."""
        os.makedirs('build', exist_ok=True)
        with tempfile.NamedTemporaryFile('w', suffix='.md', dir='build') as file:
            file.write(text)
            file.flush()
            name = os.path.relpath(file.name)
            made = documents.Documents([name], Links(markup.parse(glob.glob('abi/*.h'))), Sources(None), None)
            made.named = {'type word': 'tables/type-word.html'}
            page = made.body(name, documents.page_of(name))
            return page, [one.replace(name, 'DOCUMENT') for one in made.complaints]

    def test_there(self):
        page, complaints = self.said('# One\n\n`MMUEXT_PIN_L1_TABLE`, [pte](../abi/mmu.h), the page "type word", '
                                     '`XEN_VERSION` and `MMUEXT_*`, `engine/linear.h`.\n')
        self.assertEqual(complaints, [])
        for name in 'calls/mmuext_op.html#MMUEXT_PIN_L1_TABLE', 'topics/pte.html', 'tables/type-word.html':
            self.assertIn(f'href="../../{name}"', page)

    def test_not_there(self):
        for text, said in (('`MMUEXT_PIN_L5_TABLE`', 'nothing in abi/ is called MMUEXT_PIN_L5_TABLE'),
                           ('[ptex](../abi/mmu.h)', 'there is no abi/mmu.h with a heading ptex'),
                           ('[pte](../abi/mmuext.h)', 'there is no abi/mmuext.h with a heading pte'),
                           ('[that](../docs/nothing.md)', 'there is no docs/nothing.md'),
                           ('the page "words"', 'there is no page "words"')):
            self.assertEqual(self.said(f'# One\n\nSee {text}.\n')[1], [f'DOCUMENT: {said}'])


if __name__ == '__main__':
    unittest.main()
