# SPDX-License-Identifier: MIT
"""Blocks of documentation as HTML."""

from markupsafe import Markup

import prose


class Renderer:
    """Renders for one page.  Anchors of statements are written once in it, by the page that their heading is on."""

    def __init__(self, links, page, owner=True, known=None):
        self.links, self.page, self.owner, self.known = links, page, owner, known

    def inline(self, text, code=False):
        return self.links.inline(text, self.page, code)

    def blocks(self, blocks):
        return Markup('\n').join(self.block(block) for block in blocks)

    def block(self, block):
        if isinstance(block, prose.Paragraph):
            return Markup('<p>{}</p>').format(self.parts(block.parts))
        if isinstance(block, prose.Table):
            return self.table(block)
        if isinstance(block, prose.Errors):
            return self.errors(block)
        return Markup('<pre>{}</pre>').format(Markup('\n').join(
            self.anchored(part.statement, self.inline(part.text, True)) for part in block.lines))

    def identity(self, statement):
        """The attribute that makes an element the place of a statement."""
        if not statement or not self.owner:
            return ''
        return Markup(' id="{}"').format(statement.partition('.')[2])

    def parts(self, parts):
        return Markup(' ').join(self.anchored(part.statement, self.inline(part.text)) for part in parts)

    def anchored(self, statement, html):
        identity = self.identity(statement)
        return Markup('<span{}>{}</span>').format(identity, html) if identity else html

    def argument(self, label, parameter):
        """The description of an argument."""
        return self.parts(prose.parts(label, parameter.lines))

    def table(self, table):
        if table.numbered:
            items = [Markup('<li{} value="{}">{}</li>').format(
                self.identity(cells[0][0].statement), cells[0][0].text,
                Markup(' ').join(self.parts(cell) for cell in cells[1:])) for cells in table.rows]
            return Markup('<ol>{}</ol>').format(Markup('\n').join(items))
        width = max(len(cells) for cells in table.rows + ([table.head] if table.head else []))
        rows = [self.row(cells, width) for cells in table.rows]
        head = ''
        if table.head:
            cells = [[prose.Part('')]] * (width - len(table.head)) + table.head
            titles = [Markup('<th>{}</th>').format(self.parts(cell)) for cell in cells]
            head = Markup('<tr>{}</tr>').format(Markup('').join(titles))
        return Markup('<div class="wide"><table class="rows">{}\n{}</table></div>').format(
            head, Markup('\n').join(rows))

    def row(self, cells, width):
        first = Markup('<th scope="row">{}</th>').format(self.inline(cells[0][0].text))
        others = [Markup('<td>{}</td>').format(self.parts(cell)) for cell in cells[1:-1]]
        span = width - len(cells) + 1
        spans = Markup(' colspan="{}"').format(span) if span > 1 else ''
        others.append(Markup('<td{}>{}</td>').format(spans, self.parts(cells[-1])))
        return Markup('<tr{}>{}{}</tr>').format(self.identity(cells[0][0].statement), first, Markup('').join(others))

    def errors(self, block):
        caption = Markup('<p class="caption">{}</p>\n').format(self.parts(block.caption)) if block.caption else ''
        rows = [self.error(error) for error in block.errors]
        return Markup('{}<table class="errors">{}</table>').format(caption, Markup('\n').join(rows))

    def error(self, error):
        numbers = Markup('<br>').join(self.inline(number) for number in error.numbers)
        reasons = [self.decided(error, name) for name in error.reasons + ([''] if error.hv else [])]
        reasons = [html for html in reasons if html]
        said = Markup('<div class="reasons">{}</div>').format(Markup(', ').join(reasons)) if reasons else ''
        others = Markup('').join(self.anchored(name, '') for name in error.others)
        return Markup('<tr{}><th scope="row">{}</th><td>{}{}{}</td></tr>').format(
            self.identity(error.statement), numbers, others, self.inline(error.text), said)

    def decided(self, error, reason):
        """A reason of an error, and the lines that decide it; '' is that of the hypervisor, which records none."""
        sites = self.known.sites(error, reason) if self.known else []
        parts = ([self.reason(reason)] if reason else []) + sites
        return Markup(' ').join(parts)

    def reason(self, name):
        target = self.links.reasons.get(name)
        if not target:
            return Markup('<span>{}</span>').format(name)
        return self.links.anchor((target, ''), name, self.page, 'c')
