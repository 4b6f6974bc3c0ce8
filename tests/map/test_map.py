#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The map of a boot of Linux, as somebody looks at it who has only the page."""

import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path[:0] = [os.path.join(os.path.dirname(__file__), '../playground'), os.path.dirname(__file__)]

from browser import Page, run_named  # noqa: E402
from screens import CONTRAST  # noqa: E402  (tests/docs)

COMMAND = 'build/cli/paravane'
RECORDING = 'tests/recordings/linux.xz'
PAGE = 'build/map/linux.html'
SHOTS = 'build/map/shots'
READY = 'document.body.classList.contains("ready") && map.picture.scale'
DESK, PHONE = 1400, 390
# Types as `paravane replay --frames` names them.
NAMES = {'L2_TOP': 'L2 top'}

LOOKS = '''(() => { const look = map.data.lookAt(%d); return map.data.ram.filter(mfn => ownerOf(look[mfn]) < 0x7ff0)
    .map(mfn => [mfn, ownerOf(look[mfn]), typeOf(look[mfn]), isPinned(look[mfn])]); })()'''


def paravane(*arguments):
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                          timeout=300)


def listed(operation):
    """{mfn: (owner, type, uses, pinned, references)} after an operation, by another program than the map's."""
    made = paravane('replay', '--audit=none', '--frames', '--stop-at', str(operation), RECORDING)
    rows = [line.split() for line in made.stdout.splitlines()]
    return {int(mfn, 16): (int(owner), NAMES.get(kind, kind), int(uses), pinned == '1', int(refs))
            for mfn, owner, kind, uses, pinned, refs in (row for row in rows if len(row) == 6)}


