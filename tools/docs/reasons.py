# SPDX-License-Identifier: MIT
"""The reasons of refusals: engine/refuse.h, with what to do about each in hv/domain/advice.c, and of the calls that are
not the engine's: hv/domain/call_refuse.h."""
import re
from dataclasses import dataclass, field

from model import Place

HEADER = 'engine/refuse.h'
ADVICE = 'hv/domain/advice.c'
CALLS = 'hv/domain/call_refuse.h'
CALL_ROW = re.compile(r'\bREASON\(\s*(\w+),\s*("[^"]*"),\s*((?:"[^"]*"\s*)+),\s*((?:"[^"]*"\s*)+)\)')
ROW = re.compile(r'\bADVICE(?:_(32|64))?\(\s*(\w+),\s*((?:"[^"]*"\s*)+)\)')


@dataclass
class Reason:
    """@value: what the refused value is, a VALUE_* of engine/refuse.h, or in words; @advice: what a guest does instead;
    @only: the guests that alone can come to it, `32-bit guests`, or ''; @sites: where it is given, (place, error,
    function); @calls: {name of a call: the errors that it gives for it}."""

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


def strings(text):
    return re.findall('"([^"]*)"', text)


def load_calls(path=CALLS):
    """A Reason for each of the calls that are not the engine's."""
    with open(path, encoding='utf-8') as file:
        text = file.read().replace('\\\n', ' \n')
    for row in CALL_ROW.finditer(text):
        value, why = (''.join(strings(part)) for part in row.groups()[1:3])
        yield Reason(row.group(1), value.split(' %')[0], why, Place(path, text.count('\n', 0, row.start(1)) + 1),
                     ''.join(strings(row.group(4))))


def load(header=HEADER, advice=ADVICE, calls=CALLS):
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
    for reason in load_calls(calls):
        if reason.name in found:
            complaints.append((reason.place, f'{reason.name} is a reason of {header}, too'))
        found[reason.name] = reason
    return found, complaints
