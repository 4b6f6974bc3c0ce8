#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The documentation mark-up of abi/, as abi/README.md describes it: parse(paths) gives a Reference (model.py).

Errors of the format are collected, not raised: reference.complaints, each `path:line: what`.  By hand:

    tools/docs/markup.py [HEADER...]     default: abi/*.h.  Prints the errors, and how much there is
"""

import glob
import re
import sys
from dataclasses import replace

import declarations
import doctext
from model import Call, Group, Header, Heading, Parameter, Pattern, Place, Reference, Structure, Tie

DOC = re.compile(r'(?:\s*\*|/\*) `(.*?)\s*(?:\*/)?$')
HEADING = re.compile(r'incontents (\d+) (\w+) (\S.*)$')
OPENING = re.compile(r' enum (\w+) \{(?: // (\w+)\* => (?:(struct|enum) )?(\w+\*?)(\(\))?)?$')
CALL = re.compile(r'^ ?((?:enum |struct |unsigned |const )*\w+)\n ?HYPERVISOR_(\w+)\(([^()]*)\);?$', re.M)
ARGUMENT = re.compile(r' @(\w+): ')
PARAMETER = re.compile(r'(.*?[\s*])(\w+)(\[\])?$', re.S)
LABEL = re.compile(r'(?<![\w\])*])\[([a-z9]\w*)\]')
GROUP = re.compile(r'\benum (\w+)\b(?! \{)')


