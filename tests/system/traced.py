#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What `paravane run --trace` tells of each call of guests/tests/traced, beside what the kernel itself has passed.

Usage: traced.py WIDTH OUT TRACE      what the kernel said, and the trace: JSON, if its name ends so

Names, and how many arguments a call has, are read from abi/, and so have nothing from the code that tells them.  The
last line is "N calls, N differ".
"""

import glob
import json
import re
import sys
from dataclasses import dataclass, field

sys.path.append('tools/docs')  # behind this folder

import facts  # noqa: E402
import markup  # noqa: E402

LEAST = 200  # calls: fewer, and it is not all of them
TOLD = {'updates': 2, 'operations': 3, 'argument': 1}  # words of an entry
ENTRIES = 1024  # of a list that are told
ARGUMENTS = 5
STUB = 'hypercall_page+0x2e'  # of iret, 32 bytes a call: of one that does not return it is not told where it was made
# The commands that the older form of a call has; it takes the newer one's names for them.
COMPAT = {'sched_op_compat': {'SCHEDOP_yield', 'SCHEDOP_block', 'SCHEDOP_shutdown'}}
IN_MEMORY = {'event_channel_op_compat', 'physdev_op_compat', 'platform_op', 'mmu_update'}  # commands, or in an address


@dataclass
class Call:
    nested: bool
    number: int
    args: list
    result: int | None  # None: the call does not return
    kind: str = ''
    words: list = field(default_factory=list)


def made(path):
    """The calls of the kernel, as it says."""
    calls = []
    with open(path, encoding='utf-8', errors='replace') as file:
        for line in file:
            words = line.split()
            if words[:2] in (['traced:', 'call'], ['traced:', 'nested']):
                numbers = [int(word, 16) for word in words[2:3 + ARGUMENTS]]
                calls.append(Call(words[1] == 'nested', numbers[0], numbers[1:],
                                  None if words[-1] == 'none' else int(words[-1])))
            elif words[:1] == ['traced:']:
                calls[-1].kind = words[1]
                calls[-1].words += [int(word, 16) for word in words[2:]]
    for call in calls:
        del call.words[ENTRIES * TOLD.get(call.kind, 1):]
    return calls


class Names:
    """Those of the headers."""

    def __init__(self, width):
        self.width = width
        self.reference = markup.parse(glob.glob('abi/*.h'))
        numbers = {name: self.number(constant.value) for name, constant in self.reference.constants.items()
                   if re.match(r'__HYPERVISOR_(?!arch_)[a-z]|XEN_E[A-Z0-9]+$', name)}
        self.calls = {number: name.removeprefix('__HYPERVISOR_') for name, number in numbers.items()
                      if name.startswith('__HYPERVISOR_')}
        self.errors = {number: name.removeprefix('XEN_') for name, number in numbers.items() if name.startswith('XEN_')}

    def number(self, value):
        """What a constant is, which may be another one."""
        return self.number(self.reference.constants[value].value) if value in self.reference.constants else int(value, 0)

    def command(self, call, number):
        """The name of a command of a call, by its name, or None."""
        if call not in self.reference.calls or call in IN_MEMORY:
            return None
        commands = facts.commands_of(self.reference, self.reference.calls[call])
        named = (name for name, value in commands.items() if value == number)
        return next((name for name in named if name in COMPAT.get(call, [name])), None)

    def arguments(self, call):
        """How many it has: one of 64 bits is two of a 32-bit guest's."""
        if call not in self.reference.calls:
            return 2
        if call == 'set_callbacks':
            return 3 if self.width == 64 else 4  # two addresses, each with a selector
        wide = [parameter.type == 'uint64_t' for parameter in self.reference.calls[call].parameters]
        return len(wide) + (sum(wide) if self.width == 32 else 0)


def hexadecimal(number):
    return f'0x{number:x}' if number > 9 else f'{number:x}'


