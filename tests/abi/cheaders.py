# SPDX-License-Identifier: MIT
"""What stands in the headers of abi/: constants, macros, types with their members, and documentation.

The headers keep to a small part of C, and whatever is outside it is an error here: so nothing can be added to them
that goes unseen.
"""

import re
from dataclasses import dataclass, field


class NotUnderstood(Exception):
    pass


@dataclass
class Type:
    """A structure, union or typedef.  A member is a path such as console.domU.mfn."""

    c_name: str
    name: str
    members: list = field(default_factory=list)  # (path, is it a flexible array?, is it one integer?)


@dataclass
class Header:
    path: str
    text: str
    constants: list = field(default_factory=list)  # (name, is it a string?)
    macros: list = field(default_factory=list)  # (name, number of parameters)
    types: list = field(default_factory=list)


TOKEN = re.compile(r'\s*([A-Za-z_]\w*|\d\w*|"[^"\n]*"|<<|>>|==|[{}()\[\];:,=*+\-/&|~<>.])')
COMMENT = re.compile(r'/\*.*?\*/', re.S)
INTEGERS = {'char', 'int8_t', 'int16_t', 'int32_t', 'int64_t', 'uint8_t', 'uint16_t', 'uint32_t', 'uint64_t'}


def tokens(text, path):
    position, out = 0, []
    text = text.rstrip()
    while position < len(text):
        match = TOKEN.match(text, position)
        if not match:
            raise NotUnderstood(f'{path}: {text[position:position + 40]!r}')
        out.append(match.group(1))
        position = match.end()
    return out


class Parser:
    def __init__(self, header, words, integers):
        self.header, self.words, self.at, self.integers = header, words, 0, integers

    def peek(self):
        return self.words[self.at] if self.at < len(self.words) else None

    def take(self, expected=None):
        word = self.peek()
        if word is None or (expected is not None and word != expected):
            raise NotUnderstood(f'{self.header.path}: {expected or "something"} expected, not {word} '
                                f'(after {" ".join(self.words[max(0, self.at - 8):self.at])})')
        self.at += 1
        return word

    def identifier(self):
        if not re.match(r'[A-Za-z_]\w*$', self.peek() or ''):
            raise NotUnderstood(f'{self.header.path}: a name expected, not {self.peek()}')
        return self.take()

    def balanced(self, opening, closing):
        self.take(opening)
        depth = 1
        while depth:
            word = self.take()
            depth += (word == opening) - (word == closing)

    def attributes(self):
        while self.peek() == '__attribute__':
            self.take()
            self.balanced('(', ')')

    def file(self):
        while self.peek() is not None:
            word = self.take()
            if word == 'typedef':
                self.typedef()
            elif word == 'enum':
                self.enum()
            elif word in ('struct', 'union'):
                name = self.identifier()
                found = Type(f'{word} {name}', name)
                self.body(found, '')
                self.header.types.append(found)
            else:
                raise NotUnderstood(f'{self.header.path}: {word}')
            self.take(';')

    def typedef(self):
        base = self.identifier()
        name = self.identifier()
        array = self.array()[0]
        self.attributes()
        if base in self.integers and not array:
            self.integers.add(name)
        self.header.types.append(Type(name, name))

    def enum(self):
        self.identifier()
        self.take('{')
        while self.peek() != '}':
            self.header.constants.append((self.identifier(), False))
            if self.peek() == '=':
                self.take()
                while self.peek() not in (',', '}'):
                    self.take()
            if self.peek() == ',':
                self.take()
        self.take('}')

    def array(self):
        """Is it an array, and is it a flexible one?"""
        array = flexible = False
        while self.peek() == '[':
            flexible = self.words[self.at + 1] == ']'
            self.balanced('[', ']')
            array = True
        return array, flexible

    def body(self, found, prefix):
        self.take('{')
        while self.peek() != '}':
            word = self.identifier()
            scalar = word in self.integers
            inner = None
            if word in ('struct', 'union'):
                if self.peek() == '{':
                    inner = self.at
                    self.balanced('{', '}')
                else:
                    self.identifier()
            elif not scalar:
                raise NotUnderstood(f'{self.header.path}: {found.name}: {word} is not an integer type')
            if inner is not None and self.peek() == ';':
                raise NotUnderstood(f'{self.header.path}: {found.name}: a member without a name')
            name = self.identifier()
            array, flexible = self.array()
            found.members.append((prefix + name, flexible, scalar and not array))
            if inner is not None:
                if array:
                    raise NotUnderstood(f'{self.header.path}: {found.name}: an array of unnamed structures')
                after, self.at = self.at, inner
                self.body(found, prefix + name + '.')
                self.at = after
            self.take(';')
        self.take('}')


def parse(path, integers):
    with open(path, encoding='utf-8') as file:
        text = file.read()
    header = Header(path, text)
    code = COMMENT.sub(lambda comment: ' ' + '\n' * comment.group().count('\n'), text).replace('\\\n', ' ')
    rest = []
    for line in code.split('\n'):
        if not line.lstrip().startswith('#'):
            rest.append(line)
            continue
        define = re.match(r'\s*#\s*define\s+(\w+)(\(([^)]*)\))?\s*(.*?)\s*$', line)
        if define:
            name, _, parameters, body = define.groups()
            if parameters is not None:
                header.macros.append((name, len(parameters.split(','))))
            elif body:
                header.constants.append((name, '"' in body))
            elif not name.endswith('_H'):
                raise NotUnderstood(f'{path}: {line}')
        elif not re.match(r'\s*#\s*(include\b|ifndef \w+_H$|endif\b)', line):
            raise NotUnderstood(f'{path}: {line}')
    Parser(header, tokens('\n'.join(rest), path), integers).file()
    return header


def parse_all(paths):
    """All headers; their integer typedefs are collected first, so that the order does not matter."""
    integers = set(INTEGERS)
    for path in paths:
        with open(path, encoding='utf-8') as file:
            for base, name in re.findall(r'^typedef (\w+) (\w+)(?: __attribute__.*)?;', file.read(), re.M):
                if base in integers:
                    integers.add(name)
    return [parse(path, integers) for path in paths]
