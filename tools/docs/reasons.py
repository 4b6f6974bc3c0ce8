# SPDX-License-Identifier: MIT
"""The reasons of refusals: engine/refuse.h, and what to do about each: hv/domain/advice.c."""
import re
from dataclasses import dataclass, field

from model import Place

HEADER = 'engine/refuse.h'
ADVICE = 'hv/domain/advice.c'
ROW = re.compile(r'\bADVICE(?:_(32|64))?\(\s*(\w+),\s*((?:"[^"]*"\s*)+)\)')


@dataclass
class Reason:
    """@value: what the refused value is, a VALUE_* of engine/refuse.h; @advice: what a guest does instead; @only: the
    guests that alone can come to it, `32-bit guests`, or ''; @sites: where it is given, (place, error, function);
    @calls: {name of a call: the errors that it gives for it}."""

    name: str
    value: str
    text: str
    place: Place
    advice: str = ''
    only: str = ''
    sites: list = field(default_factory=list)
    calls: dict = field(default_factory=dict)


def read_advice(path=ADVICE):
    """{name: (text, guests that alone come to it, place)}"""
    with open(path, encoding='utf-8') as file:
        text = file.read()
    found = {}
    for row in ROW.finditer(text):
        width, name, words = row.groups()
        place = Place(path, text.count('\n', 0, row.start(2)) + 1)
        found[name] = (''.join(re.findall('"([^"]*)"', words)), width and f'{width}-bit guests' or '', place)
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
            reason.advice, reason.only, place = told[name]
            named = re.search(r'\b(?:32|64)-bit guest', reason.text)
            if named and not reason.only.startswith(named.group()):
                complaints.append((place, f'{name} is for one kind of guest by {header}: {reason.text}'))
        else:
            complaints.append((reason.place, f'{name}: {advice} does not say what to do about it'))
    for name, (*_, place) in told.items():
        if name not in found:
            complaints.append((place, f'{name} is no reason of {header}'))
    return found, complaints
