# SPDX-License-Identifier: MIT
"""Everything as one JSON file, for programs.

    headings    by label: what stands under each, its calls, commands, errors in order, statements
    calls       by name: number, prototype, arguments with their registers in both widths, state, refusals, tests
    groups, structures, constants, reasons    by name
    errors      by number: everything that gives it
    tables      the code's own: entries by level and bit, the PAT, the type word, address spaces
"""

import dataclasses
import json

from errorlines import number_of
from registers import registers


def plain(thing):
    """Objects of the model as what JSON has; a place is path:line."""
    if hasattr(thing, '_fields'):
        return str(thing)
    if dataclasses.is_dataclass(thing):
        return {field.name: plain(getattr(thing, field.name)) for field in dataclasses.fields(thing)}
    if isinstance(thing, dict):
        return {key: plain(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [plain(value) for value in thing]
    return thing


def names(things):
    return [thing.name for thing in things]


def heading(one):
    return {'title': one.title, 'priority': one.priority, 'place': str(one.place),
            'text': [line.text for line in one.lines], 'calls': names(one.calls), 'groups': names(one.groups),
            'structures': names(one.structures), 'constants': names(one.constants),
            'commands': [{'names': command.names, 'place': str(command.place),
                          'text': [line.text for line in command.lines]} for command in one.commands],
            'errors': plain(one.errors), 'statements': plain(one.statements)}


def call(one, known):
    return {'number': one.constant and one.constant.name, 'result': one.result, 'prototype': one.prototype,
            'heading': one.heading, 'place': str(one.place),
            'arguments': [{'name': parameter.name, 'type': parameter.type, 'text': parameter.description,
                           'register_64': wide, 'registers_32': narrow.split(', ')}
                          for parameter, wide, narrow in registers(one)],
            'status': str(known.handled.status),
            'handlers': [{'name': name, 'path': path} for name, path in known.handled.handlers],
            'commands': {name: {'status': str(status), 'place': str(status.place)}
                         for name, status in known.handled.commands.items()},
            'refusals': sorted({(number_of(refusal), refusal.reason, str(refusal.place))
                                for refusal in known.refusals}),
            'otherwise': plain(known.otherwise), 'costs': plain(known.costs), 'tests': plain(known.tests)}


def errors(reference):
    """{number: where it comes from}"""
    found = {}
    for one in reference.headings.values():
        for error in one.errors:
            for number in error.numbers:
                found.setdefault(number, []).append(
                    {'heading': one.label, 'calls': names(one.calls), 'commands': error.commands, 'text': error.text,
                     'statement': error.statement, 'reasons': error.reasons, 'place': str(error.place)})
    return dict(sorted(found.items()))


def dump(reference, facts, tables):
    """The file's text."""
    return json.dumps({
        'headings': {label: heading(one) for label, one in reference.headings.items()},
        'calls': {name: call(one, facts.calls[name]) for name, one in reference.calls.items()},
        'groups': {name: {**plain(one), 'constants': names(one.constants)} for name, one in reference.groups.items()},
        'structures': plain(reference.structures),
        'constants': plain(reference.constants),
        'statements': plain(reference.statements),
        'errors': errors(reference),
        'reasons': {name: {'value': one.value, 'text': one.text, 'only': one.only, 'advice': one.advice,
                           'place': str(one.place)}
                    for name, one in facts.reasons.items()},
        'tables': tables,
    }, indent=1, ensure_ascii=False) + '\n'
