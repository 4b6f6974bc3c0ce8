# SPDX-License-Identifier: MIT
"""What the code knows of a call (facts.py), laid out for its page."""

from markupsafe import Markup

import otherwise
from handlers import REFUSED, WORKS
from links import relative


class Known:
    """The facts of some calls, for one page: those of the call, or of all calls of a heading."""

    def __init__(self, facts, names, links, sources, page):
        self.calls = [facts.calls[name] for name in names if name in facts.calls]
        self.links, self.sources, self.page = links, sources, page
        self.tied = {}
        for call in self.calls:
            for tied in call.errors:
                self.tied.setdefault(key(tied.error), []).extend(tied.sites)

    def source(self, path, line, shown):
        """A link to a line of the tree."""
        target = self.sources.target(path, line)
        if not target:
            return Markup('<code>{}</code>').format(shown)
        return Markup('<a class="c" title="{}:{}" href="{}">{}</a>').format(
            path, line, relative(target, self.page), shown)

    def place(self, place):
        return self.source(place.path, place.line, f'{place.path}:{place.line}')

    def sites(self, error, reason):
        """Where an error line's @reason is found to apply: links to the lines that decide it."""
        found = {refusal.place: refusal for refusal in self.tied.get(key(error), ()) if refusal.reason == reason}
        return [self.source(place.path, place.line, f'{place.path.rsplit("/", 1)[-1]}:{place.line}')
                for place in sorted(found)]

    def status(self):
        """[(what it is, who carries it out, where)] of each call."""
        found = []
        for call in self.calls:
            status = call.handled.status
            handlers = [Markup('<code>{}</code> in {}').format(function, self.source(path, None, path))
                        for function, path in call.handled.handlers]
            found.append({'name': call.name, 'kind': self.kind(status), 'handlers': handlers,
                          'place': self.place(status.place), 'refused': status.kind == REFUSED})
        return found

    def commands(self):
        """[(command, what it is, where that is decided)]"""
        rows = {}
        for call in self.calls:
            for name, status in call.handled.commands.items():
                rows.setdefault(name, (self.links.inline(name, self.page, True), self.kind(status),
                                       self.place(status.place)))
        return list(rows.values())

    def kind(self, status):
        """A status in words."""
        if status.kind == WORKS:
            return 'works'
        error = Markup(', or ').join(self.links.inline(f'-{name}', self.page) for name in status.error.split(' or '))
        return Markup('{}: {}').format(status.kind if status.kind == REFUSED else 'initial domain only; others get',
                                       error)

    def otherwise(self):
        rows = []
        for call in self.calls:
            for one in call.otherwise:
                times = ', '.join(f'{count} {otherwise.KINDS[kind]}' for kind, count in one.times.items())
                rows.append({'reason': one.reason, 'times': times, 'example': one.example, 'xen': one.xen,
                             'ours': one.ours})
        return rows

    def costs(self):
        return [cost for call in self.calls for cost in call.costs]

    def tests(self):
        """[(test, [(statement, its place)])]"""
        rows = {}
        for call in self.calls:
            for test in call.tests:
                targets = {name: self.links.statement(name) for name in test.statements}
                shown = [(name, relative(target, self.page)) for name, target in targets.items() if target]
                link = self.source(test.place.path, test.place.line, test.name)
                rows.setdefault((test.place.path, test.name), (link, test.place.path, shown))
        return list(rows.values())


def key(error):
    """What makes an error the same, read again."""
    return error.place, tuple(error.numbers), error.text
