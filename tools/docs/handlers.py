# SPDX-License-Identifier: MIT
"""Who carries out each call and each command, read from the tables and switches that the code itself uses.

A call's handler stands in the table of engine/hypercall.c or of hv/call/hypercall.c, or in both: then the engine's
hands on what is not its own.  A command is a row of a table, a case of a switch or a comparison in what the handler
reaches.
"""
import re
from dataclasses import dataclass, field

import csource
import reach
from model import Place, Unclear

ENGINE_TABLE = ('engine/hypercall.c', 'hypercalls')
HV_TABLE = ('hv/call/hypercall.c', 'calls')
OWN_TABLE = ('hv/call/hypercall.c', 'own_calls')  # of the vCPU alone, without a lock
TABLES = (ENGINE_TABLE, OWN_TABLE, HV_TABLE)  # those of the engine come first
NUMBER = '__HYPERVISOR_'

WORKS, INITIAL, REFUSED = 'works', 'initial domain only', 'refused'
FOR_INITIAL = re.compile(r'!?hv_vcpu_domain\(\w+\)->initial\b[^;]*?-XEN_(E\w+)')
UNKNOWN = (re.compile(r'\b\w+ \? [^;]*? : ([^;]*XEN_E\w+[^;]*);'),
           re.compile(r'if \(!(?:command|single)\)\s*return ([^;]+);'),
           re.compile(r'\bdefault:\s*return ([^;]+);'), re.compile(r'\belse\s+return ([^;]+);'))
# `if (number > LAST) return ERROR;` and `number < END ? ... : ERROR`: a command of a number out of range is refused.
LIMITS = ((re.compile(r'if \((?:command|number) > (\w+)\)\s*return ([^;]+);'), 1),
          (re.compile(r'\breturn (?:command|number) < (\w+) \? [^;]*? : ([^;]+);'), 0))


@dataclass
class Status:
    """@kind: WORKS, INITIAL (@error: what others get) or REFUSED (@error: what everybody gets), decided at @place."""
    kind: str
    error: str
    place: Place
    handler: str = ''  # the function, for a command too; '' where nothing is there for it

    def __str__(self):
        return self.kind + (f': {self.error}' if self.error else '')


@dataclass
class Handled:
    """A call: its handlers, (function, file) each, and its commands."""
    name: str
    handlers: list
    status: Status
    commands: dict = field(default_factory=dict)  # constant -> Status

    def unknown(self):
        """The commands that it refuses as it does any number that it does not know."""
        return {constant for constant, status in self.commands.items()
                if (status.kind, status.error, status.handler) == (REFUSED, 'ENOSYS', '')}


def offered(sources):
    """(name of a call, its handler, Place) of each row of the tables; @sources: csource.Source by path."""
    for path, name in TABLES:
        table = sources[path].tables[name]
        for number, function in table.rows.items():
            yield number.removeprefix(NUMBER), function, table.places[number]


def handlers(program):
    """{name of a call: [(function, file)]}."""
    found = {}
    for name, function, place in offered(program.sources):
        found.setdefault(name, []).append((function, program.find(function, place.path).place.path))
    return found


def last_error(text):
    """The last error that a piece of code names, or ''."""
    names = re.findall(r'XEN_(E\w+)|(GNTST_(?!okay)\w+)', text)
    return ''.join(names[-1]) if names else ''


def always_refuses(program, function, seen=()):
    """What the last return of the function gives, if each gives an error, whatever it is asked: `EPERM`, `EPERM or
    ENODATA`; else ''."""
    returned = re.findall(r'\breturn ([^;]+);', function.body)
    errors = []
    for text in returned if function not in seen else ():
        errors = [refused_by(program, function, part, seen) for part in alternatives(text)]
        if not all(errors):
            return ''
    return ' or '.join(dict.fromkeys(errors))


def refused_by(program, function, value, seen):
    """The error that a returned value is, or ''."""
    called = re.match(r'(\w+)\(', value)
    if re.match(r'-(?:\(int(?:64_t)?\))?XEN_E\w+$|GNTST_(?!okay)\w+$', value) or \
            (called and (called.group(1) in reach.RECORDERS or called.group(1) == reach.NOTER)):
        return last_error(value)
    callee = called and program.find(called.group(1), function.place.path)
    return always_refuses(program, callee, (*seen, function)) if callee else ''


def alternatives(text):
    """The parts of A ? B : C that can be its value."""
    question = csource.split(text, '?')
    return [part.strip() for part in (csource.split(question[1], ':') if len(question) == 2 else [text])]


