#!/usr/bin/env python3
"""Alter a recording, so that a replay has something to find.

alter.py RECORDING TO WHAT [SEED]
    result     the result of an operation in the middle is another
    wrote      a word that an operation left in a table is another
    flush      a flush is left out
    version    it is of another version
    cut        its end is missing
    early      an operation comes before there is a machine: frames are asked for, and there are none
    halves     what was read of guest memory at once was read in two halves
    joined     what was read of guest memory in a row was read at once
    scatter    some bytes behind the description of the machine are others, chosen by SEED
    number     a number of an event, or an argument of an operation, is another, chosen by SEED
"""
import lzma
import random
import sys

KINDS = """MACHINE 5 1 RANGE 3 0 DOMAIN 6 1 VCPU 4 0 FLUSHED 2 0 TIME 1 0 ENTER 3 1 LEAVE 1 1 MEMORY 2 1 WROTE 1 1
READ 2 1 WRITE 2 1 TAKE 3 0 GIVE 2 0 FLUSH 1 0 CACHES 1 0 PAGE 2 0 ROOT 3 0 WINDOW 4 0 LDT 3 0 OUT 2 0 BACK 2 0
REFUSED 7 0 END 0 0""".split()
KINDS = [(KINDS[i], int(KINDS[i + 1]), KINDS[i + 2] == "1") for i in range(0, len(KINDS), 3)]
HEADER = 16


def number(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def events(data):
    """(kind, where it begins, where its numbers end, where it ends)"""
    at = HEADER
    while at < len(data):
        begin = at
        name, count, has_bytes = KINDS[data[at]]
        at += 1
        for _ in range(count):
            _, at = number(data, at)
        numbers_end = at
        if has_bytes:
            size, at = number(data, at)
            at += size
        yield name, begin, numbers_end, at


def put_number(value):
    parts = []
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(parts + [value])


def read(address, memory):
    return bytes([10]) + put_number(address) + put_number(len(memory)) + put_number(len(memory)) + memory


def other_pieces(data, found, what):
    """The recording with its reads that brought something in other pieces."""
    parts = [bytes(data[:HEADER])]
    last = None  # place, address, memory of the read before, if nothing has been written to guest memory since
    for name, begin, numbers_end, end in found:
        parts.append(bytes(data[begin:end]))
        if name in ("WRITE", "OUT", "LEAVE"):
            last = None
        if name != "READ":
            continue
        address, at = number(data, begin + 1)
        size, _ = number(data, at)
        memory = bytes(data[end - size : end])
        if number(data, numbers_end)[0] != size:
            continue
        if what == "halves":
            half = size // 2
            parts[-1] = read(address, memory[:half]) + read(address + half, memory[half:]) if half else parts[-1]
        elif last and last[1] + len(last[2]) == address:
            parts[-1] = b""
            last = (last[0], last[1], last[2] + memory)
            parts[last[0]] = read(last[1], last[2])
        else:
            last = (len(parts) - 1, address, memory)
    return b"".join(parts)


def all_numbers(data, at, end):
    values = []
    while at < end:
        value, at = number(data, at)
        values.append(value)
    return values


def other_number(data, found, choose):
    """The recording with one number that is as large as numbers get somewhere.  Each kind of event is as likely."""
    edges = [value for bits in (0, 1, 4, 5, 6, 8, 9, 12, 16, 20, 31, 32, 40, 52, 63, 64)
             for value in ((1 << bits) - 1, 1 << bits) if value < 1 << 64]
    kinds = sorted({event[0] for event in found} - {"MACHINE", "END"})
    kind = choose.choice(kinds + 10 * ["ENTER"])
    _, begin, numbers_end, end = choose.choice([event for event in found if event[0] == kind])
    values, rest = all_numbers(data, begin + 1, numbers_end), bytes(data[numbers_end:end])
    inner = all_numbers(data, number(data, numbers_end)[1], end) if kind in ("ENTER", "LEAVE") else []
    if inner and choose.random() < 0.8:
        inner[choose.randrange(len(inner))] = choose.choice(edges)
        rest = b"".join(map(put_number, inner))
        rest = put_number(len(rest)) + rest
    else:
        values[choose.randrange(len(values))] = choose.choice(edges)
    return b"".join([data[: begin + 1], *map(put_number, values), rest, data[end:]])


def main():
    source, to, what = sys.argv[1:4]
    with lzma.open(source) as file:
        data = bytearray(file.read())
    found = list(events(data))

    def middle(kind):
        those = [event for event in found if event[0] == kind]
        return those[len(those) // 2]

    if what == "result":
        data[middle("LEAVE")[1] + 1] ^= 0x02
    elif what == "wrote":
        data[middle("WROTE")[3] - 3] ^= 0x10
    elif what == "flush":
        _, begin, _, end = middle("FLUSH")
        del data[begin:end]
    elif what in ("halves", "joined"):
        data = other_pieces(data, found, what)
    elif what == "version":
        data[8] += 1
    elif what == "cut":
        del data[middle("LEAVE")[1] :]
    elif what == "early":
        none = put_number(2**64 - 1)
        data[HEADER:HEADER] = bytes([6, 2]) + none + none + bytes([1, 0, 12, 0]) + none + none + bytes([7, 0, 0])
    elif what == "number":
        data = other_number(data, found, random.Random(int(sys.argv[4])))
    elif what == "scatter":
        choose = random.Random(int(sys.argv[4]))
        first = next(event[1] for event in found if event[0] == "ENTER")
        for _ in range(3):
            data[choose.randrange(first, len(data))] = choose.randrange(256)
    with lzma.open(to, "w", preset=0) as file:
        file.write(data)


main()
