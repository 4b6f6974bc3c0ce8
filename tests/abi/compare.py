# SPDX-License-Identifier: MIT
"""Compare every size, offset and number of abi/ with those of Xen's public headers, and the mark-up with its rules; by
run.sh.

What is compared is read out of abi/ itself (cheaders.py).  From it one C file is made for each side and width, with a
line for each value; a line that does not compile is a name that this side does not have.  The values are read out of
the object files, so nothing is linked or run.

In 64 bits a name of abi/ stands for the same name of Xen's.  In 32 bits compat_NAME and COMPAT_NAME stand for NAME, and
a name that has no such twin for itself.
"""

import glob
import os
import re
import struct
import subprocess
import sys

import cheaders
import markfaults
import marks

CC = os.environ.get('CC', 'gcc').split()
XEN_PATH = os.environ.get('PARAVANE_XEN')
BUILD = 'build/tests/abi'
FLAGS = ['-std=gnu11', '-ffreestanding', '-w', '-I.']
WARNINGS = ('-std=c11 -ffreestanding -fsyntax-only -I. -Wall -Wextra -Werror -Wpadded -Wshadow -Wconversion -Wundef '
            '-Wmissing-prototypes -Wstrict-prototypes -Wcast-qual -Wvla').split()
XEN_HEADERS = ['xen.h', 'errno.h', 'arch-x86/xen-mca.h', 'arch-x86/cpuid.h', 'callback.h', 'elfnote.h', 'event_channel.h',
               'features.h', 'grant_table.h', 'memory.h', 'nmi.h', 'physdev.h', 'platform.h', 'sched.h', 'vcpu.h',
               'version.h', 'io/9pfs.h', 'io/blkif.h', 'io/console.h', 'io/netif.h', 'io/protocols.h',
               'io/xs_wire.h']

# Types whose 32-bit name is not compat_ and the 64-bit one, as names in Xen's headers.
TWINS = {'compat_pfn_t': 'xen_pfn_t', 'compat_u64': 'uint64_t'}

# What a macro with parameters is tried with: numbers, unless it needs something else.
SAMPLES = ['0', '1', '2', '3', '7', '64', '0x123', '0x12345', '0xfffffU', '0x80000000U', '0xdeadbeefU']
ARGUMENTS = {'MASK_XENCONS_IDX': [f'{n}, ((struct xencons_interface *)0)->{ring}'
                                  for n in (0, 1023, 1024, 2047, 2048, 0x12345) for ring in ('in', 'out')],
             'XEN_FLEX_RING_SIZE': [str(n) for n in range(10)],
             'xen_vcpu_physid_to_x86_acpiid': ['0ULL', '0x123456789abcdefULL'],
             'xen_vcpu_physid_to_x86_apicid': ['0ULL', '0x123456789abcdefULL']}

# A macro that works on memory: the code that a compiler makes of its use, which is a constant, is compared.
TRAP = 'struct {trap_info} t = {{ .flags = {flags} }}; '
BODIES = {
    'TI_GET_DPL': [TRAP + 'return TI_GET_DPL(&t);'],
    'TI_GET_IF': [TRAP + 'return TI_GET_IF(&t);'],
    'TI_SET_DPL': [TRAP + f'TI_SET_DPL(&t, {n}); return t.flags;' for n in (0, 1, 2, 3)],
    'TI_SET_IF': [TRAP + f'TI_SET_IF(&t, {n}); return t.flags;' for n in (0, 1, 4)],
}
CONSTANT_FUNCTION = re.compile(rb'(\xb8....|\x31\xc0)\xc3', re.S)  # mov $n,%eax or xor %eax,%eax; ret

# The type of a constant, as a number: its bytes, and whether it has a sign.
TYPE = '(sizeof({}) * 2 + ((__typeof__({}))-1 < 0))'


# Kinds of value that a side may be without: what they are of is a value of its own.
TYPES = ('sign', 'type')


class CannotCompare(Exception):
    pass


class Value:
    """One thing to compare: how it is called in messages, and its C text on each side, {} being the type's name."""

    def __init__(self, header, name, what, kind, text, compat_name=None):
        self.header, self.name, self.what, self.kind, self.text = header, name, what, kind, text
        self.xen_name = name if compat_name is None else compat_name
        self.compat = compat_name is not None

    def __str__(self):
        return self.what


