# SPDX-License-Identifier: MIT
"""The start of day: the elements of a guest's first region by the rules of abi/layout.h, and in a boot that was logged."""

import re
from html import escape

from figures import PAGE, address, size_text
from svg import Svg

# What the log of the boot says, in this order: the hypervisor's line, and the lines of the guest, "first-last  N pages".
BUILT = re.compile(r'domain 1 \((?P<name>[^)]*)\): (?P<kib>\d+) KiB in \d+ frames; .*'
                   r'tables: 1 L4, \d+ L3, \d+ L2, (?P<l1>\d+) L1')
LINE = re.compile(r'^ +([0-9a-f]{16})-([0-9a-f]{16}) +\d+ pages  (.*)$')
RAMDISK = re.compile(r'ramdisk at pfn ([0-9a-f]+)-([0-9a-f]+)')
ELEMENTS = {'kernel image': 2, 'P2M': 4, 'start_info': 5, 'page tables': 8, 'boot stack': 9}
REGION = 'all pages'


class LogError(Exception):
    pass


def rules(header):
    """The numbered elements of the text of abi/layout.h: {number: text}."""
    found, number = {}, None
    for line in header[header.index('startofday'):].splitlines():
        text = re.match(r'^ \* ` {3,}(?:(\d+)\. )?(\S.*)$', line)
        if not text or (found and not text[1] and number is None):
            number = None
            if found:
                break
            continue
        if text[1]:
            number = int(text[1])
            found[number] = text[2]
        elif number:
            found[number] += ' ' + text[2]
    return {number: re.sub(r' *\{[^}]*\}', '', text) for number, text in found.items()}


def read(log):
    """Of a boot's log: {element: (first pfn, number of pages)}, the base address, the hypervisor's line."""
    built = next((line for line in log.splitlines() if BUILT.search(line)), None)
    if not built:
        raise LogError('the log of the boot has no line of the hypervisor\'s about domain 1')
    places = {}
    for line in log.splitlines():
        at = LINE.match(line)
        name = next((name for name in [REGION, *ELEMENTS] if at and at[3].startswith(name)), None)
        if name:
            places[name] = (int(at[1], 16), (int(at[2], 16) + 1 - int(at[1], 16) + PAGE - 1) // PAGE)
    missing = [name for name in [REGION, *ELEMENTS] if name not in places]
    if missing:
        raise LogError(f'the log of the boot does not say where these are: {", ".join(missing)}')
    base = places[REGION][0]
    found = {number: ((places[name][0] - base) // PAGE, places[name][1]) for name, number in ELEMENTS.items()}
    ramdisk = RAMDISK.search(built)
    if ramdisk:
        first, last = (int(pfn, 16) for pfn in ramdisk.groups())
        found[3] = (first, last - first + 1)
    return complete(found, int(BUILT.search(built)['l1'])), base, built


def complete(found, l1_tables):
    """The elements between those that the guest names: before the image, the two rings, what is free behind the stack."""
    rings = found[5][0] + 1
    end = found[9][0] + 1
    if found[8][0] - rings != 2:
        raise LogError(f'{found[8][0] - rings} pages between start_info and the tables, and not the two rings')
    found.update({1: (0, found[2][0]), 6: (rings, 1), 7: (rings + 1, 1), 10: (end, l1_tables * 512 - end)})
    return dict(sorted(found.items()))


NAMES = {1: 'before the image', 2: 'kernel image', 3: 'ramdisk', 4: 'P2M', 5: 'start_info', 6: 'xenstore ring', 7: 'console ring',
         8: 'page tables', 9: 'boot stack', 10: 'free, and mapped'}
OWNERS = {8: 'readable', 1: 'nobody', 10: 'plain'}


def draw(found, base):
    """The region to scale, and beside it the elements from start_info on, larger."""
    total = sum(found[10])
    top, height, row = 22, 420, 15
    small = (top + found[5][0] / total * height, top + found[10][0] / total * height)
    svg = Svg(top + height + 26, 'The first region of a guest, as it was built',
              'Left: all of it to scale, by pages. Right: its small parts, from start_info to the boot stack, by pages.')
    svg.text(0, 12, f'{total} pages', bold=True)
    for number, (first, pages) in found.items():
        y, tall = top + first / total * height, pages / total * height
        svg.box(0, y, 64, tall, OWNERS.get(number, 'guest'), describe(number, first, pages, base))
        if tall > 12:
            svg.text(4, y + min(tall / 2 + 4, 60), f'{number}')
            svg.text(68, y + min(tall / 2 + 4, 60), NAMES[number])
    # On a level with the small parts, so that the lines to them cross no text.
    svg.text(190, small[0] - 8, 'small parts, larger', bold=True)
    y = small[0]
    for number in range(5, 10):
        first, pages = found[number]
        tall = pages * row
        svg.box(190, y, 30, tall, OWNERS.get(number, 'guest'), describe(number, first, pages, base))
        svg.text(226, y + tall / 2 + 4, f'{number} {NAMES[number]}')
        y += tall
    for small_y, large_y in zip(small, (small[0], y)):
        svg.line((64, small_y), (190, large_y), dashed=True)
    svg.text(0, top + height + 16, 'to scale; yellow: the guest cannot write it')
    return svg.html()


def describe(number, first, pages, base):
    return f'{number} {NAMES[number]}: pfn 0x{first:x} at 0x{base + first * PAGE:x}, {size_text(pages * PAGE)}'


def table(found, base, texts):
    rows = []
    for number, text in sorted(texts.items()):
        first, pages = found.get(number, (0, 0))
        here = (f'pfn <code>{first:x}</code>, {pages} {"page" if pages == 1 else "pages"}<br>'
                f'{address(base + first * PAGE)}' if pages else 'not in this boot')
        rows.append(f'<tr><th scope="row">{number}</th><td>{escape(text)}</td><td>{here}</td></tr>\n')
    return ('<div class="wide" style="overflow-x:auto"><table class="rows">\n<tr><th></th><th>by the rule</th><th>in this '
            f'boot</th></tr>\n{"".join(rows)}</table></div>\n')


def page(header, log):
    """The page: HTML.  @header: the text of abi/layout.h; @log: of the boot, tests/docs/start-of-day.log."""
    texts = rules(header)
    found, base, built = read(log)
    strange = [number for number in found if number not in texts]
    if strange:
        raise LogError(f'abi/layout.h has no element {strange[0]}')
    return ('<p>What a guest finds around it at its first instruction: the elements of the rule, and beside them where '
            'they were in one boot, of the guest that comes with Paravane. A test boots it again and compares.</p>\n' +
            draw(found, base) + table(found, base, texts) +
            f'<p>What the hypervisor said of it:</p>\n<pre>{escape(built)}</pre>\n'
            '<p>Between start_info and the tables are the two rings; what the guest does not name itself follows from the '
            'number of its L1 tables, each of which maps 512 pages.</p>\n')
