# SPDX-License-Identifier: MIT
"""A page a header: its source with every name linked; and the other sources that pages lead to, line by line."""

import os
import re

from markupsafe import Markup, escape

from links import header_page, relative


class Headers:
    def __init__(self, reference, links, output):
        self.reference, self.links, self.output = reference, links, output
        self.label = None  # of the heading above the line

    def write(self):
        for header in self.reference.headers:
            page = header_page(header.path)
            self.output.page('source.html', page, title=header.path, lines=list(self.lines(header, page)),
                             role=role(header.text), headings=header.headings, links=self.links)

    def lines(self, header, page):
        """[(number, anchor, HTML)].  A declaration's line is its anchor; others have the number of the line."""
        anchors = {}
        for constant in header.constants:
            anchors[constant.place.line] = constant.name
        for group in header.groups:
            anchors[group.place.line] = f'enum-{group.name}'
        for structure in header.structures:
            prefix = '' if structure.kind == 'typedef' else f'{structure.kind}-'
            anchors[structure.place.line] = prefix + structure.name
        comment = False
        labels = {heading.place.line: heading.label for heading in header.headings}
        for number, line in enumerate(header.text.rstrip('\n').split('\n'), 1):
            self.label = labels.get(number, self.label)
            html, comment = self.line(line, page, comment)
            yield number, anchors.get(number, ''), html

    def line(self, line, page, comment):
        """(HTML, does a comment go on behind it?)"""
        include = re.match(r'#include "(\w+\.h)"$', line)
        if include:
            target = relative(header_page(include.group(1)), page)
            return Markup('#include "<a class="c" href="{}">{}</a>"').format(target, include.group(1)), comment
        out = []
        for text, inside in comments(line, comment):
            html = self.tagged(text, page) if inside else self.links.inline(text, page, True)
            out.append(Markup('<i>{}</i>').format(html) if inside else html)
            comment = inside and not text.endswith('*/')
        return Markup('').join(out), comment

    def tagged(self, text, page):
        """A comment: its tags lead to the statement, and to the reasons, that they name."""
        out, at = [], 0
        for match in re.finditer(r'(?<=\{)[\w -]+(?=\}(?: \{[\w -]+\})*(?: \*/)?$)', text):
            out.append(self.links.inline(text[at:match.start()], page, True))
            words = match.group().split()
            targets = [self.links.reasons.get(word) or self.links.statement_of(word, self.label) for word in words]
            shown = [self.links.anchor((target, ''), word, page, 'c') if target else escape(word)
                     for word, target in zip(words, targets)]
            out.append(Markup(' ').join(shown))
            at = match.end()
        return Markup('').join(out + [self.links.inline(text[at:], page, True)])


def comments(line, inside):
    """The line in pieces: (text, is it a comment?)."""
    while line:
        mark = '*/' if inside else '/*'
        at = line.find(mark)
        end = len(line) if at < 0 else at + 2 if inside else at
        if end:
            yield line[:end], inside
        line = line[end:]
        if at < 0:
            return
        inside = not inside


def role(text):
    """The first comment of a file that says what it is for."""
    match = re.search(r'/\*(?! SPDX)\s*(.*?)\*/', text, re.S)
    words = re.sub(r'^\s*\* ?', '', match.group(1), flags=re.M) if match else ''
    return words.split('\n\n')[0].strip()


class Sources:
    """Files of the tree that a page leads to: each is written as a page, when all others have been."""

    def __init__(self, output):
        self.output, self.wanted = output, {}

    def page(self, path):
        return f'source/{path}.html'

    def target(self, path, line=None):
        """Where @path, at @line, will be; None if there is no such file.  Headers of abi/ have pages of their own."""
        if path.startswith('build/') or not os.path.isfile(path):  # what is built is no source
            return None
        if re.match(r'abi/\w+\.h$', path):
            return header_page(path)
        self.wanted.setdefault(path, set()).add(line)
        return self.page(path) + (f'#L{line}' if line else '')

    def write(self):
        for path in sorted(self.wanted):
            with open(path, encoding='utf-8', errors='replace') as file:
                text = file.read()
            lines = [(number, f'L{number}' if number in self.wanted[path] else '', escape(line))
                     for number, line in enumerate(text.rstrip('\n').split('\n'), 1)]
            self.output.page('source.html', self.page(path), title=path, lines=lines, role='', headings=[], links=None)
