# SPDX-License-Identifier: MIT
"""Both address spaces, to scale.  Their numbers are those of tables.json."""

from html import escape

from svg import Svg

PAGE = 4096
UNITS = ((1 << 60, 'EiB'), (1 << 50, 'PiB'), (1 << 40, 'TiB'), (1 << 30, 'GiB'), (1 << 20, 'MiB'), (1 << 10, 'KiB'))


def size_text(size):
    for unit, name in UNITS:
        if size >= unit:
            return f'{size / unit:.4g} {name}'
    return f'{size} bytes'


def address(number, digits=16):
    """An address in a table, in one line: tables scroll where they are too wide."""
    return f'<code style="white-space:nowrap">0x{number:0{digits}x}</code>'


class Region:
    """One row of a list of regions in tables.json."""

    def __init__(self, row):
        self.name, self.owner, self.text = row['name'], row['owner'], row['text']
        self.first, self.last = int(row['first'], 16), int(row['last'], 16)
        self.size = self.last - self.first + 1

    def title(self, digits=16):
        return f'{self.name}: 0x{self.first:0{digits}x} to 0x{self.last:0{digits}x}, {size_text(self.size)}; {self.text}'


def regions_of(tables, name):
    return [Region(row) for row in tables['layout'][name]]


def region_table(regions, digits=16):
    rows = ''.join(f'<tr><th scope="row">{escape(region.name)}</th><td>{address(region.first, digits)}<br>'
                   f'{address(region.last, digits)}</td><td>{size_text(region.size)}</td>'
                   f'<td>{escape(region.text)}</td></tr>\n' for region in regions)
    return ('<div class="wide" style="overflow-x:auto"><table class="rows">\n<tr><th>what</th><th>first, last</th><th>size'
            f'</th><th>whose</th></tr>\n{rows}</table></div>\n')


def magnify(svg, x, small, to, large):
    """Lines from the stretch @small (top, bottom) that ends at @x to the stretch @large that begins at @to."""
    for from_y, to_y in zip(small, large):
        svg.line((x, from_y), (to, to_y), dashed=True)


def draw_own(svg, tables, x, top, slot_height):
    """The hypervisor's slots of the top-level table, to scale among themselves.  Returns where they end."""
    layout = tables['layout']
    slot_size, start = int(layout['slot_size'], 16), regions_of(tables, 'own')[0].first
    for region in regions_of(tables, 'own'):
        at = (region.first - start) // slot_size
        count = max(1, region.size // slot_size)
        y = top + at * slot_height
        svg.box(x, y, 60, region.size / slot_size * slot_height, region.owner, region.title())
        number = layout['slot_first'] + at
        svg.text(x + 66, y + 11, f'{number}{f"-{number + count - 1}" if count > 1 else ""} {region.name}', bold=True)
        svg.text(x + 66, y + 23, f'0x{region.first:x}', code=True)
    return top + (layout['slot_end'] - layout['slot_first']) * slot_height


def wide_space(tables):
    """The 64-bit address space: the slots of the top-level table, and beside them the hypervisor's, larger."""
    layout = tables['layout']
    slot_size, gap, top, slot_height = int(layout['slot_size'], 16), 26, 22, 27
    svg = Svg(top + 512 + gap + 24, 'The address space of a 64-bit guest',
              'Left: all 512 slots of the top-level table to scale, with the addresses between the halves left out. '
              'Right: the 16 slots of the hypervisor, 27 times as large.')
    svg.text(0, 12, '512 slots', bold=True)
    y = top
    for region in regions_of(tables, 'wide'):
        height = gap if region.owner == 'nobody' else region.size / slot_size
        svg.box(0, y, 64, height, region.owner, region.title())
        if region.name == 'hypervisor':
            small = (y, y + height)
        elif region.owner == 'guest':
            svg.text(4, y + height / 2, 'guest', bold=True)
            svg.text(4, y + height / 2 + 14, size_text(region.size))
        y += height
    svg.text(0, top + 256 + 17, 'nothing')
    svg.text(0, y + 14, 'to scale, but for the middle')
    large_top = top + 20
    svg.text(120, 12, 'the hypervisor\'s 16, larger', bold=True)
    large = (large_top, draw_own(svg, tables, 120, large_top, slot_height))
    magnify(svg, 64, small, 120, large)
    return svg.html()


def narrow_space(tables):
    """The 32-bit address space: 4 GiB, and beside it what the hypervisor has, larger."""
    regions = regions_of(tables, 'narrow')
    top, height, whole = 22, 400, sum(region.size for region in regions)
    svg = Svg(top + height + 24, 'The address space of a 32-bit guest',
              'Left: all 4 GiB to scale. Right: what is the hypervisor\'s or can be read only, larger.')
    svg.text(0, 12, '4 GiB', bold=True)
    for region in regions:
        y = top + region.first / whole * height
        svg.box(0, y, 64, region.size / whole * height, region.owner, region.title(8))
    svg.text(4, top + height / 2, 'guest', bold=True)
    svg.text(4, top + height / 2 + 14, size_text(regions[0].size))
    upper = regions[1:]
    large_top, large_height, part = top + 20, height - 60, sum(region.size for region in upper)
    svg.text(120, 12, f'the last {size_text(part)}, larger', bold=True)
    y = large_top
    for region in upper:
        tall = region.size / part * large_height
        svg.box(120, y, 60, tall, region.owner, region.title(8))
        base = y + 11 if tall > 30 else y + tall + 14
        svg.text(186, base, region.name, bold=True)
        svg.text(186, base + 13, f'0x{region.first:08x}', code=True)
        svg.text(186, base + 27, size_text(region.size))
        y += tall
    magnify(svg, 64, (top + upper[0].first / whole * height, top + height), 120, (large_top, y))
    svg.text(0, top + height + 14, 'to scale')
    return svg.html()


def address_spaces(tables):
    """The page: HTML."""
    boundary = tables['layout']['narrow_slot_first']
    return ('<p>What is green is the guest\'s, what is yellow it can read, what is red is the hypervisor\'s. The same '
            'constants, and the rules, are in <code>abi/layout.h</code>; where the hypervisor keeps what in its part is '
            'in <code>hv/base/layout.h</code>. Rest a mouse on a part to see its first and last address.</p>\n'
            '<h2 id="wide">64-bit guests</h2>\n' + wide_space(tables) +
            region_table(regions_of(tables, 'wide')) +
            '<h3 id="own">The hypervisor\'s slots</h3>\n' + region_table(regions_of(tables, 'own')) +
            '<h2 id="narrow">32-bit guests</h2>\n' + narrow_space(tables) +
            region_table(regions_of(tables, 'narrow'), 8) +
            f'<p>The boundary is that of slot {boundary} of the L2 under slot 3 of the guest\'s L3.</p>\n')
