#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One page of the module and of what is in playground/page: bundle.py MODULE PAGE."""

import base64
import os
import re
import sys

PARTS = os.path.join(os.path.dirname(__file__), 'page')
# In the order in which they need each other.
SCRIPTS = ('machine', 'entries', 'operations', 'lessons', 'elements', 'tiles', 'inspector', 'panel', 'lesson', 'main')


def read(name):
    with open(os.path.join(PARTS, name), encoding='utf-8') as file:
        return file.read()


def bundle(module):
    """The page as text."""
    parts = {'/*{{style}}*/': read('style.css'), '/*{{script}}*/': '\n'.join(read(f'{name}.js') for name in SCRIPTS),
             '{{module}}': base64.b64encode(module).decode()}
    for name, text in parts.items():
        if re.search(r'</(script|style)', text):
            raise SystemExit(f'{name}: would end the element that it stands in')
    # All at once: what one part holds is not looked at for the name of another.
    return re.sub('|'.join(map(re.escape, parts)), lambda match: parts[match.group()], read('page.html'))


def main(source, target):
    unused = {name for name in os.listdir(PARTS) if name[0] != '.'} - {'page.html', 'style.css'} - {f'{name}.js' for name in SCRIPTS}
    if unused:
        raise SystemExit(f'{PARTS}: part of no page: {", ".join(sorted(unused))}')
    with open(source, 'rb') as file:
        page = bundle(file.read())
    with open(target, 'w', encoding='utf-8') as file:
        file.write(page)


if __name__ == '__main__':
    main(*sys.argv[1:])
