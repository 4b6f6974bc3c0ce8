#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The playground, as somebody uses it who has only a browser."""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))

from browser import Page, run_named  # noqa: E402
from screens import CONTRAST  # noqa: E402  (tests/docs)

PAGE = 'build/playground/playground.html'
SHOTS = 'build/playground/shots'
READY = 'window.playground?.state && document.querySelector("#lesson-title")'
DESK, PHONE = 1500, 390

UNUSED = ('writable', 0, False)
# What each lesson's pages are to be at its end: (type, uses, pinned), by what the ABI says and not by the page.
ENDS = {
    1: {'a': UNUSED},
    2: {'a': ('L1', 1, True)},
    3: {'a': ('L1', 1, True), 'b': ('writable', 2, False)},
    4: {'a': ('writable', 2, False)},
    5: {'a': ('L4', 1, True), 'b': ('L3', 1, False), 'c': ('L2', 1, False), 'd': ('L1', 1, False)},
    6: {'a': ('L4', 1, True), 'b': ('L3', 1, False)},
    7: {'a': ('L4', 1, True), 'c': ('L2', 1, False)},
    8: {'a': ('L1', 1, True), 'b': ('writable', 2, False)},
    9: {'a': ('L4', 0, False), 'b': ('L3', 0, False), 'c': ('L2', 0, False), 'd': ('writable', 1, False)},
    10: {'a': ('descriptors', 1, False)},
}
# What is refused on the way, in order.
REFUSED = {
    1: [], 2: ['TYPE_CONFLICT', 'ALREADY_PINNED'], 3: ['TYPE_CONFLICT', 'SELF_MAP'], 4: ['NOT_OWNED'],
    5: ['TYPE_CONFLICT'], 6: ['HYPERVISOR_SLOT'], 7: ['SELF_MAP', 'TYPE_CONFLICT'], 8: [],
    9: ['TYPE_CONFLICT', 'NOT_PINNED'], 10: ['TYPE_CONFLICT', 'DESCRIPTOR'],
}

FRAMES = 'playground.state.frames.map(one => [one.mfn, one.owner, one.type, one.count, one.pinned, one.pfn])'

# So many calls at random, of every kind, from a seed; after each all counts are counted anew.
AT_RANDOM = '''(() => { let seed = 12345, refused = 0, done = 0;
    const next = n => (seed = (seed * 1103515245 + 12345) %% 2147483648, Math.floor(seed / 65536) %% n);
    const flags = () => [next(8) ? 'P' : '', next(2) ? 'RW' : '', next(2) ? 'US' : '', 'A', next(8) ? '' : 'PSE',
        next(9) ? '' : 'PCD'].filter(flag => flag);
    const machine = playground.machine, state = machine.state(), top = state.narrow ? 3 : 4;
    const frame = () => next(state.frames.length + 4), commands = ['UNPIN_TABLE', 'NEW_BASEPTR', 'NEW_USER_BASEPTR',
        'CLEAR_PAGE', 'PIN_L1_TABLE', 'PIN_L2_TABLE', 'PIN_L3_TABLE', 'PIN_L4_TABLE'];
    const address = () => next(3) ? state.address(next(state.pages + 2)) + BigInt(8 * next(5)) :
        state.window + 4096n * BigInt(next(4));
    const makers = [
        () => OPS.map(address(), frame(), flags(), FLUSHES[next(3)][0]),
        () => OPS.entry(frame(), next(3) ? next(4) : next(512), frame(), flags()),
        () => OPS.extended(commands[next(commands.length)], frame()), () => OPS.gdt(frame(), next(513)),
        () => OPS.descriptor(frame(), next(512), [0n, 0x00cff3000000ffffn, 0x0000890000000067n][next(3)]),
        () => OPS.store(address(), entryOf(frame(), flags())), () => OPS.load(address()), () => OPS.invlpg(address()),
        () => OPS.memory(['decrease_reservation', 'populate_physmap', 'exchange'][next(3)], next(state.pages)),
    ];
    const first = machine.remember();
    for (let i = 0; i < %d; i++) {
        const outcome = playground.attempt(makers[next(makers.length)]());
        const now = machine.state();
        if (now.broken) return [i, now.broken];
        refused += outcome.ok ? 0 : 1; done += outcome.ok ? 1 : 0;
        if (!now.alive || i %% 200 === 199) machine.restore(first);
    } return [done, refused]; })()'''


