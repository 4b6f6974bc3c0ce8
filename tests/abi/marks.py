# SPDX-License-Identifier: MIT
"""The rules of the mark-up of abi/: is everything in its place, and does everything lead somewhere?

tools/docs/markup.py reads the headers, and complains of what it cannot read.  Here its complaints are sorted by kind,
and the kinds are added that a reader can live with and a manual cannot.  check() gives a Kind for each; markfaults.py
plants each of them.
"""

import os
import re
import sys
from typing import NamedTuple

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', '..', 'tools', 'docs'))

import declarations  # noqa: E402
import markup  # noqa: E402
from model import Complaint, Place  # noqa: E402

# Words of other documents that look like constants.
FOREIGN = {'PT_NOTE', 'ELF_PADDR_OFFSET', 'VIRT_ENTRY'}

# What stands behind the text of a line: {name-of-the-statement} {REFUSAL_REASONS}
TAGS = re.compile(r'(\s*\{[^{}]*\})+$')

# What a parameter or member is called that names a domain.
DOMAIN = re.compile(r'(remote_|foreign_?)?dom(id|ain|ain_id)?$')

# What a parameter or member is called that holds a command, and the groups of those.
COMMAND = re.compile(r'(\w+_)?(cmd|op|operation)$')
COMMANDS = re.compile(r'\w+_(cmd|op|num)$')

# The complaints of the reader, by kind, and how many things it looks at for them: those of a list of the Reference.
READER = [
    ('headings that are none, or share a label or a priority', r'not a heading|the label|the priority', 'headings'),
    ('groups without beginning or end', r'is not closed|not open|begins and ends', 'groups'),
    ('names declared twice', r'is there already', 'constants'),
    ('references that lead nowhere', r'there is no ', ''),
    ('numbers without a prototype, and prototypes without a number',
     r'a number without|a prototype without|can be read|leads to neither|, as enum ', 'calls'),
    ('arguments that are not described, or not there', r'is not described|is no argument', 'calls'),
    ('other errors of the format', r'', 'headers'),
]


class Kind(NamedTuple):
    title: str
    looked: int  # how many things were looked at
    complaints: list


class Words(NamedTuple):
    """A line of a comment."""

    place: Place
    text: str
    marked: bool  # with a back-tick
    comment: int  # the line where it begins


class Sources:
    """The headers, as the reader understands them and line by line."""

    def __init__(self, paths, assertions):
        self.reference = markup.parse(paths)
        self.assertions = assertions
        self.words = [words for header in self.reference.headers for words in comment_lines(header)]
        # Where a group opens, it is not referred to.
        self.said = '\n'.join(words.text for words in self.words if not re.match(r'\s*enum \w+ \{', words.text))

    def members(self):
        for structure in self.reference.structures.values():
            for member in structure.members:
                yield structure, member

    def parameters(self):
        for call in self.reference.calls.values():
            for parameter in call.parameters:
                yield call, parameter


def comment_lines(header):
    """Each line of the header's comments.  One that a backslash continues has none."""
    inside, begun = False, 0
    for number, line in enumerate(header.text.split('\n'), 1):
        at = 0 if inside else line.find('/*')
        if at < 0:
            continue
        text = re.sub(r'^\s*\*(?!/) ?|^/\* ?|\s*\*/\s*$', '', line[at:])
        if text.startswith('`'):
            text = TAGS.sub('', text)
        begun = begun if inside else number
        inside = '*/' not in line[at:]
        yield Words(Place(header.path, number), text.removeprefix('`'), text.startswith('`'), begun)


# ---- The rules: each gives what it looks at, with a complaint or None ------------------------------------------------


def constants_in_no_group(sources):
    for constant in sources.reference.constants.values():
        outside = constant.group is None and constant.parameters is None
        yield constant.place, outside and f'{constant.name} is in no group'


def groups_without_reference(sources):
    typed = {parameter.type for _, parameter in sources.parameters()}
    results = {call.result for call in sources.reference.calls.values()}
    for group in sources.reference.groups.values():
        name = f'enum {group.name}'
        referred = name in typed | results or re.search(rf'\b{name}\b', sources.said)
        yield group.place, not referred and f'nothing refers to {name}'


def headings_without_reference(sources):
    for heading in sources.reference.headings.values():
        referred = any(call.constant for call in heading.calls) or f'[{heading.label}]' in sources.said
        yield heading.place, not referred and f'nothing leads to the heading {heading.label}'


def structures_without_reference(sources):
    """A compat_ one is reached as the twin of a plain one."""
    reference = sources.reference
    texts = [parameter.type for _, parameter in sources.parameters()] + [member.type for _, member in sources.members()]
    for constant in reference.constants.values():
        texts += [constant.value] + [tie.name for tie in constant.ties]
    used = set(re.findall(r'\w+', ' '.join(texts)))
    # In a text a structure is called one, unless its name is no word of English.
    used |= set(re.findall(r'\b(?:struct|union) (\w+)', sources.said)) | set(re.findall(r'\b\w+_\w+', sources.said))
    for structure in reference.structures.values():
        twin = structure.name.removeprefix('compat_') in reference.structures and structure.name.startswith('compat_')
        referred = twin or structure.name in used
        yield structure.place, not referred and f'nothing refers to {structure.kind} {structure.name}'


def commands_without_tie(sources):
    """A group whose numbers are commands says what each leads to."""
    held = {tie.name for _, member in sources.members() if COMMAND.match(member.path.split('.')[-1])
            for tie in member.ties}
    held |= {parameter.type.removeprefix('enum ') for _, parameter in sources.parameters()
             if COMMAND.match(parameter.name)}
    for group in sources.reference.groups.values():
        command = COMMANDS.match(group.name) or group.name in held
        tied = group.pattern or all(constant.ties for constant in group.constants)
        yield group.place, command and not tied and f'enum {group.name}: its numbers lead nowhere, `// PREFIX_* => ...`'


