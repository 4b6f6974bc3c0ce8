# SPDX-License-Identifier: MIT
"""The order of the arguments in the prototypes of abi/, against what takes them apart and against what makes the call.

A handler takes pointers as VADDR(args[n]), and of a 32-bit guest numbers of 64 bits as pair(args + n).  The functions
of guest/hypercall.h, and of what it has for 64-bit guests apart, with which the tests' kernels call Xen and Paravane
alike, give the arguments in order by name.
"""
import re

import csource
from registers import is_64_bits

CALLERS = ('guest/hypercall.h', 'guest/x86_64/hypercall.h')
MADE = re.compile(r'\breturn hypercall\(__HYPERVISOR_(\w+), ([^;]*)\);')
# What the guest's library calls what a prototype has another name for.
NAMES = {'done_out': 'done', 'pdone': 'done', 'foreigndom': 'domain', 'domid': 'domain', 'uops': 'ops', 'uop': 'ops',
         'va': 'vaddr', 'val': 'entry', 'call_list': 'calls', 'nr_calls': 'count', 'frame_list': 'frames', 'pa': 'maddr',
         'desc': 'descriptor', 'timeout': 'deadline', 'vcpuid': 'vcpu', 'extra_args': 'arg'}
# What is done for a 64-bit guest, and what for another: a statement each, or a value each.
WIDTHS = re.compile(r'if \(is_64bit\(op\)\)\s*([^;]*);(.*)|return \w*is_64bit\([^;?]*\) \? ([^;:]*):([^;]*);', re.S)
PAIR = re.compile(r'\bpair\(args(?: \+ (\d))?\)|\(uint32_t\)args\[(\d)\] \| args\[\d\] << 32')


def is_pointer(parameter):
    return '*' in parameter.type or parameter.type.endswith('[]')


def taken_apart(program, function, seen=()):
    """The bodies that take args apart: that of the handler, those of the functions that it hands all of them on to."""
    if function in seen or not set(function.parameters) & {'args'}:
        return []
    found = [function.body] if 'args[' in function.body or 'args +' in function.body else []
    for call in function.calls:
        callee = call.name and program.find(call.name, function.place.path)
        if callee and 'args' in call.arguments:
            found += taken_apart(program, callee, (*seen, function))
    return found


def check_handler(call, place, bodies):
    """What of the prototype of @call is not as the @bodies take its arguments: (place, text)."""
    apart = [widths(body) for body in bodies]
    wide, narrow = ' '.join(wide for wide, _ in apart), ' '.join(narrow for _, narrow in apart)
    used = {int(number) for number in re.findall(r'\bargs\[(\d)\]', wide)}
    pointers = {int(number) for number in re.findall(r'\bVADDR\(args\[(\d)\]', wide)}
    for at in sorted(used | pointers):
        if at >= len(call.parameters):
            yield call.place, f'{call.full_name} has no argument {at + 1}, which is looked at in {place}'
    for at, parameter in enumerate(call.parameters):
        if is_pointer(parameter) and at not in pointers:
            yield call.place, f'{call.full_name}: argument {at + 1}, @{parameter.name}, is no pointer in {place}'
        if at in pointers and not is_pointer(parameter) and parameter.type != 'unsigned long':
            yield call.place, f'{call.full_name}: argument {at + 1}, @{parameter.name}, is an address in {place}'
    pairs = {int(''.join(numbers) or 0) for numbers in PAIR.findall(narrow)}
    if narrow and pairs != set(halves(call)):
        yield call.place, f'{call.full_name}: not the arguments of two registers that a 32-bit guest has in {place}'


def widths(body):
    """What a body does for a 64-bit guest, and what else for a 32-bit one."""
    match = WIDTHS.search(body)
    return (match.group(1) or match.group(3), match.group(2) or match.group(4)) if match else (body, '')


def halves(call):
    """The first registers, from 0, of the arguments of 64 bits of a 32-bit guest."""
    at = 0
    for parameter in call.parameters:
        if is_64_bits(parameter):
            yield at
        at += 2 if is_64_bits(parameter) else 1


def check_handlers(reference, program, calls):
    for name, known in calls.items():
        call = reference.calls[name]
        for function, path in known.handled.handlers:
            bodies = taken_apart(program, program.find(function, path))
            if bodies:
                yield from check_handler(call, f'{function}(), {path}', bodies)


def made():
    """(call, names of its arguments in the order in which they are given, Place)"""
    for function in (function for path in CALLERS for function in csource.read(path).functions.values()):
        match = MADE.search(function.body)
        if match:
            given = [re.sub(r'^arg_of\((\w+)\)$', r'\1', text) for text in csource.split(match.group(2))]
            yield match.group(1), [name for name in given if name in function.parameters], function.place


def check_callers(reference):
    for name, given, place in made():
        call = reference.calls[name]
        named = [NAMES.get(parameter.name, parameter.name) for parameter in call.parameters]
        if named != given:
            yield call.place, f'{call.full_name}: its arguments are {", ".join(given)} at {place}'


def check(reference, program, calls):
    """What is wrong with prototypes: (place, text).  @calls: facts.CallFacts by name."""
    yield from check_handlers(reference, program, calls)
    yield from check_callers(reference)