def function_of(program, path, text):
    """The function that a row names, or that a case or a branch returns, or else the first one of it; or None."""
    returned = re.search(r'\breturn (\w+)\(', text)
    for word in ([returned.group(1)] if returned else []) + csource.WORD.findall(text):
        function = program.find(word, path)
        if function and word not in reach.RECORDERS and word != reach.NOTER:
            return function
    return None


def judged(program, function, place):
    """The Status of what @function carries out."""
    error = always_refuses(program, function)
    if error:
        return Status(REFUSED, error, function.place, function.name)
    initial = FOR_INITIAL.search(function.body)
    if initial:
        return Status(INITIAL, initial.group(1), function.place_at(initial.start()), function.name)
    return Status(WORKS, '', place, function.name)


def branches(program, function):
    """(constant, Status) for each constant that the body of @function tells apart."""
    source = program.sources[function.place.path]
    for name, table in source.tables.items():
        if re.search(rf'\b{name}\b', function.body):
            for row, text in table.rows.items():
                found = function_of(program, source.path, text)
                if found:
                    yield row, judged(program, found, table.places[row])
    for match in re.finditer(r'((?:\bcase [A-Z]\w+:\s*)+)(.*?)(?=\bcase |\bdefault:|\Z)', function.body, re.S):
        yield from branch(program, function, re.findall(r'case (\w+)', match.group(1)), match, match.group(2))
    for match in re.finditer(r'\bif \(((?:[^()]|\([^()]*\))*)\)\s*([^;]*;)', function.body):
        if '!=' not in match.group(1):
            yield from branch(program, function, reach.COMPARED.findall(match.group(1)), match, match.group(2))


def branch(program, function, constants, match, code):
    found = function_of(program, function.place.path, code)
    returned = re.match(rf'\s*return (?:{reach.NOTER}\()?(-XEN_E\w+)\b[^;]*;', code)
    place = function.place_at(match.start())
    for constant in constants:
        if returned:
            yield constant, Status(REFUSED, last_error(returned.group(1)), place)
        else:
            yield constant, judged(program, found, place) if found else Status(WORKS, '', place, function.name)


def unknown(program, function):
    """The Status of a command that the body of @function has nothing for, or None where it does not say so."""
    for pattern in UNKNOWN:
        match = pattern.search(function.body)
        if match and last_error(match.group(1)):
            return Status(REFUSED, last_error(match.group(1)), function.place_at(match.start(1)))
    return None


def dispatchers(program, handler):
    """The functions of the handler's file that it reaches, itself first."""
    name, path = handler
    return [function for place, function in program.reached(name, path).items() if place[0] == path]


def refuse_beyond(call, function, commands):
    """The limits that the body of @function sets to the numbers of commands: those beyond are refused, others known."""
    for pattern, least in LIMITS:
        match = pattern.search(function.body)
        if match and match.group(1) in commands:
            error = Status(REFUSED, last_error(match.group(2)), function.place_at(match.start()))
            for constant, number in commands.items():
                known = call.commands.get(constant)
                if number >= commands[match.group(1)] + least and not (known and known.handler in function.body):
                    call.commands[constant] = error
                elif not known:
                    call.commands[constant] = Status(WORKS, '', function.place, function.name)


def handled(program, name, at, commands):
    """The Handled of the call @name with the handlers @at and the @commands {constant: number} of its group."""
    call = Handled(name, at, judged(program, program.find(*at[0]), program.find(*at[0]).place))
    default, functions = None, [function for handler in at for function in dispatchers(program, handler)]
    for function in functions:
        known = [(constant, found) for constant, found in branches(program, function) if constant in commands]
        for constant, found in known:
            call.commands.setdefault(constant, found)
        default = (unknown(program, function) if known else None) or default
    for function in functions:
        refuse_beyond(call, function, commands)
    for constant in commands:
        if call.commands.setdefault(constant, default) is None:
            raise Unclear(program.find(*at[0]).place, f'{name}: {constant}: no table has it, and what it gives is not '
                          'to be seen')
    return call


def all_handled(program, numbers, commands):
    """Each call of @numbers, names without __HYPERVISOR_; @commands: {name: {constant of its commands: number}}."""
    at = handlers(program)
    nothing = program.sources[HV_TABLE[0]].functions['call_in_house']
    return {name: handled(program, name, at[name], commands.get(name, {})) if name in at else
            Handled(name, [], Status(REFUSED, last_error(nothing.body), nothing.place)) for name in numbers}