def members_without_command(sources):
    for structure, member in sources.members():
        if COMMAND.match(member.path.split('.')[-1]) and not member.type.startswith(('struct', 'union')):
            yield member.place, not member.ties and f'{structure.name}.{member.path} is a command, of no group'


def arrows_that_are_none(sources):
    for words in sources.words:
        for match in re.finditer(r'=>', words.text):
            rest = words.text[match.start():]
            known = declarations.TIE.match(rest) or re.match(r'=> \w+\*?\(\)|=> struct \w+', rest)
            yield words.place, not known and f'not a tie: {rest.strip()}'


def domains_without_group(sources):
    said = 'holds a domain, but is not tied to enum domid'
    for structure, member in sources.members():
        if DOMAIN.match(member.path.split('.')[-1]):
            tied = any(tie.name == 'domid' for tie in member.ties)
            yield member.place, not tied and f'{structure.name}.{member.path} {said}'
    for call, parameter in sources.parameters():
        if DOMAIN.match(parameter.name):
            tied = parameter.type == 'enum domid' or '=> enum domid' in parameter.description
            yield call.place, not tied and f'{call.full_name}: @{parameter.name} {said}'


def tags_declared_twice(sources):
    """The groups and the types of C share their names."""
    seen = {}
    for header in sources.reference.headers:
        for number, line in enumerate(header.text.split('\n'), 1):
            match = re.match(r'(?:/\* ` )?((?:enum|struct|union) \w+) \{', line)
            if match:
                place, name = Place(header.path, number), match.group(1)
                yield place, name in seen and f'{name} is there already, at {seen[name]}'
                seen.setdefault(name, place)


def code_between_declarations(sources):
    """What begins with a word and a parenthesis reads as a function, and a manual has none but calls."""
    for header in sources.reference.headers:
        for number, line in enumerate(header.text.split('\n'), 1):
            if re.match(r'\w', line):
                function = re.match(r'\w+ ?\(', line)
                yield Place(header.path, number), function and f'reads as a function: {line}'


def lines_without_mark(sources):
    """In documentation each line has its back-tick; what has none is on no page."""
    documentation = {(words.place.path, words.comment) for words in sources.words if words.marked}
    for words in sources.words:
        if (words.place.path, words.comment) in documentation:
            lost = not words.marked and words.text.strip()
            yield words.place, lost and f'no back-tick in documentation: {words.text.strip()}'


def names_of_nothing(sources):
    """A word that looks like a constant is one, or the rest of one (VIRT_BASE), or with * its beginning."""
    reference = sources.reference
    names = set(reference.constants) | set(reference.structures)
    rests = {name[at + 1:] for name in names for at in range(len(name)) if name[at] == '_'}
    all_names = names | rests | FOREIGN
    enums = set(re.findall(r'^enum (\w+) \{', '\n'.join(header.text for header in reference.headers), re.M))
    for words in sources.words:
        for name, star in re.findall(r'\b([A-Z][A-Za-z0-9]*_\w*)(\*?)', words.text):
            known = name in all_names
            if star or name.endswith('_'):
                known = any(one.startswith(name) for one in all_names)
            if re.match(r'HYPERVISOR_[a-z]', name):
                known = star or name.removeprefix('HYPERVISOR_') in reference.calls
            if not re.match(r'ABI_\w+_H$', name):
                yield words.place, not known and f'there is no {name}{star}'
        for kind, name in re.findall(r'\b(struct|union|enum) (\w+)\b(?!\*)', words.text):
            known = name in (reference.groups.keys() | enums if kind == 'enum' else reference.structures)
            yield words.place, not known and f'there is no {kind} {name}'


def structures_without_assertion(sources):
    stated = set(re.findall(r'^SIZE\((?:struct|union) (\w+), ', sources.assertions, re.M))
    for structure in sources.reference.structures.values():
        if structure.kind != 'typedef':
            yield structure.place, structure.name not in stated and f'assertions.c states no size of {structure.name}'


RULES = [
    ('constants in no group', constants_in_no_group),
    ('groups that nothing refers to', groups_without_reference),
    ('headings that nothing leads to', headings_without_reference),
    ('structures that nothing refers to', structures_without_reference),
    ('commands that lead nowhere', commands_without_tie),
    ('members that are commands of no group', members_without_command),
    ('ties that are none', arrows_that_are_none),
    ('domains that are not tied to enum domid', domains_without_group),
    ('names declared twice', tags_declared_twice),
    ('code that reads as a function', code_between_declarations),
    ('documentation that is on no page', lines_without_mark),
    ('references that lead nowhere', names_of_nothing),
    ('structures of which no size is stated', structures_without_assertion),
]


def check(paths, assertions):
    """A Kind for each kind of fault, those of the reader first, with what is wrong in the headers @paths."""
    sources = Sources(paths, assertions)
    reference = sources.reference
    found = {title: (len(getattr(reference, things)) if things else 0, []) for title, _, things in READER}
    for complaint in reference.complaints:
        title = next(title for title, pattern, _ in READER if re.search(pattern, complaint.text))
        found[title][1].append(complaint)
    for title, rule in RULES:
        looked, complaints = found.get(title, (0, []))
        for place, text in rule(sources):
            looked += 1
            if text:
                complaints.append(Complaint(place, text))
        found[title] = (looked, complaints)
    return [Kind(title, looked, sorted(set(complaints))) for title, (looked, complaints) in found.items()]
