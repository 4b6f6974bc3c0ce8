# SPDX-License-Identifier: MIT
"""Which register each argument of a call is in, for a 64-bit guest and for a 32-bit one."""

WIDE = ('rdi', 'rsi', 'rdx', 'r10', 'r8', 'r9')
NARROW = ('ebx', 'ecx', 'edx', 'esi', 'edi', 'ebp')


def is_64_bits(parameter):
    """A number of 64 bits takes two registers of a 32-bit guest, the low half first.  A pointer takes one."""
    return parameter.type.removeprefix('const ') in ('uint64_t', 'int64_t')


def registers(call):
    """[(parameter, register of 64-bit guests, registers of 32-bit guests)]"""
    found, narrow = [], list(NARROW)
    for parameter, wide in zip(call.parameters, WIDE):
        taken = [narrow.pop(0) for _ in range(2 if is_64_bits(parameter) else 1)]
        found.append((parameter, wide, ', '.join(taken)))
    return found
