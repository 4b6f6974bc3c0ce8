# SPDX-License-Identifier: MIT
"""Where each name of the reference leads, and texts with the names in them as links.

A target is a path in the output, with an anchor.  Links in a page are relative, so that the pages can lie anywhere.
"""

import os
import re

from markupsafe import Markup, escape

TOKEN = re.compile(r'''
    (?P<label>(?<![\w\])*])\[[a-z9]\w*\])
  | (?P<errno>-E[A-Z0-9]+\b)
  | (?P<advisory>\bXSA-\d+\b)
  | (?P<tagged>\b(?:enum|struct|union)\ \w+)
  | (?P<argument>@[a-z_]\w*)
  | (?P<name>\b[A-Za-z_]\w*\b)
''', re.X)


def relative(target, page):
    """@target as a link in the page @page, both paths in the output."""
    path, anchor = (target.split('#', 1) + [''])[:2]
    if path == page and anchor:
        return '#' + anchor
    link = os.path.relpath(path, os.path.dirname(page) or '.')
    return f'{link}#{anchor}' if anchor else link


def call_page(call):
    return f'calls/{call.name}.html'


def header_page(path):
    return f'headers/{os.path.basename(path).removesuffix(".h")}.html'


def heading_page(heading):
    """A heading with one call is on that call's page."""
    if len(heading.calls) == 1:
        return call_page(heading.calls[0])
    return f'topics/{heading.label}.html'


def before(text, at, match, code):
    """What stands between one link and the next; in running text an arrow is shown as one."""
    found = text[at:match.start()]
    return found if code else found.replace('=>', '→')


class Links:
    def __init__(self, reference, advisories=(), reasons=()):
        self.reference = reference
        self.labels = {label: heading_page(heading) for label, heading in reference.headings.items()}
        self.names, self.tagged = {}, {}
        for header in reference.headers:
            self.add_header(header)
        for heading in reference.headings.values():
            for command in heading.commands:
                for name in command.names:
                    self.names[name] = f'{heading_page(heading)}#{name}'
        for call in reference.calls.values():
            self.names[call.full_name] = call_page(call)
        self.errors = {'-E' + name[len('XEN_E'):]: f'index/errno.html#{name[len("XEN_"):]}'
                       for name in reference.constants if name.startswith('XEN_E')}
        self.advisories = {name: f'index/advisories.html#{name}' for name in advisories}
        self.reasons = {name: f'index/reasons.html#{name}' for name in reasons}

    def add_header(self, header):
        page = header_page(header.path)
        for constant in header.constants:
            self.names[constant.name] = f'{page}#{constant.name}'
        for group in header.groups:
            self.tagged[f'enum {group.name}'] = f'{page}#enum-{group.name}'
        for structure in header.structures:
            if structure.kind == 'typedef':
                self.names[structure.name] = f'{page}#{structure.name}'
            else:
                self.tagged[f'{structure.kind} {structure.name}'] = f'{page}#{structure.kind}-{structure.name}'

    def statement(self, name):
        label, _, anchor = name.partition('.')
        return f'{self.labels[label]}#{anchor}' if label in self.labels else None

    def statement_of(self, name, label):
        """Where the statement @name under the heading @label is; None if there is none."""
        return self.statement(f'{label}.{name}') if f'{label}.{name}' in self.reference.statements else None

    def find(self, kind, text):
        """(target, title), or None where there is none."""
        if kind == 'label' and text[1:-1] in self.labels:
            return self.labels[text[1:-1]], self.reference.headings[text[1:-1]].title
        table = {'errno': self.errors, 'advisory': self.advisories, 'tagged': self.tagged}.get(kind)
        if table and text in table:
            return table[text], ''
        if kind == 'name' and text in self.names:
            return self.names[text], ''
        # A structure is often named without the word: where that cannot be another thing, it is a link, too.
        if kind == 'name' and '_' in text and f'struct {text}' in self.tagged and text not in self.labels:
            return self.tagged[f'struct {text}'], ''
        return None

    def inline(self, text, page, code=False):
        """@text as HTML.  @code: as it stands in a source, brackets included."""
        out, at = [], 0
        for match in TOKEN.finditer(text):
            kind, word = match.lastgroup, match.group()
            found = self.find(kind, word)
            shown = word[1:-1] if kind == 'label' and not code else word
            if found:
                is_code = code or kind not in ('label', 'advisory')
                shape = 'c e' if kind == 'errno' else 'c' if is_code else ''
                out += [escape(before(text, at, match, code)), self.anchor(found, shown, page, shape)]
            elif kind == 'argument' and not code:
                out += [escape(before(text, at, match, code)), Markup('<var>{}</var>').format(word[1:])]
            else:
                continue
            at = match.end()
        return Markup('').join(out + [escape(text[at:] if code else text[at:].replace('=>', '→'))])

    @staticmethod
    def anchor(found, shown, page, shape=''):
        """A link; @shape is its class, `c` for code."""
        target, title = found
        link = relative(target, page)
        if link == page.rsplit('/', 1)[-1]:
            link = '#top'
        shaped = Markup(' class="{}"').format(shape) if shape else ''
        titled = Markup(' title="{}"').format(title) if title else ''
        return Markup('<a{}{} href="{}">{}</a>').format(shaped, titled, link, shown)
