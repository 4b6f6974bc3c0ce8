#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/docs/limits.py: a number that differs is told, whether the text, the code or the row has changed."""

import glob
import os
import sys
import tempfile
import unittest

os.chdir(os.path.join(os.path.dirname(__file__), '../..'))
sys.path.insert(0, 'tools/docs')

import limits  # noqa: E402
import markup  # noqa: E402

POLL = 'hv/call/call_sched.c'
ROW = 'sched_op.poll-many: 128 ports = POLL_PORTS_MAX, hv/call/call_sched.c\n'


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def told(row=ROW, replaced=None):
    """What is said of one @row, and of a file that is @replaced: (path, text, its new text)."""
    texts = {limits.PATH: f'# Rows\n{row}'}
    if replaced:
        path, old, new = replaced
        assert old in read(path), (path, old)
        texts[path] = read(path).replace(old, new)
    return [f'{place}: {text}' for place, text in limits.check(markup.parse(glob.glob('abi/*.h')), texts)]


class Limits(unittest.TestCase):
    def test_all(self):
        self.assertEqual(list(limits.check(markup.parse(glob.glob('abi/*.h')))), [])
        self.assertEqual(told(), [])

    def test_code(self):
        self.assertEqual(told(replaced=(POLL, 'POLL_PORTS_MAX 128u', 'POLL_PORTS_MAX 64u')),
                         [f'{limits.PATH}:2: sched_op.poll-many: POLL_PORTS_MAX of {POLL} is 64, and not 128 ports'])

    def test_text(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, 'sched.h')
            with open(path, 'w', encoding='utf-8') as file:
                file.write(read('abi/sched.h').replace('more than 128 ports', 'more than 1128 ports'))
            found = list(limits.check(markup.parse([path]), {limits.PATH: ROW}))
        self.assertEqual([(place.path, text) for place, text in found],
                         [(path, f'sched_op.poll-many does not say 128 ports, which is POLL_PORTS_MAX of {POLL}')])

    def test_document(self):
        row = 'docs/glossary.md: 0xf5800000 up = COMPAT_HYPERVISOR_VIRT_START, abi/layout.h\n'
        self.assertEqual(told(row), [])
        self.assertEqual(told(row, ('docs/glossary.md', '0xf5800000 up', '0xf5900000 up')),
                         [f'{limits.PATH}:2: docs/glossary.md does not say 0xf5800000 up, which is '
                          'COMPAT_HYPERVISOR_VIRT_START of abi/layout.h'])

    def test_row(self):
        for row, said in ((ROW.replace('many', 'few'), 'sched_op.poll-few: nothing in abi/ states that'),
                          (ROW.replace('_MAX', '_MIN'), f'POLL_PORTS_MIN: is no number by {POLL}'),
                          (ROW.replace('hv/', 'hv/no/'), f'there is no {POLL.replace("hv/", "hv/no/")}'),
                          (ROW.replace(':', ''), f'not a row: {ROW.replace(":", "").strip()}')):
            self.assertEqual(told(row), [f'{limits.PATH}:2: {said}'])

    def test_words(self):
        for words, number in (('16 GDT frames', 16), ('0xf57fffff', 0xf57fffff), ('2 to the 50 nanoseconds', 1 << 50),
                              ('2^62 ns', 1 << 62), ('a millisecond', 1), ('ffff87ffffffffff the', 0xffff87ffffffffff),
                              ('many', None)):
            self.assertEqual(limits.number_of(words), number)


if __name__ == '__main__':
    unittest.main()
