# SPDX-License-Identifier: MIT
"""A page a call, and a page each for the headings that describe no call, or several."""

from dataclasses import replace

import doctext
import prose
from known import Known, key
from links import call_page, heading_page, header_page
from registers import registers
from render import Renderer


class Part:
    """What of a heading is about one of its calls: all but the errors that others of its calls give and it does not, and
    the commands that they know and it does not."""

    def __init__(self, facts, heading, call):
        own, others = facts.calls[call.name], [facts.calls[other.name] for other in heading.calls]
        self.errors = {key(tied.error) for known in others for tied in known.errors if tied.refusals} - \
            {key(tied.error) for tied in own.errors if tied.refusals}
        self.commands = {name for known in others for name in known_commands(known)} - known_commands(own)

    def block(self, block):
        """The block without what is not about the call; None, if nothing is left."""
        if not isinstance(block, prose.Errors):
            return block
        left = [error for error in block.errors if key(error) not in self.errors]
        return replace(block, errors=left) if left else None

    def has_command(self, command):
        return not self.commands.issuperset(command.names)


def known_commands(known):
    return set(known.handled.commands) - known.handled.unknown()


class Topics:
    def __init__(self, reference, links, output, facts, sources):
        self.reference, self.links, self.output = reference, links, output
        self.facts, self.sources = facts, sources

    def write(self):
        headings = list(self.reference.headings.values())
        for at, heading in enumerate(headings):
            around = {'before': headings[at - 1] if at else None,
                      'after': headings[at + 1] if at + 1 < len(headings) else None}
            if len(heading.calls) != 1:
                self.topic(heading, around)
            for call in heading.calls:
                self.call(call, heading, around)

    def topic(self, heading, around):
        page = heading_page(heading)
        known = Known(self.facts, [call.name for call in heading.calls], self.links, self.sources, page)
        render = Renderer(self.links, page, known=known)
        arguments = {parameter.name: parameter for call in heading.calls for parameter in call.parameters}
        self.output.page('topic.html', page, title=heading.title, heading=heading, calls=heading.calls,
                         render=render, known=known, arguments=list(arguments.values()),
                         **self.texts(heading, render, page), **self.neighbours(around))

    def call(self, call, heading, around):
        page = call_page(call)
        owner = heading_page(heading) == page
        known = Known(self.facts, [call.name], self.links, self.sources, page)
        render = Renderer(self.links, page, owner, known)
        self.output.page(
            'call.html', page, title=call.name, call=call, heading=heading, render=render, owner=owner,
            prototype=self.links.inline(call.prototype, page, True), registers=registers(call),
            known=known, topic=heading_page(heading),
            **self.texts(heading, render, page, Part(self.facts, heading, call)), **self.neighbours(around))

    def texts(self, heading, render, page, part=None):
        """The heading's documentation, laid out: what it says, its errors, its commands, its declarations; or the Part
        of it that is about one call."""
        free = doctext.commands(heading.label, heading.lines, self.reference.constants)[1]
        blocks = prose.blocks(heading.label, free)
        commands = heading.commands
        if part:
            blocks = [block for block in map(part.block, blocks) if block]
            commands = [command for command in commands if part.has_command(command)]
        return {
            'effect': render.blocks([block for block in blocks if not isinstance(block, prose.Errors)]),
            'errors': render.blocks([block for block in blocks if isinstance(block, prose.Errors)]),
            'commands': [self.command(heading, command, render) for command in commands],
            'groups': [self.group(group, page) for group in heading.groups],
            'structures': [(structure, self.links.inline(structure.text, page, True),
                            f'{header_page(structure.place.path)}#{structure.kind}-{structure.name}')
                           for structure in heading.structures if structure.kind != 'typedef'],
            'constants': [self.constant(constant, page) for constant in heading.constants],
            'header': header_page(heading.place.path)}

    def command(self, heading, command, render):
        """(names, what each is tied to, text) of a command."""
        lines = command.lines[1:]
        first = command.lines[0].text.strip().removeprefix('cmd: ')
        said = first[len(', '.join(command.names)):].lstrip(':, ')
        if said:
            head = type(command.lines[0])(f' {said}', command.lines[0].place, command.lines[0].statement)
            lines = [head] + lines
        constants = [self.reference.constants[name] for name in command.names]
        ties = []
        for constant in constants:
            for tie in constant.ties:
                if tie.kind != 'call' and tie.name and tie.name not in ties:
                    ties.append(tie.name)
        shown = [f'struct {name}' if name in self.kinds('struct') else name for name in ties]
        return {'constants': constants, 'text': render.blocks(prose.blocks(heading.label, lines)),
                'ties': [render.inline(name, True) for name in shown]}

    def kinds(self, kind):
        return {name for name, structure in self.reference.structures.items() if structure.kind == kind}

    def group(self, group, page):
        return {'group': group, 'constants': [self.constant(constant, page) for constant in group.constants],
                'said': any(constant.comment for constant in group.constants)}

    def constant(self, constant, page):
        name = constant.name + (f'({constant.parameters})' if constant.parameters else '')
        number = self.reference.value(constant)
        return {'name': self.links.inline(name, page, True), 'value': self.links.inline(constant.value, page, True),
                'number': number if number != constant.value else '',
                'comment': self.links.inline(constant.comment, page)}

    @staticmethod
    def neighbours(around):
        return {which: heading and (heading_page(heading), heading.title) for which, heading in around.items()}