class Reader:
    """Reads one header into a reference."""

    def __init__(self, path, text, reference):
        self.reference, self.header = reference, Header(path, text)
        self.heading = self.group = None
        self.above = []  # the comment over the next declaration

    def place(self, line):
        return Place(self.header.path, line)

    def complain(self, place, text):
        self.reference.complain(place, text)

    def read(self):
        pieces = list(declarations.pieces(self.header.text))
        while pieces:
            piece = pieces.pop(0)
            if not piece.code:
                self.comment(piece)
                continue
            body = []
            if not piece.code.startswith('#') and piece.code.endswith(('{', '(')):
                closing = ('}', ')')[piece.code.endswith('(')]
                while pieces and not (re.match(rf'\{closing}.*;$', pieces[0].code) and self.starts(pieces[0])):
                    body.append(pieces.pop(0))
                if pieces:
                    pieces.pop(0)
            self.declaration(piece, body)
            self.above = []
        if self.group:
            self.complain(self.group.place, f'enum {self.group.name} is not closed')
        self.reference.headers.append(self.header)

    def starts(self, piece):
        """Is the piece at the beginning of its line?  So it ends what began there."""
        return not self.header.text.split('\n')[piece.line - 1].startswith((' ', '\t'))

    # ---- Comments ---------------------------------------------------------------------------------------------------

    def comment(self, piece):
        lines = []
        for number, raw in enumerate(piece.comment):
            match = DOC.match(raw)
            if match:
                lines.append((match.group(1).rstrip(), self.place(piece.line + number)))
        if not lines:
            self.above = piece.comment
            return
        self.above = []
        opening = OPENING.match(lines[0][0])
        if len(lines) == 1 and opening:
            self.open_group(opening, lines[0][1])
        elif len(lines) == 1 and lines[0][0].strip() == '}':
            self.close_group(lines[0][1])
        else:
            self.documentation(lines)

    def open_group(self, match, place):
        name, prefix, kind, leads, call = match.groups()
        if self.group:
            self.complain(self.group.place, f'enum {self.group.name} is not closed: the next begins at {place}')
        pattern = Pattern(prefix, kind or ('call' if call else ''), leads) if prefix else None
        if pattern and not pattern.kind:
            self.complain(place, f'enum {name}: {prefix}* leads to neither a structure nor a call')
        self.group = Group(name, place, pattern, heading=self.heading and self.heading.label)
        if name in self.reference.groups:
            self.complain(place, f'enum {name} is there already, at {self.reference.groups[name].place}')
            return
        self.reference.groups[name] = self.group
        self.header.groups.append(self.group)
        if self.heading:
            self.heading.groups.append(self.group)

    def close_group(self, place):
        if not self.group:
            self.complain(place, 'a group is closed that is not open')
        elif not self.group.constants:
            self.complain(place, f'enum {self.group.name} is empty')
        self.group = None

    def documentation(self, lines):
        if self.group:
            self.complain(self.group.place, f'enum {self.group.name} is not closed: other text begins at {lines[0][1]}')
            self.group = None
        block = []
        for text, place in lines:
            if text.startswith('incontents'):
                self.finish(block)
                block = []
                self.open_heading(text, place)
            elif text.strip() and not text.startswith(' '):
                self.complain(place, f'neither a heading nor text, which begins with a space: {text}')
            elif re.match(r' enum \w+ \{', text) or text.strip() == '}':
                self.complain(place, f'a group begins and ends in comments of one line: {text.strip()}')
            else:
                block.append(doctext.untag(text, place, self.complain))
        self.finish(block)

    def open_heading(self, text, place):
        match = HEADING.match(text)
        if not match:
            self.complain(place, f'not a heading (incontents PRIO LABEL Title): {text}')
            return
        priority, label, title = int(match.group(1)), match.group(2), match.group(3)
        self.heading = Heading(priority, label, title, place)
        if label in self.reference.headings:
            self.complain(place, f'the label {label} is there already, at {self.reference.headings[label].place}')
        for other in self.reference.headings.values():
            if other.priority == priority:
                self.complain(place, f'the priority {priority} is there already, at {other.place}')
        self.reference.headings[label] = self.heading
        self.header.headings.append(self.heading)

    def finish(self, block):
        """A block of documentation ends: it belongs to the heading before it."""
        self.header.lines += block
        if not block:
            return
        if self.heading:
            self.heading.lines += block + [doctext.untag('', block[-1].place, self.complain)]
        self.calls(block)

    def calls(self, block):
        text, described = '\n'.join(line.text for line in block), arguments(block)
        used = set()
        for match in CALL.finditer(text):
            place = block[text[:match.start()].count('\n') + 1].place
            prototype = re.sub(r'^ ', '', match.group(0), flags=re.M)
            call = Call(match.group(2), match.group(1), list(parameters(match.group(3))),
                        self.heading and self.heading.label, place, prototype)
            for parameter in call.parameters:
                used.add(parameter.name)
                parameter.lines = described.get(parameter.name, [])
                parameter.description = ' '.join(line.text.strip() for line in parameter.lines).strip()
                if not parameter.description:
                    self.complain(place, f'{call.full_name}: @{parameter.name} is not described')
            if call.name in self.reference.calls:
                self.complain(place, f'{call.full_name} is there already, at {self.reference.calls[call.name].place}')
            self.reference.calls[call.name] = call
            self.header.calls.append(call)
            if self.heading:
                self.heading.calls.append(call)
        prototypes = {match.group(2) for match in CALL.finditer(text)}
        for line in block:
            name = re.match(r' HYPERVISOR_(\w+)\(', line.text)
            if name and name.group(1) not in prototypes:
                self.complain(line.place, f'HYPERVISOR_{name.group(1)}: not a prototype that can be read')
            argument = ARGUMENT.match(line.text + ' ')
            if argument and prototypes and argument.group(1) not in used:
                self.complain(line.place, f'@{argument.group(1)} is no argument of a call that is described here')

    # ---- Declarations -----------------------------------------------------------------------------------------------

    def declaration(self, piece, body):
        path = self.header.path
        match = re.match(r'(struct|union) (\w+) \{$', piece.code)
        typedef = re.match(r'typedef (.*?)(\w+)(?:\[[^\]]*\])?(?: __attribute__.*)?;$', piece.code)
        if match:
            structure = declarations.read_structure(match.group(1), match.group(2), piece, body, path)
            last = body[-1].line + len(body[-1].comment or [0]) - 1 if body else piece.line
            lines = self.header.text.split('\n')[piece.line - 1:last + 1]
            structure.text = '\n'.join(lines)
            self.structure(structure)
        elif typedef:
            structure = Structure('typedef', typedef.group(2), '', self.place(piece.line), text=piece.code)
            self.structure(structure)
        elif re.match(r'enum (\w+ )?\{$', piece.code):
            for constant in declarations.read_enum(body, path):
                self.constant(constant)
        elif piece.code.startswith('#'):
            constant = declarations.read_define(piece, path)
            if constant:
                self.constant(constant)

    def structure(self, structure):
        structure.comment = declarations.plain(self.above)
        structure.heading = self.heading and self.heading.label
        self.reference.structures[structure.name] = structure
        self.header.structures.append(structure)
        if self.heading:
            self.heading.structures.append(structure)

    def constant(self, constant):
        constant.heading = self.heading and self.heading.label
        if constant.name in self.reference.constants:
            self.complain(constant.place, f'{constant.name} is there already')
        self.reference.constants[constant.name] = constant
        self.header.constants.append(constant)
        if self.group:
            constant.group = self.group.name
            self.group.constants.append(constant)
            if self.group.pattern and not constant.ties:
                self.tie(constant, self.group.pattern)
        elif self.heading:
            self.heading.constants.append(constant)

    def tie(self, constant, pattern):
        if not constant.name.startswith(pattern.prefix):
            self.complain(constant.place, f'{constant.name} is not {pattern.prefix}*, as enum {self.group.name} says')
        elif pattern.kind:
            name = pattern.leads.replace('*', constant.name[len(pattern.prefix):])
            name = name.removeprefix('HYPERVISOR_') if pattern.kind == 'call' else name
            constant.ties.append(Tie(pattern.kind, name, constant.place))


