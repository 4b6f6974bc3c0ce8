# SPDX-License-Identifier: MIT
"""The documents of the tree, *.md, as pages: their links lead to pages, names in code to the reference."""

import collections
import html
import os
import re

import markdown
from markupsafe import Markup

import testnames
from links import relative

EXTENSIONS = ('tables', 'fenced_code', 'sane_lists', 'toc')
# A page that is made of the code's own tables is named so: the page "type word".
NAMED = re.compile(r'(?<=\bpage )"([^"<]+)"')
# What is written as code and is the path of a file, perhaps with a line.
PATH = re.compile(r'((?:[\w.-]+/)+[\w.-]+|[A-Z][A-Z_a-z]+(?:\.md)?)(?::(\d+))?$')
# A link, and its text if that is one word.
LINK = re.compile(r'href="([^"]+)"(?=>(?:<code>)?(\w+)(?:</code>)?</a>|)')
# What is written as code and stands neither in a link nor in a block.
CODE = re.compile(r'<a\b.*?</a>|<pre>.*?</pre>|<code>([^<]+)</code>', re.S)
# The first word of a constant; those that many constants have are no other name's, but for these.
FAMILY = re.compile(r'([A-Z][A-Z0-9]*_)\w+$')
FAMILY_LEAST = 4
NO_FAMILIES = ('XEN_', 'COMPAT_')


def page_of(path):
    return f'documents/{path.removesuffix(".md")}.html'


def slug(text, separator):
    """The anchor of a heading, as GitHub makes it, since that is what links in the documents are written for."""
    return re.sub(r'[^\w\- ]', '', text.strip().lower()).replace(' ', separator)


class Documents:
    def __init__(self, paths, links, sources, output, extra=None):
        """@extra: {path of a document: HTML to put behind it}."""
        self.paths, self.links, self.sources, self.output = sorted(paths), links, sources, output
        self.titles = {path: title_of(path) for path in self.paths}
        self.complaints, self.extra, self.tests = [], extra or {}, testnames.load()
        self.families = families_of(links.reference.constants)
        self.named = {}  # what is not made of a document, and is named in them: {name: page}

    def write(self):
        for path in self.paths:
            page = page_of(path)
            body = self.body(path, page)
            self.output.page('document.html', page, title=self.titles[path], document=path,
                             body=Markup(body) + self.extra.get(path, ''))

    def body(self, path, page):
        with open(path, encoding='utf-8') as file:
            text = file.read()
        convert = markdown.Markdown(extensions=EXTENSIONS, extension_configs={'toc': {'slugify': slug}})
        body = convert.convert(text)
        body = LINK.sub(lambda match: self.link(match, path, page), body)
        body = re.sub(r'(?<=<img )([^>]*)src="([^"]+)"', lambda match: self.picture(match, path, page), body)
        body = self.linked(body, page, path)
        body = NAMED.sub(lambda match: self.by_name(match, path, page), body)
        body = re.sub(r'<td>(XSA-\d+)</td>', r'<td id="\1">\1</td>', body)
        body = body.replace('<table>', '<div class="wide"><table>').replace('</table>', '</table></div>')
        return body

    def link(self, match, path, page):
        """What a link leads to; one to a header of abi/ with a label as its text, to what stands under that heading."""
        target = html.unescape(match.group(1))
        if re.match(r'[a-z]+:', target) or target.startswith('#'):
            return match.group(0)
        name, _, anchor = target.partition('#')
        full = os.path.normpath(os.path.join(os.path.dirname(path), name))
        label = match.group(2) if match.re.groups > 1 and re.match(r'abi/\w+\.h$', full) else None
        found = self.heading(label, full) if label else self.target(full)
        if not found:
            self.complaints.append(f'{path}: there is no {full}' + (f' with a heading {label}' if label else ''))
            return match.group(0)
        found = found + ('#' + anchor if anchor else '')
        return f'href="{html.escape(relative(found, page))}"'

    def by_name(self, match, path, page):
        name = html.unescape(match.group(1))
        if name not in self.named:
            self.complaints.append(f'{path}: there is no page "{name}"')
            return match.group(0)
        return self.links.anchor((self.named[name], ''), name, page)

    def picture(self, match, path, page):
        """A drawing that a document shows is one of the files that are written, once."""
        full = os.path.normpath(os.path.join(os.path.dirname(path), html.unescape(match.group(2))))
        if not full.endswith('.svg') or not os.path.isfile(full):
            self.complaints.append(f'{path}: there is no drawing {full}')
            return match.group(0)
        copy = f'pictures/{os.path.basename(full)}'
        if copy not in self.output.written:
            with open(full, encoding='utf-8') as file:
                self.output.file(copy, file.read())
        return f'{match.group(1)}src="{html.escape(relative(copy, page))}"'

    def heading(self, label, header):
        heading = self.links.reference.headings.get(label)
        return self.links.labels[label] if heading and heading.place.path == header else None

    def target(self, full, line=None):
        if full in self.paths:
            return page_of(full)
        if os.path.isdir(full):
            readme = os.path.join(full, 'README.md')
            return page_of(readme) if readme in self.paths else None
        return self.sources.target(full, line)

    def linked(self, body, page, path=None):
        """HTML with what it has in code linked; @path: the document."""
        return CODE.sub(lambda match: self.code(match, page, path or page) if match.group(1) else match.group(0), body)

    def code(self, match, page, document):
        """Names of the reference and paths of the tree, where they are written as code."""
        text = html.unescape(match.group(1))
        name = re.sub(r'^(?:HYPERVISOR_\w+)\(.*\)$', lambda call: call.group(0).split('(')[0], text)
        statement = self.links.statement(name) if name in self.links.reference.statements else None
        if statement:
            return f'<code>{self.links.anchor((statement, ""), text, page)}</code>'
        found = self.links.find('tagged', name) or self.links.find('name', name) or self.links.find('errno', name)
        if not found and name in self.links.reasons:
            found = (self.links.reasons[name], '')
        if not found and name in self.tests:
            found = (self.sources.target(*self.tests[name]), '')
        path = PATH.match(text)
        if not found and path:
            target = self.target(path.group(1), path.group(2) and int(path.group(2)))
            found = target and (target, '')
        family = FAMILY.match(text)
        if not found and family and family.group(1) in self.families:
            self.complaints.append(f'{document}: nothing in abi/ is called {text}')
        if not found:
            return match.group(0)
        return f'<code>{self.links.anchor(found, text, page)}</code>'


def families_of(constants):
    """The first words that names of the interface have in common: MMUEXT_, XENFEAT_."""
    words = collections.Counter(match.group(1) for match in map(FAMILY.match, constants) if match)
    return {word for word, count in words.items() if count >= FAMILY_LEAST and word not in NO_FAMILIES}


def title_of(path):
    """The first heading."""
    with open(path, encoding='utf-8') as file:
        for line in file:
            if line.startswith('# '):
                return re.sub(r'[`*]', '', line[2:].strip())
    return path


def advisories(path, documents, page):
    """{XSA-n: what its row says, as HTML for @page}, of the table in docs/advisories.md."""
    found = {}
    with open(path, encoding='utf-8') as file:
        for line in file:
            match = re.match(r'\| (XSA-\d+) \| (.*) \|$', line.rstrip())
            if match:
                text = markdown.markdown(match.group(2)).removeprefix('<p>').removesuffix('</p>')
                text = documents.linked(LINK.sub(lambda link: documents.link(link, path, page), text), page)
                found[match.group(1)] = Markup(text)
    return found
