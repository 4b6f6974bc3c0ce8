# SPDX-License-Identifier: MIT
"""What calls cost, in instructions: tools/docs/costs.txt, which `make bench-calls` writes.

Its first lines are `date` and `machine`, each with its text.  The others, with tabs: CALL, COMMAND or -, what
was called, instructions under Paravane, and under Debian's Xen or - where there was none.
"""
import os
from dataclasses import dataclass
from typing import Optional

from model import Place

PATH = 'tools/docs/costs.txt'


@dataclass
class Cost:
    """@command: a constant, or ''; @what: that, and in words; @instructions: with the way in and out; @xen: the same
    under Debian's Xen, or None."""

    command: str
    what: str
    instructions: int
    xen: Optional[int]
    date: str
    machine: str
    place: Place


def load(calls, path=PATH):
    """({name of a call: [Cost]}, complaints (place, text)) for the known @calls."""
    found, complaints, about = {name: [] for name in calls}, [], {}
    if not os.path.exists(path):
        return found, [(Place(path, 1), 'there are no costs: make bench-calls')]
    with open(path, encoding='utf-8') as file:
        for number, line in enumerate(file, 1):
            if line.startswith('#'):
                continue
            words, place = line.rstrip('\n').split('\t'), Place(path, number)
            if len(words) == 2:
                about[words[0]] = words[1]
            elif len(words) != 5 or words[0] not in found:
                complaints.append((place, f'not a cost of a call: {line.strip()}'))
            else:
                command, xen = ('' if words[1] == '-' else words[1]), (None if words[4] == '-' else int(words[4]))
                what = ': '.join(part for part in (command, words[2]) if part)
                cost = Cost(command, what, int(words[3]), xen, about['date'], about['machine'], place)
                found[words[0]].append(cost)
    return found, complaints