class Map(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        made = paravane('map', PAGE, '--from', RECORDING)
        assert made.returncode == 0, made.stderr
        cls.page = Page()
        cls.page.width(DESK)
        cls.page.open(PAGE, ready=READY)

    @classmethod
    def tearDownClass(cls):
        cls.page.__exit__()

    def setUp(self):
        self.page.said.clear()
        self.page.media()
        self.page.width(DESK)
        self.page.ask('map.picture.fit(), map.goTo(map.data.moment)')

    def tearDown(self):
        self.assertEqual(self.page.said, [], 'Chromium has something to say')

    def test_moment(self):
        """Each frame at the moment: its owner, type, uses, pin and references are those that a replay lists."""
        moment = self.page.ask('map.data.moment')
        shown = self.page.ask('[...map.data.atMoment.values()].map(one => [one.mfn, one.uses, one.refs])')
        looks = {mfn: (owner, kind, pinned) for mfn, owner, kind, pinned in self.page.ask(LOOKS % moment)}
        frames = listed(moment)
        self.assertGreater(len(frames), 20000)
        self.assertEqual({mfn: (uses, refs) for mfn, uses, refs in shown},
                         {mfn: (uses, refs) for mfn, (_, _, uses, _, refs) in frames.items()})
        self.assertEqual(looks, {mfn: (owner, kind, pinned) for mfn, (owner, kind, _, pinned, _) in frames.items()})

    def test_times(self):
        """And after other operations."""
        for operation in (10000, 26000, 61234):
            frames = listed(operation)
            looks = {mfn: (owner, kind, pinned) for mfn, owner, kind, pinned in self.page.ask(LOOKS % operation)}
            self.assertGreater(len(frames), 9000)
            self.assertEqual(looks, {mfn: (owner, kind, pinned) for mfn, (owner, kind, _, pinned, _) in frames.items()})

    def test_legend(self):
        """What is counted is all RAM; colours by owner count the same frames."""
        for by in ('type', 'owner'):
            self.page.ask(f'(one => {{ one.value = {by!r}; one.dispatchEvent(new Event("change")); }})'
                          f'(document.getElementById("colour"))')
            counts = self.page.ask('[...document.querySelectorAll("#legend b")].map(one => Number(one.textContent))')
            self.assertEqual(sum(counts), self.page.ask('map.data.ram.length'))
        self.assertIn('domain 1: ', self.page.text('#legend'))
        self.page.ask('(one => { one.value = "type"; one.dispatchEvent(new Event("change")); })'
                      '(document.getElementById("colour"))')
        self.assertIn('L4 tables: ', self.page.text('#legend'))

    def test_search(self):
        """A page by its pfn, a frame by its mfn, and what is neither."""
        self.page.type('#wanted', 'pfn 20')
        self.page.press('Enter')
        mfn = self.page.ask('map.data.byPfn.get(0x20)')
        self.assertEqual(self.page.ask('map.selected'), mfn)
        self.assertEqual(self.page.text('#details h2'), f'Frame {mfn:x}')
        self.assertIn("page 20.", self.page.text('#details'))
        self.assertGreater(self.page.ask('map.picture.scale'), 30)
        self.page.picture(f'{SHOTS}/near.png')
        for words, said in (('fffffff', 'there is no frame fffffff'), ('pfn fffffff', 'there is no page fffffff'),
                            ('what', 'a hexadecimal number: 1f4, or pfn 20')):
            self.page.type('#wanted', words)
            self.page.click('#search button')
            self.assertEqual(self.page.text('#found'), said)

    def test_picture(self):
        """A click chooses the frame under it; the wheel comes closer, a drag moves; arrows and plus do so too."""
        place = self.page.ask('(box => [box.left + box.width * 0.6, box.top + box.height * 0.55])'
                              '(document.getElementById("picture").getBoundingClientRect())')
        under = self.page.ask(f'map.picture.frameAt({{clientX: {place[0]}, clientY: {place[1]}}})')
        for kind in ('mousePressed', 'mouseReleased'):
            self.page.call('Input.dispatchMouseEvent', type=kind, x=place[0], y=place[1], button='left', clickCount=1)
        self.assertEqual(self.page.ask('map.selected'), under)
        scale = self.page.ask('map.picture.scale')
        self.page.call('Input.dispatchMouseEvent', type='mouseWheel', x=place[0], y=place[1], deltaX=0, deltaY=-900)
        self.page.until(f'map.picture.scale > {scale * 2}')
        self.assertEqual(self.page.ask(f'map.picture.frameAt({{clientX: {place[0]}, clientY: {place[1]}}})'), under)
        x = self.page.ask('map.picture.x')
        self.page.call('Input.dispatchMouseEvent', type='mousePressed', x=place[0], y=place[1], button='left')
        self.page.call('Input.dispatchMouseEvent', type='mouseMoved', x=place[0] - 60, y=place[1], button='left')
        self.page.call('Input.dispatchMouseEvent', type='mouseReleased', x=place[0] - 60, y=place[1], button='left')
        self.assertEqual((self.page.ask('map.picture.x'), self.page.ask('map.selected')), (x - 60, under))
        self.page.ask('document.getElementById("picture").focus()')
        self.page.press('ArrowRight')
        self.assertEqual(self.page.ask('map.picture.placeOf.get(map.selected)'),
                         self.page.ask(f'map.picture.placeOf.get({under})') + 1)
        self.page.press('0', text='0')
        self.assertEqual(self.page.ask('map.picture.scale'), scale)

    def test_time(self):
        """The slider and the diagram go to another time, and what is shown of a frame follows."""
        root = self.page.ask('map.data.roots[0].mfn')
        self.page.ask(f'map.choose({root})')
        self.assertIn('L4, pinned', self.page.text('#now'))
        self.page.click('#life li:nth-child(2) [data-time]')
        self.assertIn('no type', self.page.text('#now'))
        time = self.page.ask('map.time')
        self.page.ask('document.getElementById("time").focus()')
        self.page.press('ArrowRight')
        self.assertEqual(self.page.ask('map.time'), time + 1)
        place = self.page.ask('(box => [box.left + box.width / 2, box.top + 40])'
                              '(document.querySelector("#timeline svg").getBoundingClientRect())')
        for kind in ('mousePressed', 'mouseReleased'):
            self.page.call('Input.dispatchMouseEvent', type=kind, x=place[0], y=place[1], button='left', clickCount=1)
        self.assertAlmostEqual(self.page.ask('map.time / map.data.operations'), 0.48, delta=0.05)

    def test_tree(self):
        """From the root down to a page, by clicks; each entry leads to where a table at the moment has it lead."""
        self.page.ask('map.openTree(map.data.roots[0].mfn)')
        for level in (3, 2, 1):
            self.page.ask(f'document.querySelector("#tree g .l{level}").parentNode.setAttribute("id", "level-{level}")')
            self.page.click(f'#level-{level} text')
            self.assertEqual(self.page.ask('map.data.atMoment.get(map.selected).level'), level)
        self.assertTrue(self.page.ask('document.querySelectorAll("#tree .page").length > 0'))
        self.assertTrue(self.page.ask('''(function below(node) { return [...node.children?.values() ?? []].every(child =>
            frameIn(map.data.atMoment.get(node.mfn).entries.find(([slot]) => slot === child.slot)[1]) === child.mfn &&
            below(child)); })(map.tree.root)'''))
        self.page.picture(f'{SHOTS}/tree.png')

    def test_svg(self):
        """As SVG: as large as all frames, no more colours than there are kinds, cells that make up all RAM."""
        root = xml.etree.ElementTree.fromstring(self.page.ask('map.picture.svg()'))
        cells = [one.attrib for one in root.iter('{http://www.w3.org/2000/svg}rect')][1:]
        self.assertEqual(sum(int(one['width']) * int(one['height']) for one in cells) / 16,
                         self.page.ask('map.data.ram.length'))
        self.assertLessEqual(len({one['fill'] for one in cells}), 9)
        self.assertGreater(len({one['fill'] for one in cells}), 5)

    def test_saved(self):
        """The buttons save files of their names and kinds."""
        with tempfile.TemporaryDirectory() as directory:
            self.page.call('Page.setDownloadBehavior', behavior='allow', downloadPath=directory)
            for name, begin in (('png', b'\x89PNG'), ('svg', b'<svg xmlns=')):
                self.page.click(f'#{name}')
                path = os.path.join(directory, f'map.{name}')
                self.page.wait(lambda path=path: os.path.exists(path) and os.path.getsize(path))
                with open(path, 'rb') as file:
                    self.assertTrue(file.read().startswith(begin))

    def test_widths(self):
        """On a phone and on a desk nothing is wider than the page, and all can be read, light and dark."""
        for scheme in ('light', 'dark'):
            for width in (PHONE, DESK):
                self.page.media(scheme=scheme)
                self.page.width(width)
                self.assertLessEqual(self.page.ask('document.scrollingElement.scrollWidth'), width)
                ratio, where = self.page.ask(CONTRAST)
                self.assertGreaterEqual(ratio, 4.5, where)
                self.page.picture(f'{SHOTS}/{scheme}-{width}.png')

    def test_names(self):
        nameless = self.page.ask('''[...document.querySelectorAll('button, input, select, section, canvas, svg')]
            .filter(one => !(one.getAttribute('aria-label') || one.getAttribute('aria-labelledby') ||
                one.textContent.trim() || one.labels?.length)).map(one => one.outerHTML)''')
        self.assertEqual(nameless, [])

    def test_alone(self):
        """It is one file, which fetches nothing, and has the licence of the library that is in it."""
        with open(PAGE, encoding='utf-8') as file:
            page = re.sub(r"const DATA = '[^']*'", '', file.read())
        self.assertEqual(re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', page), [])
        self.assertEqual(set(re.findall(r'https?://[^/"\']*', page)), {'http://www.w3.org'})
        with open('map/library/LICENSE', encoding='utf-8') as file:
            self.assertIn(file.read(), page)


class Command(unittest.TestCase):
    def test_run(self):
        """`run --map`: a page of that run, and no recording is left."""
        with tempfile.TemporaryDirectory() as directory, Page() as page:
            path = os.path.join(directory, 'demo.html')
            ran = paravane('run', '--memory', '16M', '--timeout', '120', '--map', path, '--demo')
            self.assertEqual(ran.returncode, 0, ran.stderr)
            self.assertEqual(os.listdir(directory), ['demo.html'])
            page.open(path, ready=READY)
            self.assertGreater(page.ask('map.data.atMoment.size'), 3000)
            self.assertEqual(page.ask('typeOf(map.look[map.data.roots[0].mfn])'), 'L4')
            self.assertEqual(page.said, [])

    def test_stop(self):
        """--stop-at: the moment is that one, also where a domain is being taken down by then."""
        with tempfile.TemporaryDirectory() as directory, Page() as page:
            path = os.path.join(directory, 'early.html')
            for operation in (1500, 2162):
                made = paravane('map', path, '--from', 'tests/recordings/demo.xz', '--stop-at', str(operation))
                self.assertEqual(made.returncode, 0, made.stderr)
                page.open(path, ready=READY)
                self.assertEqual(page.ask('[map.data.moment, map.data.operations]'), [operation, operation])

    def test_wrong(self):
        """What is missing is told, and nothing is written."""
        for arguments, status, words in (
                (['map'], 2, 'which page shall be made'), (['map', 'a.html'], 2, 'of which recording'),
                (['map', 'a.html', 'b.rec'], 2, 'one page at a time; b.rec'),
                (['map', 'a.html', '--from', 'b.rec', '--stop-at', '0'], 2, 'not a number from 1 on'),
                (['map', '/nowhere/a.html', '--from', 'tests/recordings/demo.xz'], 1, '/nowhere/a.html: No such file'),
                (['map', '/tmp/a.html', '--from', '/nowhere/b.rec'], 1, '/nowhere/b.rec'),
                (['run', '--map', 'a.html', '--trace', '--demo'], 2, '--map and --trace: one at a time')):
            ran = paravane(*arguments)
            self.assertEqual(ran.returncode, status, (arguments, ran.stderr))
            self.assertIn(words, ran.stderr)

    def test_hostile(self):
        """A recording that is cut off makes no page."""
        with tempfile.TemporaryDirectory() as directory:
            cut, page = os.path.join(directory, 'cut.xz'), os.path.join(directory, 'cut.html')
            self.assertEqual(subprocess.run(['/usr/bin/python3', '-B', 'tests/recordings/alter.py',
                                             'tests/recordings/demo.xz', cut, 'cut'], check=False).returncode, 0)
            ran = paravane('map', page, '--from', cut)
            self.assertNotEqual(ran.returncode, 0)
            self.assertFalse(os.path.exists(page))


if __name__ == '__main__':
    run_named(sys.modules[__name__], sys.argv)
