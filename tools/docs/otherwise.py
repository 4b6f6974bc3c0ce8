# SPDX-License-Identifier: MIT
"""What Debian's Xen 4.17 was seen to do otherwise, by call: tests/differential/seen.txt, which its run.sh keeps true.

A line, with tabs: KIND, GROUP of calls, COMMAND or -, REASON of tests/differential/accepted, how often, and the first
of those calls, `CALL > XEN'S ANSWER | OURS`.
"""
from dataclasses import dataclass, field

from model import Place, Unclear

SEEN = 'tests/differential/seen.txt'
ACCEPTED = 'tests/differential/accepted'
KINDS = {'first': 'as first domain', 'ordinary': 'as ordinary domain'}
# The groups of guests/differential that are not called like their call.  `number` is for numbers that are no call's.
CALLS = {
    'va_mapping': ['update_va_mapping'], 'va_mapping_other': ['update_va_mapping_otherdomain'],
    'debugreg': ['set_debugreg', 'get_debugreg'], 'segment_base': ['set_segment_base'],
    'event_channel_op_old': ['event_channel_op_compat'], 'vcpu_info': ['vcpu_op'], 'number': [],
}


@dataclass
class Difference:
    """@times: by kind of domain (KINDS); @commands: the constants that it was seen for; @example: a call as the tests
    name it; @xen and @ours: what it answered there, and here; @place: the line of `accepted` that gives the reason."""
    reason: str
    place: Place
    example: str
    xen: str
    ours: str
    times: dict = field(default_factory=dict)
    commands: list = field(default_factory=list)


def read_reasons(path=ACCEPTED):
    """{reason: the first line that gives it}"""
    found = {}
    with open(path, encoding='utf-8') as file:
        for number, line in enumerate(file, 1):
            if not line.startswith('#') and ' -- ' in line:
                found.setdefault(line.rstrip('\n').partition(' -- ')[2], Place(path, number))
    return found


def calls_of(group, known, place):
    """The calls that lines of a group, one at @place, are about; Unclear: nobody knows."""
    if group not in known and group not in CALLS:
        raise Unclear(place, f'of which call is the group {group!r}?')
    return [group] if group in known else CALLS[group]


def add(found, line, reasons, commands):
    """Adds a line of seen.txt to the differences @found of a call."""
    kind, _, command, reason, times, difference = line
    same = next((one for one in found if one.reason == reason), None)
    if not same:
        example, _, answers = difference.rpartition(' > ')
        xen, _, ours = answers.partition(' | ')
        same = Difference(reason, reasons[reason], example, xen, ours)
        found.append(same)
    same.times[kind] = same.times.get(kind, 0) + int(times)
    same.commands += [constant for constant in commands
                      if constant.partition('_')[2] == command and constant not in same.commands]


def load(commands):
    """{name of a call: [Difference]}; @commands: {name of each call: constants of its commands}."""
    found, reasons = {name: [] for name in commands}, read_reasons()
    with open(SEEN, encoding='utf-8') as file:
        for number, text in enumerate(file, 1):
            line = text.rstrip('\n').split('\t')
            for name in calls_of(line[1], commands, Place(SEEN, number)):
                add(found[name], line, reasons, commands[name])
    return found
