# SPDX-License-Identifier: MIT
"""What the mark-up of abi/ says, as objects: what markup.parse() returns.

Each thing has a place, and its name is what the headers call it.  Texts are without the mark-up: no back-ticks, no
tags.
"""

from dataclasses import dataclass, field
from typing import NamedTuple, Optional


class Place(NamedTuple):
    path: str
    line: int

    def __str__(self):
        return f'{self.path}:{self.line}'


class Complaint(NamedTuple):
    place: Place
    text: str

    def __str__(self):
        return f'{self.place}: {self.text}'


class Unclear(ValueError):
    """What cannot be read, so that nothing more can be found out; @complaint is what there is to say."""

    def __init__(self, place, text):
        self.complaint = Complaint(place, text)
        super().__init__(str(self.complaint))


@dataclass
class Line:
    """A line of documentation.  Its indentation is kept, its tags are not part of the text."""

    text: str
    place: Place
    statement: Optional[str] = None  # {name}
    reasons: list = field(default_factory=list)  # {REASON ...}
    hv: bool = False  # {hv}
    functions: list = field(default_factory=list)  # {hv:FUNCTION ...}, those of hv/ that it is for

    @property
    def indent(self):
        return len(self.text) - len(self.text.lstrip())


@dataclass
class Statement:
    """A sentence, or an item of a list, that is named: LABEL.NAME."""

    name: str
    text: str
    place: Place


@dataclass
class Error:
    """One line of a list of errors: what the guest gets, and why."""

    numbers: list  # '-EINVAL', 'GNTST_bad_page': one, or several that share the text
    text: str
    place: Place
    statement: Optional[str] = None  # LABEL.NAME
    reasons: list = field(default_factory=list)
    hv: bool = False
    functions: list = field(default_factory=list)  # of the hypervisor, that give it; empty: any
    commands: list = field(default_factory=list)  # constants; empty: of the call itself
    others: list = field(default_factory=list)  # further statements, LABEL.NAME, that stand in it


@dataclass
class Command:
    """What a call does for some of its commands, each a constant."""

    names: list
    lines: list
    place: Place
    errors: list = field(default_factory=list)


@dataclass
class Heading:
    priority: int
    label: str
    title: str
    place: Place
    lines: list = field(default_factory=list)  # of its documentation, to the next heading of the header
    calls: list = field(default_factory=list)
    groups: list = field(default_factory=list)
    structures: list = field(default_factory=list)
    constants: list = field(default_factory=list)
    commands: list = field(default_factory=list)
    statements: list = field(default_factory=list)
    errors: list = field(default_factory=list)  # in the order in which they stand, those of commands too


@dataclass
class Tie:
    """What a thing leads to: kind is 'call', 'enum', 'struct' or 'nothing'."""

    kind: str
    name: str
    place: Place


@dataclass
class Pattern:
    """The tie of a whole group: PREFIX* => struct LEADS, or => LEADS(); * in LEADS is the rest of a constant's name."""

    prefix: str
    kind: str
    leads: str


@dataclass
class Constant:
    name: str
    value: str  # as it is written
    comment: str
    place: Place
    parameters: Optional[str] = None  # of a macro
    group: Optional[str] = None
    heading: Optional[str] = None
    ties: list = field(default_factory=list)


@dataclass
class Group:
    name: str
    place: Place
    pattern: Optional[Pattern] = None
    constants: list = field(default_factory=list)
    heading: Optional[str] = None


@dataclass
class Member:
    path: str  # interdomain.port
    type: str
    array: str  # '[8]', or nothing
    comment: str
    place: Place
    ties: list = field(default_factory=list)


@dataclass
class Structure:
    kind: str  # struct, union or typedef
    name: str
    comment: str
    place: Place
    members: list = field(default_factory=list)
    text: str = ''  # the declaration as it stands, without assertions
    heading: Optional[str] = None


@dataclass
class Parameter:
    name: str
    type: str
    text: str  # as declared: 'unsigned int *done_out'
    description: str = ''
    lines: list = field(default_factory=list)  # the same, with its statements


@dataclass
class Call:
    name: str  # without HYPERVISOR_
    result: str
    parameters: list
    heading: Optional[str]
    place: Place
    prototype: str
    constant: Optional[Constant] = None  # its number

    @property
    def full_name(self):
        return 'HYPERVISOR_' + self.name


@dataclass
class Header:
    path: str
    text: str
    headings: list = field(default_factory=list)
    groups: list = field(default_factory=list)
    structures: list = field(default_factory=list)
    constants: list = field(default_factory=list)
    calls: list = field(default_factory=list)
    lines: list = field(default_factory=list)  # all of its documentation


@dataclass
class Reference:
    """All headers.  The errors of a call are those of its heading: reference.errors(call)."""

    headers: list = field(default_factory=list)
    headings: dict = field(default_factory=dict)  # by label, in the order of their priorities
    groups: dict = field(default_factory=dict)
    structures: dict = field(default_factory=dict)
    constants: dict = field(default_factory=dict)
    calls: dict = field(default_factory=dict)  # by name, without HYPERVISOR_
    statements: dict = field(default_factory=dict)  # by LABEL.NAME
    complaints: list = field(default_factory=list)

    def complain(self, place, text):
        self.complaints.append(Complaint(place, text))

    def value(self, constant):
        """The value of a constant, which may be that of another, as that is written."""
        while constant.value in self.constants:
            constant = self.constants[constant.value]
        return constant.value

    def errors(self, call):
        return self.headings[call.heading].errors if call.heading else []