def xen_name(name):
    """The name that a 32-bit twin stands for, or None for any other name."""
    if name in TWINS:
        return TWINS[name]
    return name[len('compat_'):] if name.lower().startswith('compat_') else None


def values_of(header):
    for name, is_string in header.constants:
        yield Value(header, name, name, 'string' if is_string else 'number', '{}', xen_name(name))
        if not is_string:
            yield Value(header, name, f'type of {name}', 'type', TYPE, xen_name(name))
    for name, count in header.macros:
        if name in BODIES:
            for body in BODIES[name]:
                for flags in range(8):
                    text = body.replace('{flags}', str(flags)).replace('{{', '{').replace('}}', '}')
                    yield Value(header, name, f'{name} with flags {flags}', 'code', text, xen_name(name))
            continue
        samples = ARGUMENTS.get(name) or [', '.join([sample] * count) for sample in SAMPLES]
        for sample in samples:
            yield Value(header, name, f'{name}({sample})', 'number', '{}(' + sample + ')', xen_name(name))
    for found in header.types:
        twin = xen_name(found.name)
        c_type = found.c_name.replace(found.name, '{}')
        yield Value(header, found.name, f'sizeof({found.c_name})', 'number', f'sizeof({c_type})', twin)
        if not found.members and found.name.endswith('_t'):
            yield Value(header, found.name, f'sign of {found.name}', 'sign', f'((__typeof__({c_type}))-1 < 0)', twin)
        for path, flexible, scalar in found.members:
            if re.match(r'_gap\d+$', path.split('.')[-1]):
                continue
            member = f'(({c_type} *)0)->{path}'
            yield Value(header, found.name, f'offset of {found.name}.{path}', 'number',
                        f'__builtin_offsetof({c_type}, {path})', twin)
            if not flexible:
                yield Value(header, found.name, f'size of {found.name}.{path}', 'number', f'sizeof({member})', twin)
            if scalar:
                yield Value(header, found.name, f'sign of {found.name}.{path}', 'sign',
                            f'((__typeof__({member}))-1 < 0)', twin)