def arguments(block):
    """The lines about each argument, `@name: text`, with its continuation lines, which are indented."""
    found, current = {}, None
    for line in block:
        match = ARGUMENT.match(line.text + ' ')
        if match:
            current = match.group(1)
            found[current] = [replace(line, text=' ' + line.text[match.end():].strip())]
        elif current and (line.indent > 2 or not line.text and line.statement):
            found[current].append(line)
        else:
            current = None
    return found


def parameters(text):
    """Each Parameter of a prototype; none for (void)."""
    for part in text.split(','):
        words = ' '.join(part.split())
        match = PARAMETER.match(words)
        if match:
            kind, name, array = match.groups()
            yield Parameter(name, kind.strip() + (array or ''), words)


def gather(reference):
    """What needs all headers: the texts under each heading, taken apart."""
    for heading in reference.headings.values():
        heading.commands, free = doctext.commands(heading.label, heading.lines, reference.constants)
        for command in heading.commands:
            command.errors = list(doctext.errors(heading.label, command.lines, command.names))
        found = list(doctext.errors(heading.label, free))
        found += [error for command in heading.commands for error in command.errors]
        heading.errors = sorted(found, key=lambda error: error.place)
        heading.statements = list(doctext.statements(heading.label, heading.lines))
        for statement in heading.statements:
            if statement.name in reference.statements:
                reference.complain(statement.place, f'the statement {statement.name} is there already, at '
                                   f'{reference.statements[statement.name].place}')
            reference.statements[statement.name] = statement
    reference.headings = dict(sorted(reference.headings.items(), key=lambda item: item[1].priority))


def check_ties(reference):
    """Does each tie lead to something, and is each call tied to its number?"""
    where = {'call': reference.calls, 'enum': reference.groups, 'struct': reference.structures}
    kinds = {'call': 'a number without a prototype: HYPERVISOR_', 'enum': 'there is no group enum ',
             'struct': 'there is no struct '}
    things = list(reference.constants.values())
    things += [member for structure in reference.structures.values() for member in structure.members]
    for thing in things:
        for tie in thing.ties:
            if tie.kind != 'nothing' and tie.name not in where[tie.kind]:
                reference.complain(tie.place, kinds[tie.kind] + tie.name)
    numbers = [constant for constant in reference.constants.values() if constant.name.startswith('__HYPERVISOR_')]
    for constant in numbers:
        name = constant.name[len('__HYPERVISOR_'):]
        other_name = any(other.value == constant.name for other in numbers)
        if name in reference.calls:
            reference.calls[name].constant = constant
        elif not constant.ties and not other_name:
            reference.complain(constant.place, kinds['call'] + name)
    for call in reference.calls.values():
        if not call.constant:
            reference.complain(call.place, f'a prototype without a number: {call.full_name}')


def check_references(reference):
    """Does each [label], and each `enum NAME` in a text, lead somewhere?"""
    for header in reference.headers:
        for line in header.lines:
            for label in LABEL.findall(line.text):
                if label not in reference.headings:
                    reference.complain(line.place, f'there is no heading [{label}]')
            for name in GROUP.findall(line.text):
                if name not in reference.groups:
                    reference.complain(line.place, f'there is no group enum {name}')
    members = [member for structure in reference.structures.values() for member in structure.members]
    for thing in [*reference.constants.values(), *reference.structures.values(), *members]:
        for label in LABEL.findall(thing.comment):
            if label not in reference.headings:
                reference.complain(thing.place, f'there is no heading [{label}]')


def parse(paths):
    """The Reference of some headers.  What is wrong with their format is in its complaints, sorted by place."""
    reference = Reference()
    for path in sorted(paths):
        with open(path, encoding='utf-8') as file:
            Reader(path, file.read(), reference).read()
    gather(reference)
    check_ties(reference)
    check_references(reference)
    reference.complaints = sorted(set(reference.complaints))
    return reference


def main():
    reference = parse(sys.argv[1:] or glob.glob('abi/*.h'))
    for complaint in reference.complaints:
        print(complaint)
    for what in ('headings', 'groups', 'structures', 'constants', 'calls', 'statements'):
        print(len(getattr(reference, what)), what)
    print(sum(len(heading.errors) for heading in reference.headings.values()), 'errors')
    return 1 if reference.complaints else 0


if __name__ == '__main__':
    sys.exit(main())
