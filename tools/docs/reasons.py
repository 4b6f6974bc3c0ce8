# SPDX-License-Identifier: MIT
"""The reasons of refusals: engine/refuse.h, and what to do about each: tools/docs/advice.txt."""
import re
from dataclasses import dataclass, field

from model import Place

HEADER = 'engine/refuse.h'
ADVICE = 'tools/docs/advice.txt'


@dataclass
class Reason:
    """@value: what the refused value is, a VALUE_* of engine/refuse.h; @advice: what a guest does instead; @sites:
    where it is given, (place, error, function); @calls: {name of a call: the errors that it gives for it}."""

    name: str
    value: str
    text: str
    place: Place
    advice: str = ''
    sites: list = field(default_factory=list)
    calls: dict = field(default_factory=dict)


def read_advice(path=ADVICE):
    """{name: (text, place)}"""
    found, name = {}, None
    with open(path, encoding='utf-8') as file:
        for number, line in enumerate(file, 1):
            if line.startswith('    ') and name:
                found[name] = (f'{found[name][0]} {line.strip()}'.strip(), found[name][1])
            elif re.match(r'[A-Z0-9_]+$', line):
                name = line.strip()
                found[name] = ('', Place(path, number))
    return found


def load(header=HEADER, advice=ADVICE):
    """({name: Reason}, complaints (place, text))"""
    with open(header, encoding='utf-8') as file:
        text = file.read()
    found, complaints = {}, []
    for match in re.finditer(r'\bREASON\((\w+), ([A-Z]+),[\s\\]*"([^"]*)"\)', text):
        place = Place(header, text.count('\n', 0, match.start()) + 1)
        found[match.group(1)] = Reason(match.group(1), match.group(2), match.group(3), place)
    told = read_advice(advice)
    for name, reason in found.items():
        if name in told:
            reason.advice = told[name][0]
        else:
            complaints.append((reason.place, f'{name}: {advice} does not say what to do about it'))
    for name, (_, place) in told.items():
        if name not in found:
            complaints.append((place, f'{name} is no reason of {header}'))
    return found, complaints