def run(command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def section(object_file, name):
    """The bytes of a section of an ELF file of either class; b'' if there is none."""
    with open(object_file, 'rb') as file:
        data = file.read()
    if data[4] == 2:
        start, size, count, names = struct.unpack_from('<Q', data, 40) + struct.unpack_from('<HHH', data, 58)
        layout, at = '<II8x8xQQ', (0, 2, 3)
    else:
        start, size, count, names = struct.unpack_from('<I', data, 32) + struct.unpack_from('<HHH', data, 46)
        layout, at = '<II4x4xII', (0, 2, 3)
    headers = [struct.unpack_from(layout, data, start + index * size) for index in range(count)]
    strings = headers[names][at[1]]
    for header in headers:
        first = strings + header[at[0]]
        if data[first:data.index(b'\0', first)].decode() == name:
            return data[header[at[1]]:header[at[1]] + header[at[2]]]
    return b''


def evaluate(side, width, values, texts, prologue):
    """The value of each text, in order; None for one that does not compile."""
    source = f'{BUILD}/{side}-{width}.c'
    object_file = source[:-2] + '.o'
    flags = CC + [f'-m{width}'] + FLAGS
    if 'clang' in run(CC + ['--version']).stdout:
        flags += ['-ferror-limit=0']
    else:
        flags += ['-fmax-errors=0', '-ftrack-macro-expansion=0']
    if side.startswith('xen') and XEN_PATH:
        flags += ['-isystem', XEN_PATH]
    absent = set()
    while True:
        lines, place = prologue.split('\n'), {}

        def emit(opening, kinds, form, closing, lines=lines, place=place):
            lines.append(opening)
            for index, value in enumerate(values):
                if value.kind in kinds and index not in absent:
                    lines.append(form.replace('@', str(index)).replace('$', texts[index]))
                    place[len(lines)] = index
            lines.append(closing)

        emit('const struct { unsigned index; unsigned long long value; } __attribute__((packed)) numbers[]'
             ' __attribute__((section(".abi.numbers"))) = {', ('number', 'sign', 'type'), '{ @, (unsigned long long)($) },', '};')
        emit('const struct { unsigned index; char text[124]; } strings[]'
             ' __attribute__((section(".abi.strings"))) = {', ('string',), '{ @, $ },', '};')
        emit('', ('code',),
             'unsigned use_@(void); __attribute__((section(".abi.code@"))) unsigned use_@(void) { $ }', '')
        with open(source, 'w', encoding='utf-8') as file:
            file.write('\n'.join(lines) + '\n')
        result = run(flags + ['-O2', '-fcf-protection=none', '-fno-asynchronous-unwind-tables', '-c', source, '-o',
                              object_file])
        if result.returncode == 0:
            break
        bad = set()
        for match in re.finditer(r'^([^:\n]+):(\d+):\d+: (?:fatal )?error: ', result.stdout, re.M):
            if match.group(1) == source and int(match.group(2)) in place:
                bad.add(place[int(match.group(2))])
        if not bad:
            raise CannotCompare(f'{result.stdout}\n{source} does not compile')
        absent |= bad

    out = [None] * len(values)
    data = section(object_file, '.abi.numbers')
    for offset in range(0, len(data), 12):
        index, value = struct.unpack_from('<IQ', data, offset)
        out[index] = value
    data = section(object_file, '.abi.strings')
    for offset in range(0, len(data), 128):
        index, = struct.unpack_from('<I', data, offset)
        out[index] = data[offset + 4:offset + 128].rstrip(b'\0').decode()
    for index, value in enumerate(values):
        if value.kind == 'code' and index not in absent:
            code = section(object_file, f'.abi.code{index}')
            if not CONSTANT_FUNCTION.fullmatch(code.rstrip(b'\x90\xcc')):
                raise CannotCompare(f'{source}: {value} is not a constant: {code.hex()}')
            out[index] = int.from_bytes(code[1:5], 'little') if code[0] == 0xb8 else 0
    return out


def assemble(headers):
    """Complaints about headers whose constants cannot be used in assembly."""
    complaints = []
    for header in headers:
        source = f'{BUILD}/{os.path.basename(header.path)[:-2]}.S'
        with open(source, 'w', encoding='utf-8') as file:
            file.write(f'#include "{header.path}"\n' + ''.join(f'.quad {name}\n' for name, _ in header.constants))
        result = run(CC + ['-m64', '-I.', '-c', source, '-o', source[:-2] + '.S.o'])
        if result.returncode:
            complaints.append(f'{header.path}: {result.stdout.strip()}')
    return complaints


def render(value, kind='number'):
    if isinstance(value, str):
        return f'"{value}"'
    if kind == 'type':
        return f'{"signed" if value % 2 else "unsigned"}, {value // 2} bytes'
    return str(value) if value < 4096 else hex(value)


class Report:
    def __init__(self):
        self.passed = self.failed = 0

    def group(self, title, count, complaints):
        """One line for a group, and one for each complaint about it."""
        for complaint in complaints:
            print(f'    {complaint}')
        if complaints:
            self.failed += 1
            print(f'FAIL {title}: {len(complaints)} of {count}')
        else:
            self.passed += 1
            print(f'ok   {title}: {count}')

    def kind(self, kind):
        """One line for a kind of fault in the mark-up, with how often it is there."""
        self.group(f'mark-up: {kind.title}', f'{kind.looked}' if kind.complaints else f'0 of {kind.looked}', kind.complaints)


def read_exceptions(path):
    """{'absent': {name: why}, 'differs': {name: why}}"""
    out = {'absent': {}, 'differs': {}}
    with open(path, encoding='utf-8') as file:
        for line in file:
            line = line.split('#')[0].split(None, 2)
            if line:
                out[line[0]][line[1]] = line[2].strip()
    return out


def ours(value, as_compat):
    """The value's C text with the names of abi/; a macro that works on memory gets the structure of the width."""
    if value.kind == 'code':
        return value.text.replace('{trap_info}', 'compat_trap_info' if as_compat else 'trap_info')
    return value.text.replace('{}', value.name)


def theirs(value):
    if value.kind == 'code':
        return value.text.replace('{trap_info}', 'trap_info')
    return value.text.replace('{}', value.xen_name)


def main():
    headers = cheaders.parse_all(sorted(glob.glob('abi/*.h')))
    exceptions = read_exceptions('tests/abi/exceptions.txt')
    report = Report()
    os.makedirs(BUILD, exist_ok=True)

    for width in (64, 32):
        complaints = []
        for header in headers:
            result = run(CC + [f'-m{width}'] + WARNINGS + ['-x', 'c', header.path])
            if result.returncode:
                complaints.append(result.stdout.strip())
        report.group(f'headers that compile alone, without hidden padding, for {width} bits', len(headers), complaints)

    for_assembly = [header for header in headers if 'Usable from assembly' in header.text]
    report.group('headers that can be used from assembly', len(for_assembly), assemble(for_assembly))

    with open('abi/assertions.c', encoding='utf-8') as file:
        for kind in marks.check([header.path for header in headers], file.read()):
            report.kind(kind)
    complaints, planted = markfaults.unseen()
    report.group('planted faults of the mark-up, each seen', planted, complaints)

    values = [value for header in headers for value in values_of(header)]
    our_prologue = ''.join(f'#include "{header.path}"\n' for header in headers)
    xen_prologue = ('#include <stddef.h>\n#include <stdint.h>\n'
                    '#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__\n' +
                    ''.join(f'#include <xen/{name}>\n' for name in XEN_HEADERS))

    # Ours must not depend on what they are compiled for: the hypervisor has 64 bits, a 32-bit guest has not.  Only
    # constants can be as wide as a register, as Xen's are.
    mine = {}
    for as_compat in (False, True):
        texts = [ours(value, as_compat) for value in values]
        for width in (64, 32):
            mine[as_compat, width] = evaluate(f'abi{"-compat" if as_compat else ""}', width, values, texts, our_prologue)
    unknown = [str(value) for value, number in zip(values, mine[False, 64]) if number is None and value.kind not in TYPES]
    if unknown:
        raise CannotCompare('abi/ has no ' + ', '.join(unknown))
    report.group('values of abi/ that do not depend on the width they are compiled for', len(values),
                 [f'{value}: {render(wide)} for 64 bits, {render(narrow)} for 32 bits'
                  for value, wide, narrow in zip(values, mine[False, 64], mine[False, 32])
                  if wide != narrow and value.kind != 'type'])

    with_twin = {value.xen_name for value in values if value.compat}
    found, differing, compared = set(), set(), {64: 0, 32: 0}
    lines = {}
    for width in (64, 32):
        xen = evaluate('xen', width, values, [theirs(value) for value in values], xen_prologue)
        for header in headers:
            complaints, count = [], 0
            for index, value in enumerate(values):
                if value.header is not header or value.compat and width == 64:
                    continue
                if width == 32 and not value.compat and value.name in with_twin:
                    continue
                if xen[index] is None:
                    continue
                number = mine[width == 32, width if value.kind == 'type' else 64][index]
                if value.kind not in TYPES:
                    found.add((value.name, str(value)))
                if number != xen[index]:
                    if value.kind != 'type':
                        differing.add(value.name)
                        if value.name in exceptions['differs']:
                            continue
                    complaints.append(f'{value}: {render(number, value.kind)} in abi/, '
                                      f'{render(xen[index], value.kind)} in Xen')
                count += 1
            compared[width] += count
            lines[header.path, width] = (count, complaints)

    # A name, or a member of a structure, that Xen has in neither width.
    names_found = {name for name, _ in found}
    for value in values:
        if value.kind in TYPES or (value.name, str(value)) in found or value.name in exceptions['absent']:
            continue
        for width in (32,) if value.compat else (64,):
            count, complaints = lines[value.header.path, width]
            complaints.append(f'{value}: Xen has no such name')
            lines[value.header.path, width] = (count + 1, complaints)

    for width in (64, 32):
        for header in headers:
            count, complaints = lines[header.path, width]
            if count:
                report.group(f'{width}-bit {header.path}', count, complaints)

    names = {value.name for value in values}
    complaints = [f'{name}: there is no such name in abi/'
                  for kind in exceptions.values() for name in kind if name not in names]
    complaints += [f'{name} is not absent' for name in exceptions['absent'] if name in names_found]
    complaints += [f'{name} does not differ' for name in exceptions['differs'] if name in names - differing]
    report.group('exceptions, each needed', sum(map(len, exceptions.values())), complaints)

    print(f'{compared[64]} values compared in 64 bits, {compared[32]} in 32 bits')
    print(f'{report.passed} passed, {report.failed} failed')
    return 1 if report.failed else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except (cheaders.NotUnderstood, CannotCompare) as error:
        print(error)
        print('0 passed, 1 failed')
        sys.exit(1)
