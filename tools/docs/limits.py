# SPDX-License-Identifier: MIT
"""Numbers that statements of abi/, or documents, have from constants of the code, by limits.txt: is what they say what
the code has?

The words begin with the number, or are `2 to the N`, `2^N`, or say `a` for one; an address of 16 digits needs no 0x.
"""
import re

import quoted_numbers
from model import Place

PATH = 'tools/docs/limits.txt'
ROW = re.compile(r'(\w+\.[\w-]+|[\w/-]+\.md): (\S.*?) = (\S.*), (\S+)$')
POWER = re.compile(r'2(?: to the |\^)(\d+)')
NUMBER = re.compile(r'0x[0-9a-f]+|([0-9a-f]{16})\b|\d+|an? ')
KNOWN = {'UINT64_MAX': str((1 << 64) - 1), 'INT32_MAX': str((1 << 31) - 1)}


def number_of(words):
    """What the words say, or None."""
    power, number = POWER.match(words), NUMBER.match(words)
    if power:
        return 1 << int(power.group(1))
    if number and number.group(1):
        return int(number.group(1), 16)
    return number and (int(number.group(), 0) if words[0].isdigit() else 1)


def value(expression, source):
    """What an expression of the constants of @source, the text of a file, comes to.  ValueError: it is none."""
    names = {match[1]: match[2] for match in map(quoted_numbers.DEFINE.match, source.splitlines()) if match}
    plain = {name: re.sub(r'\bU?INT(?:32|64)_C\((\w+)\)', r'\1', text) for name, text in (names | KNOWN).items()}
    return quoted_numbers.value(expression, plain)


def check_row(reference, row, place, source):
    """What is wrong with one row: (place, text)."""
    name, words, expression, path = row
    statement = reference.statements.get(name)
    if not statement and not name.endswith('.md'):
        yield place, f'{name}: nothing in abi/ states that'
        return
    try:
        text, said_at = (statement.text, statement.place) if statement else (source(name), place)
        found = value(expression, source(path))
    except OSError as error:
        yield place, f'there is no {error.filename}'
        return
    except ValueError:
        yield place, f'{expression}: is no number by {path}'
        return
    if found != number_of(words):
        yield place, f'{name}: {expression} of {path} is {found}, and not {words}'
    elif not re.search(rf'(?<!\w){re.escape(words)}(?!\w)', ' '.join(text.split())):
        yield said_at, f'{name} does not say {words}, which is {expression} of {path}'


def check(reference, replaced=None):
    """Where statements and constants differ: (place, text).  @replaced: {path: text} instead of what files hold."""
    def source(path):
        if path in (replaced or {}):
            return replaced[path]
        with open(path, encoding='utf-8') as file:
            return file.read()

    for number, line in enumerate(source(PATH).splitlines(), 1):
        row = ROW.match(line)
        if row:
            yield from check_row(reference, row.groups(), Place(PATH, number), source)
        elif line and not line.startswith('#'):
            yield Place(PATH, number), f'not a row: {line}'
