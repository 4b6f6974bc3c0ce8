# SPDX-License-Identifier: MIT
"""Man pages: section 2 for each call, section 7 for each heading that describes no call, or several."""

import datetime
import os
import re
import subprocess
import textwrap

import doctext
import prose
from registers import registers
from topics import Part

WIDTH = 76
WRAPPED = {'break_long_words': False, 'break_on_hyphens': False}


class Manual:
    def __init__(self, reference, output, date, facts):
        self.reference, self.output, self.date, self.facts = reference, output, date, facts

    def write(self):
        for heading in self.reference.headings.values():
            if len(heading.calls) != 1:
                name = f'paravane-{heading.label}'
                self.output.file(f'man/man7/{name}.7', self.page(name, 7, heading, []))
            for call in heading.calls:
                self.output.file(f'man/man2/{call.full_name}.2', self.page(call.full_name, 2, heading, [call]))

    def page(self, name, section, heading, calls):
        """The page, from top to bottom."""
        out = ['.\\" SPDX-License-Identifier: MIT', '.\\" Made by tools/docs/generate.py.',
               f'.TH {quoted(name)} {section} {self.date} Paravane "Interface of guests"',
               '.SH NAME', f'{plain(name)} \\- {plain(heading.title)}']
        for call in calls:
            out += self.call(call)
        free = doctext.commands(heading.label, heading.lines, self.reference.constants)[1]
        blocks, commands = prose.blocks(heading.label, free), heading.commands
        for call in calls:
            part = Part(self.facts, heading, call)
            blocks = [block for block in map(part.block, blocks) if block]
            commands = [command for command in commands if part.has_command(command)]
        described = [block for block in blocks if not isinstance(block, prose.Errors)]
        errors = [block for block in blocks if isinstance(block, prose.Errors)]
        if described or not calls:
            out += ['.SH DESCRIPTION'] + self.blocks(described)
        if errors:
            out += ['.SH ERRORS'] + self.blocks(errors)
        if commands:
            out.append('.SH COMMANDS')
        for command in commands:
            out += self.command(heading, command)
        out += self.constants(heading)
        out += ['.SH SEE ALSO', ',\n'.join(self.see_also(heading, name))]
        text = re.sub(r'\n{2,}', '\n', '\n'.join(out)) + '\n'
        return re.sub(r'^(\.S[HS] .*)\n\.PP$', r'\1', text, flags=re.M)

    def call(self, call):
        number = call.constant.value if call.constant else ''
        out = ['.SH SYNOPSIS', '.nf'] + [line_of(line) for line in call.prototype.split('\n')] + ['.fi']
        rows = [f'number {number}'.ljust(24) + 'rax'.ljust(10) + 'eax']
        rows += [parameter.name.ljust(24) + wide.ljust(10) + narrow for parameter, wide, narrow in registers(call)]
        rows += ['result'.ljust(24) + 'rax'.ljust(10) + 'eax'] if call.result != 'void' else []
        out += ['.SH REGISTERS', '.nf', line_of(' ' * 24 + '64-bit'.ljust(10) + '32-bit')]
        out += [line_of(row) for row in rows] + ['.fi']
        if call.parameters:
            out.append('.SH ARGUMENTS')
        for parameter in call.parameters:
            out += ['.TP', f'.I {quoted(parameter.name)}', self.text(parameter.description)]
        return out

    def command(self, heading, command):
        first = command.lines[0].text.strip().removeprefix('cmd: ')
        said = first[len(', '.join(command.names)):].lstrip(':, ')
        lines = [doctext.untag(f' {said}', command.lines[0].place, print)] if said else []
        out = []
        for at, name in enumerate(command.names):
            value = self.reference.constants[name].value
            out += ['.TP' if not at else '.TQ', f'.BR {quoted(name)} " ({plain(value)})"']
        body = self.blocks(prose.blocks(heading.label, lines + command.lines[1:]), nested=True)
        return out + (body or ['No more is said about it.'])

    def blocks(self, blocks, nested=False):
        out = []
        for at, block in enumerate(blocks):
            lines = self.block(block)
            if nested and lines and lines[0] == '.PP':
                lines = (['.IP'] if at else []) + lines[1:]
            elif nested:
                lines = ['.RS'] + lines + ['.RE']
            out += lines
        return out

    def block(self, block):
        if isinstance(block, prose.Paragraph):
            return ['.PP', self.text(' '.join(part.text for part in block.parts))]
        if isinstance(block, prose.Errors):
            out = ['.PP', self.text(block.caption[0].text) + ':'] if block.caption else []
            for error in block.errors:
                reasons = f'  ({", ".join(error.reasons)})' if error.reasons else ''
                out += ['.TP', f'.B {plain(", ".join(error.numbers))}', self.text(error.text + reasons) or '\\&']
            return out
        if isinstance(block, prose.Table):
            out = []
            for cells in ([block.head] if block.head else []) + block.rows:
                texts = [' '.join(part.text for part in cell) for cell in cells]
                out += ['.TP', self.text(texts[0] + ('.' if block.numbered else '')) or '\\&',
                        self.text('; '.join(texts[1:])) or '\\&']
            return out
        return ['.nf'] + [line_of(part.text) for part in block.lines] + ['.fi']

    def constants(self, heading):
        """The values of what the page speaks of, group by group."""
        out = ['.SH CONSTANTS'] if any(group.constants for group in heading.groups) else []
        for group in heading.groups:
            out += [f'.SS {quoted("enum " + group.name)}', '.nf']
            out += [line_of(f'{constant.name}  {constant.value}') for constant in group.constants] + ['.fi']
        return out

    def see_also(self, heading, own):
        """The pages that the text refers to; without any, the first of the reference."""
        labels = []
        for line in heading.lines:
            labels += re.findall(r'(?<![\w\])*])\[([a-z9]\w*)\]', line.text)
        names = [self.name_of(label) for label in dict.fromkeys(labels) if label in self.reference.headings]
        names = sorted({name for name in names if name[0] != own}, key=lambda name: (name[1], name[0]))
        first = next(iter(self.reference.headings))
        return [f'.BR {quoted(name)} ({section})' for name, section in names or [self.name_of(first)]]

    def name_of(self, label):
        heading = self.reference.headings[label]
        if len(heading.calls) == 1:
            return heading.calls[0].full_name, 2
        return f'paravane-{label}', 7

    def text(self, text):
        """Running text: labels are names of pages, arguments are slanted.  A sentence a line."""
        sentences = re.split(r'(?<=[.;:?!]) {2,}', ' '.join(text.split('\n')).strip())
        lines = [line for sentence in sentences for line in textwrap.wrap(self.sentence(sentence), WIDTH, **WRAPPED)]
        return '\n'.join('\\&' + line if line.startswith(('.', "'")) else line for line in lines)

    def sentence(self, text):
        out = []
        for word in re.split(r'((?<![\w\])*])\[[a-z9]\w*\]|@[a-z_]\w*)', re.sub(r' {2,}', ' ', text)):
            if word.startswith('@'):
                out.append(f'\\fI{plain(word[1:])}\\fR')
            elif word.startswith('[') and word[1:-1] in self.reference.headings:
                name, section = self.name_of(word[1:-1])
                out.append(f'\\fB{plain(name)}\\fR({section})')
            else:
                out.append(plain(word))
        return ''.join(out).strip()


def plain(text):
    """Text with what troff would read as its own escaped."""
    return text.replace('\\', '\\e').replace('-', '\\-').replace('\u2019', "'")


def line_of(text):
    """A line that stands as it is."""
    text = plain(text.rstrip())
    return '\\&' + text if text.startswith(('.', "'")) else text


def quoted(text):
    text = plain(text).replace('"', '\\(dq')
    return f'"{text}"' if ' ' in text else text


def date_of(path):
    """The day of the last change of @path, so that what is made twice of the same is the same; or today."""
    epoch = os.environ.get('SOURCE_DATE_EPOCH')
    if epoch:
        return datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc).date().isoformat()
    asked = subprocess.run(['git', 'log', '-1', '--format=%cs', '--', path], capture_output=True, text=True,
                           check=False)
    return asked.stdout.strip() or datetime.date.today().isoformat()