class Playground(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.page = Page()
        cls.page.width(DESK)

    @classmethod
    def tearDownClass(cls):
        cls.page.__exit__()

    def setUp(self):
        self.page.said.clear()
        self.page.media()
        self.page.width(DESK)

    def tearDown(self):
        self.assertEqual(self.page.said, [], 'Chromium has something to say')

    def begin(self, anchor='#lesson-1'):
        self.page.open(PAGE, anchor, READY)
        self.page.ask('localStorage.clear()')

    def letter(self, letter):
        """(type, uses, pinned) of a page of the lesson that is under way."""
        values = self.page.ask(f'(one => [one.type, one.count, one.pinned])(playground.state.frame('
                               f'playground.lesson.frames.{letter}))')
        return tuple(values)

    def reasons(self):
        return self.page.ask('playground.log.map(one => one.reason).filter(one => one).reverse()')

    def all_is_well(self):
        self.assertEqual(self.page.ask('[playground.state.broken, playground.state.alive]'), ['', True])
        self.assertEqual(self.page.ask('document.querySelector("#status").className'), 'good')


class Lessons(Playground):
    """Each lesson: what is shown is done, step by step, with the mouse."""

    def step(self, number):
        """Do step @number; it is the one under way before, and done after."""
        mark = f'document.querySelector("[data-step=\\"{number}\\"]").className'
        self.assertEqual(self.page.ask(mark), 'now')
        select = self.page.ask(f'!!playground.lesson.steps[{number}].select')
        self.page.click('#show')
        if not select:
            self.page.click('#call')
        self.assertEqual(self.page.ask(mark), 'done', self.page.text('#answer'))

    def lesson(self, number):
        self.begin('#free')
        self.page.click(f'[data-lesson="{number - 1}"]')
        self.page.until(f'playground.lesson.number === {number - 1}')
        for step in range(self.page.ask('playground.lesson.steps.length')):
            self.step(step)
            self.all_is_well()
        self.assertEqual({letter: self.letter(letter) for letter in ENDS[number]}, ENDS[number])
        self.assertEqual(self.reasons(), REFUSED[number])
        self.assertEqual(self.page.ask(f'document.querySelector(\'[data-lesson="{number - 1}"]\').className'), 'done')
        self.page.picture(f'{SHOTS}/lesson-{number}.png')

    def test_root(self):
        """The kernel that forgets its own mapping is told, and gets it back."""
        self.begin('#lesson-6')
        self.page.ask('playground.perform(OPS.extended("NEW_BASEPTR", playground.lesson.frames.a))')
        self.assertIn('no longer maps itself', self.page.text('#status'))
        self.page.click('#undo')
        self.all_is_well()


for _number in ENDS:
    setattr(Lessons, f'test_lesson_{_number}', lambda self, number=_number: self.lesson(number))


class Use(Playground):
    def test_words(self):
        """A refusal is explained in the words of --explain: those of the hypervisor's own source."""
        self.begin('#lesson-2')
        self.page.click('#show')
        self.page.click('#call')
        self.assertEqual(self.page.text('#verdict'), '✗ -EINVAL TYPE_CONFLICT')
        with open('hv/domain/explain_mistake.c', encoding='utf-8') as file:
            words = re.sub(r'"\s+"', '', file.read())
        advice = self.page.text('.advice').removeprefix('What to do: ')
        self.assertIn(advice, words)
        self.assertIn('in use by: slot 22 of the L1 table', self.page.text('.facts'))
        self.page.click('.facts [data-frame]')
        self.assertRegex(self.page.text('#inspector h2'), '^Frame [0-9a-f]+, page [0-9a-f]+')

    def test_origin(self):
        """Which call made a table of the frame that stands in the way: one's own by its number; the first ones none."""
        self.begin('#free')
        change = ('playground.perform(OPS.map(playground.state.address(playground.state.frame(51).pfn), 51, [{}], '
                  '"UVMF_INVLPG"))')
        self.page.ask(change.format('"P"'))
        self.page.ask('playground.perform(OPS.extended("PIN_L1_TABLE", 51))')
        self.page.ask(change.format('"P", "RW"'))
        self.assertEqual(self.page.text('#verdict'), '✗ -EBUSY TYPE_CONFLICT')
        self.assertIn('became an L1 table by mmuext_op MMUEXT_PIN_L1_TABLE, call 2 of vCPU 0', self.page.text('.facts'))
        self.page.ask('playground.perform(OPS.extended("PIN_L4_TABLE", playground.state.cr3))')
        self.assertIn('became an L4 table when the domain was built', self.page.text('.facts'))

    def test_panel(self):
        """Fields are typed in; what is no number is not sent; bits and flags follow each other."""
        self.begin('#free')
        self.page.type('#field-entry', 'nonsense')
        self.assertTrue(self.page.ask('document.querySelector("#call").disabled'))
        self.page.type('#field-entry', '0000000000022021')
        self.assertEqual(self.page.ask('["P", "RW", "A", "PSE"].map(name => document.getElementById('
                                       '`part-entry-${name}`).checked)'), [True, False, True, False])
        self.page.click('#part-entry-RW')
        self.assertEqual(self.page.ask('document.getElementById("field-entry").value'), '0000000000022023')
        self.assertIn('0x22023, UVMF_INVLPG)', self.page.text('#written'))
        self.page.type('#part-entry-frame', '33')
        self.page.click('#call')
        self.assertEqual(self.page.text('#verdict'), '✓ 0')
        self.assertEqual(self.page.ask('playground.state.frame(0x33).count'), 2)
        self.assertIn('frame 33: W ×1 → W ×2', self.page.text('#answer'))

    def test_actions(self):
        """The buttons beside a frame make their calls."""
        self.begin('#free')
        self.page.click('.tile[data-frame="51"]')
        for words in ('Map read-only', 'Pin as L2', 'Unpin', 'Map writable', 'Give back'):
            self.page.ask(f'[...document.querySelectorAll(".actions button")].find(one => one.textContent === '
                          f'{words!r}).setAttribute("id", "wanted")')
            self.page.click('#wanted')
            self.assertIn('✓', self.page.text('#verdict'), words)
        self.assertEqual(self.page.ask('document.querySelectorAll("#log li").length'), 5)
        self.all_is_well()

    def test_undo(self):
        """Back to the beginning, state by state; a step of the lesson is taken back with its call."""
        self.begin('#lesson-5')
        states = [self.page.ask(FRAMES)]
        for _ in range(3):
            self.page.click('#show')
            self.page.click('#call')
            states.append(self.page.ask(FRAMES))
        self.assertNotEqual(states[2], states[3])
        for before in reversed(states[:-1]):
            self.page.click('#undo')
            self.assertEqual(self.page.ask(FRAMES), before)
        self.assertEqual(self.page.ask('playground.lesson.step'), 0)
        self.assertTrue(self.page.ask('document.querySelector("#undo").disabled'))

    def test_keyboard(self):
        """From tile to tile by arrows, one of them by Tab; Enter chooses, and the focus stays where it was."""
        self.begin('#free')
        self.page.ask('document.querySelector(".tile[tabindex=\\"0\\"]").focus()')
        self.assertEqual(self.page.ask('document.querySelectorAll(".tile[tabindex=\\"0\\"]").length'), 1)
        seen = []
        for key in ('ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowUp'):
            self.page.press(key)
            seen.append(self.page.ask('document.activeElement.dataset.frame'))
        self.assertEqual(len(set(seen)), 4)
        self.page.press('ArrowDown')
        self.page.press('Enter')
        self.assertEqual(self.page.ask('document.activeElement.dataset.frame'), str(self.page.ask('playground.selected')))

    def test_names(self):
        """Whatever can be used has a name for those who do not see it."""
        self.begin('#lesson-3')
        nameless = self.page.ask('''[...document.querySelectorAll('button, input, select, section, [role=group]')]
            .filter(one => !(one.getAttribute('aria-label') || one.getAttribute('aria-labelledby') ||
                one.textContent.trim() || one.labels?.length || one.id === 'inspector')).map(one => one.outerHTML)''')
        self.assertEqual(nameless, [])
        self.assertEqual(self.page.ask('[...document.querySelectorAll("[id]")].map(one => one.id).filter((id, i, all) =>'
                                       ' all.indexOf(id) !== i)'), [])

    def test_widths(self):
        """On a phone and on a desk nothing is wider than the page, and all can be read, light and dark."""
        for scheme in ('light', 'dark'):
            for width in (PHONE, DESK):
                self.page.media(scheme=scheme)
                self.page.width(width)
                self.begin('#lesson-8')
                for _ in range(2):
                    self.page.click('#show')
                    self.page.click('#call')
                self.assertLessEqual(self.page.ask('document.scrollingElement.scrollWidth'), width)
                ratio, where = self.page.ask(CONTRAST)
                self.assertGreaterEqual(ratio, 4.5, where)
                self.page.picture(f'{SHOTS}/{scheme}-{width}.png')

    def test_alone(self):
        """It is one file, which fetches nothing."""
        with open(PAGE, encoding='utf-8') as file:
            page = file.read()
        self.assertEqual(re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', page), [])
        self.assertNotRegex(page, r'https?://')
        self.assertNotIn('{{', re.sub(r'\$\{\{', '', page.split('<body>')[0]))


class Engine(Playground):
    """The engine is the same, in a module whose pointers are of 32 bits."""

    def random(self):
        done, refused = self.page.ask(AT_RANDOM % 4000)
        self.assertNotIsInstance(refused, str)
        self.assertGreater(done, 400)
        self.assertGreater(refused, 400)

    def test_random(self):
        self.begin('#free')
        self.random()

    def test_random_narrow(self):
        """A guest of 32 bits, and linear tables, as the free play offers them."""
        self.begin('#free')
        for option in ('narrow', 'linear'):
            before = self.page.ask('(window.before = playground.machine, true)')
            self.assertTrue(before)
            self.page.click(f'#{option}')
            self.page.until('playground.machine !== window.before')
        self.assertEqual(self.page.ask('[playground.state.narrow, playground.state.frame(playground.state.cr3).type]'),
                         [True, 'L3'])
        self.random()


if __name__ == '__main__':
    run_named(sys.modules[__name__], sys.argv)
