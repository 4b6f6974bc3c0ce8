# SPDX-License-Identifier: MIT
"""The indexes: of names, numbers, structures, constants, error numbers, reasons of refusals, advisories."""

import re
from dataclasses import dataclass, field

from markupsafe import Markup

import doctext
from known import Known
from links import call_page, heading_page
from render import Renderer

PAGES = {'names': 'Names', 'numbers': 'Numbers', 'structures': 'Structures', 'constants': 'Constants',
         'errno': 'Errors', 'reasons': 'Reasons', 'advisories': 'Advisories'}


@dataclass
class Section:
    title: str
    rows: list = field(default_factory=list)
    anchor: str = ''
    text: str = ''
    head: tuple = ()


def code(text):
    return Markup('<code>{}</code>').format(text)


class Indexes:
    def __init__(self, reference, links, output, facts, sources, advisories):
        self.reference, self.links, self.output = reference, links, output
        self.facts, self.sources, self.rows_of_advisories = facts, sources, advisories

    def write(self):
        for name in PAGES:
            page = f'index/{name}.html'
            lead, sections = getattr(self, name)(Renderer(self.links, page))
            jump = [(section.anchor, section.title) for section in sections if section.anchor]
            self.output.page('index.html', page, title=PAGES[name], lead=lead, sections=sections,
                             jump=jump if len(jump) > 1 else [])

    # ---- By name ----------------------------------------------------------------------------------------------------

    def names(self, render):
        entries = {}
        for call in self.reference.calls.values():
            entries[call.name] = ('hypercall', call_page(call))
        for label, heading in self.reference.headings.items():
            entries.setdefault(label, (heading.title, heading_page(heading)))
        for text, target in {**self.links.names, **self.links.tagged}.items():
            if not text.startswith('HYPERVISOR_'):
                entries[text] = (self.kind(text), target)
        sections, letter = [], None
        for text in sorted(entries, key=sort_key):
            first = sort_key(text)[0][0].upper()
            if first != letter:
                letter = first
                sections.append(Section(letter, anchor=f'letter-{letter}'))
            kind, target = entries[text]
            sections[-1].rows.append((self.links.anchor((target, ''), text, render.page, 'c'), kind))
        return f'All {len(entries)} names, for the search of the browser.', sections

    def kind(self, text):
        if ' ' in text:
            return 'group' if text.startswith('enum ') else 'structure'
        constant = self.reference.constants.get(text)
        if not constant:
            return 'type'
        return f'constant, enum {constant.group}' if constant.group else 'constant'

    # ---- By number --------------------------------------------------------------------------------------------------

    def numbers(self, render):
        calls = Section('Hypercalls', anchor='hypercalls', head=('number', 'call', 'what it is for', 'state'))
        numbered = [call for call in self.reference.calls.values() if call.constant]
        for call in sorted(numbered, key=lambda call: self.value(call.constant)):
            heading = self.reference.headings.get(call.heading)
            known = Known(self.facts, [call.name], self.links, self.sources, render.page)
            link = self.links.anchor((call_page(call), ''), call.name, render.page, 'c')
            calls.rows.append((self.value(call.constant), link,
                               heading.title if heading else '', known.status()[0]['kind']))
        sections = [calls]
        for group in sorted(self.reference.groups.values(), key=lambda group: group.name):
            if group.name == 'hypercall_num' or not re.search(r'_(cmd|op|type|status)$', group.name):
                continue
            section = Section(f'enum {group.name}', anchor=f'enum-{group.name}')
            for constant in group.constants:
                ties = [render.inline(f'struct {tie.name}' if f'struct {tie.name}' in self.links.tagged else tie.name)
                        for tie in constant.ties if tie.name and tie.kind == 'struct']
                said = Markup(', ').join(ties) or render.inline(constant.comment)
                section.rows.append((constant.value, render.inline(constant.name), said))
            sections.append(section)
        return 'The calls by their numbers, and the commands of each.', sections

    def value(self, constant):
        return int(self.reference.value(constant).rstrip('UL'), 0)

    # ---- Structures and constants -----------------------------------------------------------------------------------

    def structures(self, render):
        section = Section('', head=('structure', 'for', 'where it is used'))
        users = self.users()
        for structure in sorted(self.reference.structures.values(), key=lambda structure: structure.name):
            if structure.kind == 'typedef':
                continue
            heading = self.reference.headings.get(structure.heading)
            title = self.links.anchor((heading_page(heading), ''), heading.title, render.page) if heading else ''
            used = Markup(', ').join(render.inline(name) for name in users.get(structure.name, []))
            section.rows.append((render.inline(f'{structure.kind} {structure.name}'), title, used))
        return ('Structures, as a 64-bit guest has them; compat_ names are those of a 32-bit guest where the two '
                'differ. A structure is used by calls, and by the commands that are tied to it.'), [section]

    def users(self):
        """{structure: names of the calls and commands that take it}"""
        found = {}
        for call in self.reference.calls.values():
            for parameter in call.parameters:
                for name in re.findall(r'struct (\w+)', parameter.type):
                    found.setdefault(name, []).append(call.full_name)
        for constant in self.reference.constants.values():
            for tie in constant.ties:
                if tie.kind == 'struct':
                    found.setdefault(tie.name, []).append(constant.name)
        return found

    def constants(self, render):
        sections = []
        for group in sorted(self.reference.groups.values(), key=lambda group: group.name):
            rows = [self.constant(constant, render) for constant in group.constants]
            sections.append(Section(f'enum {group.name}', rows, f'enum-{group.name}'))
        alone = sorted((constant for constant in self.reference.constants.values() if not constant.group),
                       key=lambda constant: constant.name)
        sections.append(Section('Others', [self.constant(constant, render) for constant in alone], 'others'))
        return 'Constants, by the groups that members and arguments refer to.', sections

    def constant(self, constant, render):
        value, number = code(constant.value), self.reference.value(constant)
        if number != constant.value:
            value += ' = ' + code(number)
        return render.inline(constant.name), value, render.inline(constant.comment)

    # ---- By what went wrong -----------------------------------------------------------------------------------------

    def errno(self, render):
        causes = self.causes(render)
        sections = []
        for constant in self.reference.constants.values():
            if constant.group != 'neg_errnoval':
                continue
            name = '-' + constant.name.removeprefix('XEN_')
            section = Section(f'{name}', causes.get(name, []), constant.name.removeprefix('XEN_'),
                              Markup('{}, {}').format(constant.value, render.inline(constant.comment)))
            if section.rows:
                section.head = ('of', 'because')
                section.text += '. You got it: these are the causes.'
            sections.append(section)
        sections.sort(key=lambda section: not section.rows)
        return 'What a call returned, and everything that gives it, across all calls.', sections

    def causes(self, render):
        """{number: rows}, from lists of errors and from sentences elsewhere that name a number."""
        found = {}
        for heading in self.reference.headings.values():
            target = heading_page(heading)
            for error in heading.errors:
                where = error.statement and self.links.statement(error.statement) or target
                names = error.commands or [call.name for call in heading.calls]
                who = Markup(', ').join(self.links.anchor((where, ''), name, render.page, 'c') for name in names)
                for number in error.numbers:
                    text, reasons = render.inline(error.text), self.facts.reasons_of(error, number)
                    if reasons:
                        text += Markup('<div class="reasons">{}</div>').format(
                            Markup(' ').join(render.reason(name) for name in reasons))
                    found.setdefault(number, []).append(
                        (who or self.links.anchor((where, ''), heading.title, render.page), text))
            who = self.links.anchor((target, ''), heading.title, render.page)
            for paragraph in doctext.paragraphs(heading.lines):
                if not doctext.errors_of(heading.label, paragraph) and not re.match(r' @', paragraph[0].text):
                    for number, sentence in sentences(paragraph):
                        found.setdefault(number, []).append((who, render.inline(sentence)))
        return found

    def reasons(self, render):
        known = Known(self.facts, [], self.links, self.sources, render.page)
        sections = []
        for name, reason in sorted(self.facts.reasons.items()):
            text = Markup('{}{}. {}').format(f'For {reason.only} only: ' if reason.only else '',
                                             reason.text if reason.only else reason.text[0].upper() + reason.text[1:],
                                             render.inline(reason.advice))
            section = Section(name, self.errors_of(name, render), name, text)
            if reason.sites:
                places = dict.fromkeys(place for place, _, _ in reason.sites)
                section.rows.append(('decided at', Markup(', ').join(known.place(place) for place in places)))
            sections.append(section)
        lead = Markup('Why the hypervisor refused, by the names that <code>paravane run --explain</code> prints: what '
                      'it means, what to do instead, and which errors it is behind.')
        return lead, sections

    def errors_of(self, reason, render):
        """The error lines that name a reason: whose they are, and what they say."""
        rows = []
        for heading in self.reference.headings.values():
            for error in heading.errors:
                if reason in error.reasons:
                    where = error.statement and self.links.statement(error.statement) or heading_page(heading)
                    names = error.commands or [call.name for call in heading.calls] or [heading.title]
                    rows.append((Markup(', ').join(self.links.anchor((where, ''), name, render.page) for name in names),
                                 Markup('{}: {}').format(Markup(', ').join(
                                     render.inline(number) for number in self.facts.numbers_of(error, reason)),
                                     render.inline(error.text))))
        return rows

    def advisories(self, render):
        mentioned = {}
        for heading in self.reference.headings.values():
            for line in heading.lines:
                for name in re.findall(r'XSA-\d+', line.text):
                    mentioned.setdefault(name, {})[heading.label] = heading
        section = Section('', head=('advisory', 'what stands against it', 'in the reference'))
        for name, html in self.rows_of_advisories.items():
            where = [self.links.anchor((heading_page(heading), ''), heading.title, render.page)
                     for heading in mentioned.get(name, {}).values()]
            section.rows.append((Markup('<span id="{}">{}</span>').format(name, name), html, Markup(', ').join(where)))
        return 'Advisories about what Paravane does, too: the tests by name, or why there is none.', [section]


def sentences(paragraph):
    """(number, sentence) for each error number that a paragraph names in passing."""
    text = ' '.join(line.text.strip() for line in paragraph)
    for sentence in re.split(r'(?<=[.:])  +', text):
        for number in sorted(set(re.findall(r'-E[A-Z0-9]+\b', sentence))):
            yield number, re.sub(r' {2,}', ': ', sentence)


def sort_key(text):
    """Names by their letters: without `struct`, and without underscores in front."""
    plain = re.sub(r'^(?:enum|struct|union) ', '', text).lstrip('_')
    return (plain.upper() or text.upper(), text)
