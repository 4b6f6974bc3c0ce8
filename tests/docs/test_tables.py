#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/docs/tables.c against what the manuals and the ABI say, the pages made of it, and docs/page-types.md against it.

build/tables/tables.json must have been built."""

import os
import re
import subprocess
import sys
import tempfile
import unittest
from xml.dom import minidom

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '../..'))
sys.path.insert(0, os.path.join(ROOT, 'tools/docs'))
sys.dont_write_bytecode = True

import codetables  # noqa: E402
import startofday  # noqa: E402

TABLES = os.path.join(ROOT, 'build/tables/tables.json')


def part_of(tables, width, level, name):
    levels = next(row['levels'] for row in tables['entry']['widths'] if row['width'] == width)
    return next(part for part in levels[level - 1]['parts'] if part['name'] == name)


class Entries(unittest.TestCase):
    """Constants by hand: Intel SDM volume 3, chapter 4; abi/mmu.h under [pte]."""

    def setUp(self):
        self.tables = codetables.load(TABLES)

    def judged(self, width, level, name, target, which='set'):
        return part_of(self.tables, width, level, name)['judged'][target][which]

    def test_places_of_bits(self):
        for width, level, name, bit in ((64, 1, 'PAT', 7), (64, 2, 'PSE', 7), (32, 1, 'G', 8), (64, 4, 'NX', 63),
                                        (32, 3, 'PCD', 4), (64, 1, 'KERNEL', 52), (64, 3, 'RW', 1)):
            part = part_of(self.tables, width, level, name)
            self.assertEqual((part['first'], part['last']), (bit, bit), (width, level, name))

    def test_each_bit_once(self):
        for width in self.tables['entry']['widths']:
            for level in width['levels']:
                masks = [int(part['mask'], 16) for part in level['parts']]
                self.assertEqual(sum(masks), (1 << 64) - 1)
                for part in level['parts']:
                    self.assertEqual(int(part['mask'], 16), (2 << part['last']) - (1 << part['first']))

    def test_refused(self):
        for width, level, name, target, error, reason in (
                (64, 2, 'PSE', 'ram', 'EINVAL', 'BAD_FLAGS'), (64, 4, 'G', 'ram', 'EINVAL', 'BAD_FLAGS'),
                (32, 3, 'NX', 'ram', 'EINVAL', 'BAD_FLAGS'), (32, 3, '52-62', 'ram', 'EINVAL', 'BAD_FLAGS'),
                (64, 1, 'PCD', 'ram', 'EINVAL', 'CACHE_FLAGS'), (64, 1, 'PAT', 'shared_rights', 'EACCES', 'CACHE_FLAGS_SHARED'),
                (64, 1, 'A', 'nothing', 'EPERM', 'NOT_RAM'), (64, 1, 'frame', 'device', 'EINVAL', 'NO_SUCH_FRAME'),
                (64, 2, 'A', 'nothing', 'EINVAL', 'NO_SUCH_FRAME'), (64, 1, 'frame', 'absent_l1tf', 'EINVAL', 'L1TF'),
                (64, 2, 'PSE', 'absent_l1tf', 'EINVAL', 'L1TF')):
            judged = self.judged(width, level, name, target)
            self.assertEqual((judged.get('error'), judged.get('reason')), (error, reason), (width, level, name, target))

    def test_stored(self):
        for width, level, name, target, which, changes in (
                (64, 1, 'KERNEL', 'ram', 'clear', ['+G']), (64, 1, 'USER', 'ram', 'clear', ['+USER']),
                (64, 2, 'USER', 'ram', 'clear', ['+USER']), (64, 4, 'A', 'ram', 'clear', ['+A']),
                (32, 1, 'USER', 'ram', 'clear', []), (32, 3, 'RW', 'ram', 'clear', ['+RW']), (32, 2, 'NX', 'ram', 'set', []),
                (64, 1, 'PAT', 'device', 'set', []), (64, 1, 'PWT', 'device', 'set', ['+PCD']),
                (64, 1, 'PAT', 'absent_l1tf', 'set', [])):
            self.assertEqual(self.judged(width, level, name, target, which).get('changes'), changes, (width, level, name))

    def test_privilege(self):
        level = self.tables['entry']['widths'][0]['levels'][0]
        self.assertEqual([judged['changes'] for judged in level['privilege']],
                         [['+USER', '+KERNEL'], ['+USER'], ['+G'], []])

    def test_geometry(self):
        wide, narrow = (row['levels'] for row in self.tables['entry']['widths'])
        self.assertEqual([(level['shift'], level['slots']) for level in wide], [(12, 512), (21, 512), (30, 512), (39, 512)])
        self.assertEqual([(level['shift'], level['slots']) for level in narrow], [(12, 512), (21, 512), (30, 4)])
        self.assertEqual(wide[3]['hypervisor_slots'], [256, 272])
        self.assertEqual(narrow[1]['hypervisor_slots'], [428, 512])

    def test_pat(self):
        self.assertEqual([row['type'].split()[0] for row in self.tables['pat']],
                         ['write-back', 'write-through', 'uncached', 'uncached', 'write-combining', 'write-protected',
                          'uncached', 'uncached'])
        self.assertEqual([row['device'] for row in self.tables['pat']], [3, 3, 2, 3, 4, 3, 6, 7])
        self.assertEqual([row['ram'] for row in self.tables['pat']], [0] + 7 * ['CACHE_FLAGS'])
        self.assertEqual([row['ram_rights'] for row in self.tables['pat']], list(range(8)))


class Types(unittest.TestCase):
    """docs/page-types.md and engine/type.[ch] say the same."""

    def setUp(self):
        self.word = codetables.load(TABLES)['type_word']
        with open(os.path.join(ROOT, 'docs/page-types.md'), encoding='utf-8') as file:
            self.text = file.read()

    def rows(self, heading):
        section = re.split(r'^## ', self.text, flags=re.M)
        section = next(part for part in section if part.startswith(heading + '\n'))
        lines = [line for line in section.splitlines() if line.startswith('|')][2:]
        return [[cell.strip() for cell in line.strip('|').split('|')] for line in lines]

    def test_states(self):
        kinds = {'none': {'none'}, 'writable': {'writable'}, 'any': None,
                 'table, descriptor': {'L1', 'L2', 'L3', 'L4', 'L2-top', 'SEGDESC'}}
        kinds['any'] = kinds['table, descriptor'] | {'writable'}
        limit = self.word['count_limit']
        said = [[name, kinds[types], count, *flags] for name, types, count, *flags, _ in self.rows('States')]
        flag = {'yes': 'yes', 'no': '', 'maybe': 'maybe'}
        found = [[state['name'], set(state['types']),
                  '1 or more' if (state['count_min'], state['count_max']) == (1, limit) else str(state['count_max']),
                  *(flag[state[name]] for name in ('validated', 'busy', 'pinned'))] for state in self.word['states']]
        self.assertEqual(said, found)

    def test_transitions(self):
        said = [[function.strip('`()'), *rest] for function, *rest in (row[:5] for row in self.rows('Transitions'))]
        found = [[step['function'], step['from'], step['to'], step['count'], step['pinned']]
                 for step in self.word['transitions']]
        self.assertEqual(said, found)

    def test_words_stay_legal(self):
        self.assertNotIn('illegal', {step[end] for step in self.word['transitions'] for end in ('from', 'to')})


class Layout(unittest.TestCase):
    def setUp(self):
        self.layout = codetables.load(TABLES)['layout']

    def bounds(self, name):
        return [(int(row['first'], 16), int(row['last'], 16)) for row in self.layout[name]]

    def test_nothing_left_out(self):
        for name, end in (('wide', 1 << 64), ('narrow', 1 << 32)):
            bounds = self.bounds(name)
            self.assertEqual(bounds[0][0], 0)
            self.assertEqual(bounds[-1][1] + 1, end)
            for before, after in zip(bounds, bounds[1:]):
                self.assertEqual(before[1] + 1, after[0])

    def test_slots(self):
        own = self.bounds('own')
        self.assertEqual(own[0][0], 0xffff800000000000)
        self.assertEqual([first >> 39 & 511 for first, last in own], list(range(256, 263)))
        self.assertEqual(own[-1][1] >> 39 & 511, 271)
        self.assertEqual(self.bounds('narrow')[1], (0xf5800000, 0xffdfffff))


class Pages(unittest.TestCase):
    def setUp(self):
        self.pages = {page.name: page for page in codetables.pages(codetables.load(TABLES), ROOT)}

    def figures(self):
        for page in self.pages.values():
            for svg in re.findall(r'<svg.*?</svg>', page.html, re.S):
                yield page.name, svg

    def test_well_formed(self):
        for page in self.pages.values():
            minidom.parseString('<div>' + re.sub(r'<(br|col[^>g]*)>', r'<\1/>', page.html) + '</div>')

    def test_figures(self):
        figures = list(self.figures())
        self.assertEqual(sorted(name for name, svg in figures),
                         ['address-spaces', 'address-spaces', 'start-of-day', 'type-word'])
        for name, svg in figures:
            self.assertRegex(svg, r'<title>[^<]+</title>\s*<desc>[^<]+</desc>', name)
            for style in re.findall(r'<text [^>]*>', svg):
                self.assertIn('fill="currentColor"', style, name)

    def test_text_is_large_enough(self):
        """At 390 pixels a page has 358 for a figure, which needs no more, and is shown no narrower than it asks for."""
        for name, svg in self.figures():
            units = float(re.search(r'viewBox="[\d.]+ [\d.]+ ([\d.]+)', svg)[1])
            pixels = int(re.search(r'(?:min-)?width:(\d+)px', svg)[1])
            self.assertLessEqual(pixels, 358, name)
            for size in re.findall(r'font-size="([\d.]+)"', svg):
                self.assertGreaterEqual(float(size) * pixels / units, 11, name)

    def test_text_stays_inside(self):
        for name, svg in self.figures():
            if name == 'type-word':
                continue  # Graphviz sees to it
            for x, code, text in re.findall(r'<text x="([\d.]+)"[^>]*font-family="(\w+)[^>]*>([^<]*)<', svg):
                self.assertLess(float(x) + len(text) * (6.7 if code == 'monospace' else 6.3), 341, (name, text))

    def test_links_inside(self):
        for page in self.pages.values():
            for target in re.findall(r'href="#([^"]+)"', page.html):
                self.assertIn(f'id="{target}"', page.html)

    def test_reasons_are_links(self):
        html = codetables.pages(codetables.load(TABLES), ROOT, lambda name: f'<a href="R">{name}</a>')[0].html
        for reason in ('BAD_FLAGS', 'CACHE_FLAGS', 'CACHE_FLAGS_SHARED', 'NOT_RAM', 'NO_SUCH_FRAME', 'L1TF'):
            self.assertIn(f'<a href="R">{reason}</a>', html)

    def test_every_transition_is_drawn(self):
        for step in codetables.load(TABLES)['type_word']['transitions']:
            self.assertIn(f'<title>{step["from"]}&#45;&gt;{step["to"]}</title>', self.pages['type-word'].html)


class StartOfDay(unittest.TestCase):
    def setUp(self):
        self.header = codetables.read(ROOT, 'abi/layout.h')
        self.log = codetables.read(ROOT, codetables.LOG)

    def test_rules(self):
        self.assertEqual(list(startofday.rules(self.header)), list(range(1, 13)))

    def test_order(self):
        """Elements follow each other without a gap, up to a multiple of 4 MiB."""
        found, base, _ = startofday.read(self.log)
        end = 0
        for first, pages in found.values():
            self.assertEqual(first, end)
            self.assertGreater(pages, 0)
            end = first + pages
        self.assertEqual(end * 4096 % (4 << 20), 0)
        self.assertEqual(base, 0xffffffff80000000)
        self.assertGreaterEqual(found[10][1] * 4096, 512 << 10)

    def refused(self, pattern, said):
        with self.assertRaisesRegex(startofday.LogError, said):
            startofday.read(re.sub(pattern, '', self.log))

    def test_log_with_faults(self):
        self.refused(r'domain 1.*', 'no line of the hypervisor')
        self.refused(r'.*boot stack.*\n', 'does not say where these are: boot stack')
        self.refused(r'.*start_info.*\n', 'does not say where these are: start_info')
        with self.assertRaisesRegex(startofday.LogError, '-?[0-9]+ pages between start_info and the tables'):
            startofday.read(re.sub(r'([0-9a-f]{13})000(-[0-9a-f]{16} +\d+ pages  start_info.*)',
                                   lambda line: f'{int(line[1], 16) + 1:013x}000' + line[2], self.log))


class Planted(unittest.TestCase):
    """What is changed in the engine's tables changes the page: nothing of it is written down a second time."""

    def variable(self, name):
        """The words that the makefile's variable @name has."""
        return subprocess.run(['make', '-s', '--no-print-directory', f'print-{name}'], cwd=ROOT, capture_output=True,
                              text=True, check=True).stdout.split()

    def tables_with(self, directory, name, old, new):
        """The tables of a tree in which @old is @new in the file @name."""
        text = codetables.read(ROOT, name)
        self.assertEqual(text.count(old), 1, old)
        path = os.path.join(directory, name)
        os.makedirs(os.path.dirname(path))
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text.replace(old, new))
        compiler, flags, sources = (self.variable(each) for each in ('CC_tables', 'CFLAGS_tables', 'TABLES_C'))
        program = os.path.join(directory, 'tables')
        subprocess.run([*compiler, f'-I{directory}', *flags, '-O0', *(path if source == name else source for source in sources),
                        '-o', program], cwd=ROOT, check=True)
        with open(program + '.json', 'w', encoding='utf-8') as file:
            subprocess.run([program], stdout=file, check=True)
        return codetables.load(program + '.json')

    def test_level(self):
        with tempfile.TemporaryDirectory() as directory:
            tables = self.tables_with(directory, 'engine/level.c', 'PAE_L3_REFUSED (UPPER_REFUSED | ENTRY_AVAIL_HIGH | ENTRY_NX)',
                                      'PAE_L3_REFUSED (UPPER_REFUSED | ENTRY_AVAIL_HIGH)')
        self.assertEqual(part_of(tables, 32, 3, 'NX')['judged']['ram']['set']['changes'], [])
        self.assertEqual(*(re.findall(r'id="w32-l2">.*?id="w32-l3"', page, re.S) for page in self.decoders(tables)))
        self.assertNotEqual(*(re.findall(r'id="w32-l3">.*?id="pat"', page, re.S) for page in self.decoders(tables)))

    def decoders(self, tables):
        return [codetables.pages(each, ROOT)[0].html for each in (codetables.load(TABLES), tables)]

    def test_device(self):
        with tempfile.TemporaryDirectory() as directory:
            tables = self.tables_with(directory, 'engine/entry.c', '((1u << 0) | (1u << 1) | (1u << 5))', '(1u << 0)')
        self.assertEqual([row['device'] for row in tables['pat']], [3, 1, 2, 3, 4, 5, 6, 7])

    def test_type(self):
        with tempfile.TemporaryDirectory() as directory:
            tables = self.tables_with(directory, 'engine/type.c', 'TYPE_VALIDATED, TYPE_PINNED, 1, TYPE_COUNT_MAX',
                                      'TYPE_VALIDATED, 0, 1, TYPE_COUNT_MAX')
        self.assertNotIn('type_pin_set', {step['function'] for step in tables['type_word']['transitions']})
        self.assertNotIn('pin_set', codetables.pages(tables, ROOT)[3].html)


if __name__ == '__main__':
    unittest.main()
