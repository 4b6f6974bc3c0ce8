# SPDX-License-Identifier: MIT
"""The pages that are made of the code's own tables, for the generator: read tables.json, list the pages.

    tables = codetables.load('build/tables/tables.json')
    for page in codetables.pages(tables, root):      # root: of the source tree
        page.name, page.title, page.summary, page.html

The HTML is what stands below a page's title; its headings are h2 and h3.
"""

import json
import os
from collections import namedtuple

import decoder
import figures
import startofday
import typeword

Page = namedtuple('Page', 'name title summary html')

LOG = 'tests/docs/start-of-day.log'


def load(path):
    with open(path, encoding='utf-8') as file:
        return json.load(file)


def read(root, name):
    with open(os.path.join(root, name), encoding='utf-8') as file:
        return file.read()


def pages(tables, root, reason=decoder.code):
    """All of them.  @reason makes HTML of the name of a refusal reason."""
    return [
        Page('entry-decoder', 'The entry decoder', 'every bit of a page-table entry, by level and width; the PAT',
             decoder.page(tables, reason)),
        Page('address-spaces', 'Both address spaces', 'what is where, to scale', figures.address_spaces(tables)),
        Page('start-of-day', 'The start of day', 'what a guest finds around it, by the rules and in one boot',
             startofday.page(read(root, 'abi/layout.h'), read(root, LOG))),
        Page('type-word', 'The type word', 'the states of a machine frame, and what leads from one to another',
             typeword.page(tables)),
    ]
