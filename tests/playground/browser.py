# SPDX-License-Identifier: MIT
"""A page of ours in Chromium, with a mouse and a keyboard that are pressed; and a run of tests about it."""

import base64
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '../docs'))

from chromium import Chromium, Failed  # noqa: E402

LIMIT = 20

# Where the middle of an element is, once it can be seen; null: there is none, or something lies over it.
MIDDLE = '''(() => { const one = document.querySelector(%r); if (!one) return null;
    one.scrollIntoView({block: 'center'}); const box = one.getBoundingClientRect();
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    return one.contains(document.elementFromPoint(x, y)) ? [x, y] : null; })()'''


class Page(Chromium):
    """Chromium, and what a person does there."""

    def open(self, path, anchor='', ready='true'):
        """Load a file anew, and wait for what says that it is @ready."""
        self.show('about:blank')
        self.show(f'file://{os.path.abspath(path)}{anchor}')
        self.until(ready)

    def until(self, condition):
        """Wait for an expression to become true."""
        self.wait(lambda: self.ask(f'!!({condition})'), condition)

    def wait(self, is_so, what='what was waited for'):
        """Wait for something that the page does elsewhere."""
        end = time.monotonic() + LIMIT
        while not is_so():
            if time.monotonic() > end:
                raise Failed(f'never so: {what}')
            time.sleep(0.02)

    def click(self, selector):
        place = self.ask(MIDDLE % selector)
        if not place:
            raise Failed(f'{selector}: not there, or nothing that can be clicked')
        for kind in ('mousePressed', 'mouseReleased'):
            self.call('Input.dispatchMouseEvent', type=kind, x=place[0], y=place[1], button='left', clickCount=1)

    def press(self, key, code=None, text=None, modifiers=0):
        """A key by its name, as DOM events have it."""
        codes = {'Tab': 9, 'Enter': 13, 'ArrowLeft': 37, 'ArrowUp': 38, 'ArrowRight': 39, 'ArrowDown': 40}
        common = {'key': key, 'code': code or key, 'windowsVirtualKeyCode': codes.get(key, ord(key[0].upper())),
                  'modifiers': modifiers}
        if text or key == 'Enter':
            common['text'] = text or '\r'
        self.call('Input.dispatchKeyEvent', type='keyDown', **common)
        self.call('Input.dispatchKeyEvent', type='keyUp', **{k: v for k, v in common.items() if k != 'text'})

    def type(self, selector, text):
        """Put a text in the place of what stands in a field."""
        self.click(selector)
        self.ask(f'document.querySelector({selector!r}).select()')
        self.call('Input.insertText', text=text)

    def text(self, selector):
        return self.ask(f'document.querySelector({selector!r})?.textContent ?? ""')

    def picture(self, path, tallest=4000):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        width = self.ask('document.documentElement.clientWidth')
        self.width(width, min(tallest, self.ask('document.scrollingElement.scrollHeight')))
        with open(path, 'wb') as file:
            file.write(base64.b64decode(self.call('Page.captureScreenshot')['data']))
        self.width(width)


def run_named(module, arguments):
    """The tests of a module that are named, without `test_`, or all; the last line counts, and then it is the end."""
    names = arguments[1:]
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    tests = [test for group in suite for test in group if not names or
             test.id().rpartition('.')[2].removeprefix('test_') in names]
    if not tests or len(tests) < len(names):
        sys.exit(f'{arguments[0]}: no such test among {" ".join(names)}')
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(unittest.TestSuite(tests))
    bad = len(result.failures) + len(result.errors)
    print(f'{result.testsRun - bad} passed, {bad} failed')
    sys.exit(1 if bad else 0)
