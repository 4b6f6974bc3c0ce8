# SPDX-License-Identifier: MIT
"""Figures as SVG inside a page: its text and lines have the page's colour, so that they can be read in dark and light."""

from html import escape

WIDTH = 340     # units: pixels of a narrow page; a figure is never shown smaller, see STYLE
TEXT = 12       # the size of text, in units; never less than 11
STYLE = f'width:100%;min-width:{WIDTH}px;max-width:30rem;height:auto'

# Of each owner of a region: colour and opacity, so that the page shows through.
FILLS = {
    'guest': 'fill="#2a9d5c" fill-opacity="0.35"',
    'readable': 'fill="#c98a00" fill-opacity="0.4"',
    'hypervisor': 'fill="#c43c3c" fill-opacity="0.35"',
    'nobody': 'fill="#888888" fill-opacity="0.2" stroke-dasharray="3 3"',
    'plain': 'fill="none"',
}


class Svg:
    def __init__(self, height, title, description):
        self.height, self.title, self.description, self.parts = height, title, description, []

    def box(self, x, y, width, height, owner, name):
        """A rectangle; @name is said of it where a mouse rests on it, and by readers of screens."""
        self.parts.append(f'<rect x="{x:g}" y="{y:.2f}" width="{width:g}" height="{height:.2f}" {FILLS[owner]} '
                          f'stroke="currentColor" stroke-width="0.7"><title>{escape(name)}</title></rect>')

    def line(self, *points, dashed=False):
        """A line through @points, each (x, y)."""
        path = ' '.join(f'{x:g},{y:.2f}' for x, y in points)
        dash = ' stroke-dasharray="2 3"' if dashed else ''
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="currentColor" stroke-width="0.7"{dash}/>')

    def text(self, x, y, text, bold=False, code=False, end=False):
        """One line of text, @y being its base line; @end: @x is where it ends."""
        style = (' font-weight="bold"' if bold else '') + (' text-anchor="end"' if end else '')
        family = 'monospace' if code else 'sans-serif'
        size = 11 if code else TEXT
        self.parts.append(f'<text x="{x:g}" y="{y:.2f}" font-family="{family}" font-size="{size}" '
                          f'fill="currentColor"{style}>{escape(text)}</text>')

    def html(self):
        """The figure in a box of its own, which scrolls where the page is narrower still."""
        inside = '\n'.join(self.parts)
        return (f'<div class="wide figure" style="overflow-x:auto">\n<svg xmlns="http://www.w3.org/2000/svg" role="img" '
                f'viewBox="0 0 {WIDTH} {self.height:.0f}" style="{STYLE}">\n<title>{escape(self.title)}</title>\n'
                f'<desc>{escape(self.description)}</desc>\n{inside}\n</svg>\n</div>\n')
