#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/docs/coverage.py: each fault that it must find, planted in a small tree of its own, and what it writes for one
without a fault."""

import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '../..'))

HEADER = """/*
 * `incontents 20 call Calling
 * `
 * ` A first sentence.
 * ` Calls are
 * ` answered. {answered}
 * ` They are never late.  {in-time} {NO_MEMORY}
 * `   -EINVAL  it has none {none} {TYPE_CONFLICT NOT_OWNED}
 * `   -EFAULT  it cannot
 * `            be read {unread} {hv}
 * `
 * ` A paragraph without a name.
 */
#define A_TEMPLATE(x) {x}
/*
 * `incontents 10 first What comes first
 * `
 * ` @arg: It counts. {counts}
 */
"""

TEST = """/* Asks.  Shows call.answered, call.none,
 * and call.unread. */
static void test_call(void **state)
{
    assert_true(call());
}

/* Shows call.in-time. */
static void test_late(void **state)
"""

SCRIPT = """# Shows first.counts: all of them.
test_first() {
"""


class Coverage(unittest.TestCase):
    def setUp(self):
        self._directory = tempfile.TemporaryDirectory()
        self.addCleanup(self._directory.cleanup)
        self.write('abi/call.h', HEADER)
        self.write('tests/unit/test_call.c', TEST)
        self.write('tests/call/run.sh', SCRIPT)
        self.write('docs/none', '')

    def write(self, name, text):
        path = os.path.join(self._directory.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)

    def run_tool(self, *arguments):
        """(status, lines that it printed but for the last)"""
        done = subprocess.run([sys.executable, '-B', ROOT + '/tools/docs/coverage.py', *arguments], text=True,
                              cwd=self._directory.name, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout.splitlines()[:-1]

    def page(self):
        with open(self._directory.name + '/docs/coverage.md', encoding='utf-8') as file:
            return file.read()

    def refused(self, *complaints):
        self.assertEqual(self.run_tool(), (1, list(complaints)))

    def test_page(self):
        self.assertEqual(self.run_tool(), (0, []))
        page = self.page()
        for row in ('| `call.answered` | A first sentence. Calls are answered. | `tests/unit/test_call.c` test_call |',
                    '| `call.in-time` | They are never late. | `tests/unit/test_call.c` test_late |',
                    '| `call.none` | -EINVAL it has none | `tests/unit/test_call.c` test_call |',
                    '| `call.unread` | -EFAULT it cannot be read | `tests/unit/test_call.c` test_call |',
                    '| `first.counts` | @arg: It counts. | `tests/call/run.sh` test_first |',
                    '5 statements: 5 shown by a test, 0 declared in `CAVEATS.md`.',
                    '- `call` 1'):
            self.assertIn(row, page.splitlines())
        self.assertLess(page.index('## first'), page.index('## call'))

    def test_fresh(self):
        self.assertEqual(self.run_tool('--check'), (1, ['docs/coverage.md: not as tools/docs/coverage.py writes it']))
        self.run_tool()
        self.assertEqual(self.run_tool('--check'), (0, []))
        self.write('docs/coverage.md', self.page() + ' ')
        self.assertEqual(self.run_tool('--check'), (1, ['docs/coverage.md: not as tools/docs/coverage.py writes it']))

    def test_without_test(self):
        self.write('tests/call/run.sh', '')
        self.refused('abi/call.h:18: first.counts: no test shows it')

    def test_nothing_stated(self):
        self.write('tests/call/run.sh', SCRIPT + '\n# Shows first.other.\nother() {\n')
        self.refused('tests/call/run.sh:4: first.other: nothing in abi/ states that')

    def test_twice(self):
        self.write('abi/call.h', HEADER.replace('{none}', '{answered}').replace('{in-time}', '{none}'))
        self.write('tests/unit/test_call.c', TEST.replace('in-time', 'none'))
        self.refused('abi/call.h:8: the statement call.answered is there already, at abi/call.h:6')

    def test_unnamed_error(self):
        self.write('abi/call.h', HEADER.replace(' {none} {TYPE_CONFLICT', ' {TYPE_CONFLICT'))
        self.write('tests/unit/test_call.c', TEST.replace(', call.none', ''))
        self.refused('abi/call.h:8: -EINVAL: the error line has no name')

    def test_empty(self):
        """A test whose body is gone, or only says that it was called."""
        for body in '', '    (void)state; /* call() */\n':
            self.write('tests/unit/test_call.c', TEST.replace('    assert_true(call());\n', body))
            self.refused(*(f'tests/unit/test_call.c:1: call.{name}: test_call calls nothing, and shows nothing'
                           for name in ('answered', 'none', 'unread')))

    def test_named_twice(self):
        self.write('tests/call/run.sh', SCRIPT.replace('counts: all', 'counts, first.counts: all'))
        self.refused('tests/call/run.sh:1: first.counts: is named twice over one function')

    def test_above_nothing(self):
        """The function is gone, or another thing has come in between; or the comment stands in its body."""
        for below in '', '\nstatic void test_call(void **state)\n{', 'void test_call(void **state);\n', 'int call = 1;\n':
            self.write('tests/unit/test_call.c', TEST.replace('static void test_call(void **state)\n{', below))
            self.refused(*(f'tests/unit/test_call.c:1: call.{name}: the comment stands above no function'
                           for name in ('answered', 'none', 'unread')))
        inside = 'static void test_late(void **state)\n{\n    /* Shows call.in-time. */\n    late();\n}\n'
        self.write('tests/unit/test_call.c', TEST.partition('/* Shows call.in-time')[0] + inside)
        self.refused('tests/unit/test_call.c:10: call.in-time: the comment stands above no function')
        self.write('tests/unit/test_call.c', TEST)
        self.write('tests/call/run.sh', SCRIPT.replace('\n', '\n\n'))
        self.refused('tests/call/run.sh:1: first.counts: the comment stands above no function')

    def test_bad_name(self):
        self.write('abi/call.h', HEADER.replace('{counts}', '{Counts it}'))
        self.write('tests/call/run.sh', '')
        self.refused('abi/call.h:18: a tag is the name of a statement, or reasons: {Counts it}')

    def test_without_heading(self):
        self.write('abi/call.h', '/* ` Lost. {lost} */\n' + HEADER)
        self.refused('abi/call.h:1: lost: the statement stands under no heading')

    def test_declared(self):
        self.write('tests/call/run.sh', '')
        self.write('CAVEATS.md', '## Statements without a test\n\n- `first.counts`: nobody counts.\n')
        self.assertEqual(self.run_tool(), (0, []))
        self.assertIn('| `first.counts` | @arg: It counts. | none, see `CAVEATS.md` |', self.page())

    def test_declared_elsewhere(self):
        self.write('tests/call/run.sh', '')
        self.write('CAVEATS.md', '## Statements without a test\n\n## Else\n\n- `first.counts`: nobody counts.\n')
        self.refused('abi/call.h:18: first.counts: no test shows it')

    def test_declared_in_vain(self):
        self.write('CAVEATS.md', '## Statements without a test\n\n- `first.counts`, `first.gone`: nobody counts.\n')
        self.refused('CAVEATS.md:3: first.counts: a test shows it', 'CAVEATS.md:3: first.gone: nothing in abi/ states that')


if __name__ == '__main__':
    unittest.main()