def in_words(call, names):
    """The lines that tell of a call, without when and where."""
    name, shown = names.calls.get(call.number), [hexadecimal(argument) for argument in call.args]
    command = name and name != 'mmuext_op' and names.command(name, call.args[0])
    if command:
        shown[0] = command
    result = '' if call.result is None else \
        f' = -{names.errors[-call.result]}' if call.result < 0 else f' = {hexadecimal(call.result)}'
    yield f'{name or f"hypercall {call.number}"}({", ".join(shown[:names.arguments(name)])}){result}'
    each = TOLD.get(call.kind, 1)
    entries = [call.words[at:at + each] for at in range(0, len(call.words), each)]
    if call.kind == 'argument':
        yield '    argument: ' + ' '.join(f'{word:016x}' for word in call.words)
    for entry in entries if call.kind == 'updates' else []:
        yield f'    {{ptr 0x{entry[0]:x}, val 0x{entry[1]:x}}}'
    for entry in entries if call.kind == 'operations' else []:
        yield f'    {{{names.command(name, entry[0]) or f"command {entry[0]}"}, 0x{entry[1]:x}, 0x{entry[2]:x}}}'


def as_object(call, names):
    """What the object of a call has, of that which is known."""
    name = names.calls.get(call.number)
    one = {'kind': 'nested' if call.nested else 'call', 'number': call.number,
           'args': [f'0x{argument:x}' for argument in call.args]}
    if call.result is not None:
        one['result'] = call.result
    command = name and name != 'mmuext_op' and names.command(name, call.args[0])
    if name:
        one['call'] = name
    if command:
        one['command'] = command
    if call.kind:
        one[call.kind] = [f'0x{word:x}' for word in call.words]
    elif name in ('mmu_update', 'mmuext_op'):
        one['updates' if name == 'mmu_update' else 'operations'] = []
    return one


def between(lines, is_mark):
    """From the first that is a mark to the last one."""
    marks = [at for at, line in enumerate(lines) if is_mark(line)]
    return lines[marks[0]:marks[-1] + 1] if len(marks) > 1 else []


def told_objects(path, mark):
    """The objects of a trace, each batch in one piece, without when and where."""
    found = []
    with open(path, encoding='utf-8') as file:
        objects = [json.loads(line) for line in file]
    for one in between(objects, lambda one: one.get('number') == mark):
        where = one.pop('caller_symbol', ''), one.pop('caller', ''), one.pop('rip', ''), one.pop('rip_symbol', '')
        assert where[0].startswith('make_call+0x') or ('result' not in one and where[3].startswith(STUB)), (where, one)
        assert one.pop('domain') == 1 and one.pop('vcpu') == 0 and one.pop('began') >= 0 and one.pop('ticks') > 0, one
        one['args'] = one['args'][:ARGUMENTS]
        if one['kind'] == 'more':
            for kind in set(TOLD) & set(one):
                found[-1][kind] += one[kind]
        else:
            found.append(one)
    return found


def told_lines(path, mark):
    """The lines of a trace, likewise."""
    with open(path, encoding='utf-8') as file:
        lines = file.read().splitlines()
    found = []
    for line in between(lines, lambda line: f' hypercall {mark}(' in line and not line.startswith('  ')):
        made_at = re.fullmatch(rf'\d+ d1v0 [0-9a-f]+ <(?:make_call\+0x[0-9a-f]+> (.*)|{re.escape(STUB)}.> (iret.*)) '
                               r'<\d+>', line)
        found.append(made_at.group(1) or made_at.group(2) if made_at else line)
    return found


def differences(expected, told):
    """Pairs that differ, and how many there are on either side."""
    return [(one, other) for one, other in zip(expected, told) if one != other]


def main():
    calls, names = made(sys.argv[2]), Names(int(sys.argv[1]))
    if sys.argv[3].endswith('.json'):
        expected, told = [as_object(call, names) for call in calls], told_objects(sys.argv[3], calls[0].number)
    else:
        expected = [('  ' if call.nested and not at else '') + line for call in calls
                    for at, line in enumerate(in_words(call, names))]
        told = told_lines(sys.argv[3], calls[0].number)
    wrong = differences(expected, told)
    for one, other in wrong[:20]:
        print(f'passed: {str(one)[:600]}\ntold:   {str(other)[:600]}')
    if len(expected) != len(told):
        print(f'{len(expected)} lines or objects expected, {len(told)} told')
    print(f'{len(calls)} calls, {len(wrong)} differ')
    return bool(wrong) or len(expected) != len(told) or len(calls) < LEAST


if __name__ == '__main__':
    sys.exit(main())
