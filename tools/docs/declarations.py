# SPDX-License-Identifier: MIT
"""A header of abi/ cut into its pieces in order: comments, and lines of code each with the comment beside it.

The headers keep to a small part of C, in the layout that clang-format gives it; so lines will do.
"""

import re
from dataclasses import dataclass

from model import Constant, Member, Place, Structure, Tie

TIE = re.compile(r'=> (?:(enum|struct) (\w+)|(nothing)\b|(\w+_t)\b)')
DEFINE = re.compile(r'#\s*define (\w+)(?:\(([^)]*)\))?\s+(\S.*)$')
CONSTANT = re.compile(r'(\w+)(?: = ([^,]+))?,?$')
MEMBER = re.compile(r'((?:const |struct |union |unsigned )*\w+) (\*?\w+)((?:\[[^\]]*\])*);$')


@dataclass
class Piece:
    code: str  # empty: a comment on its own
    comment: list  # its lines, with /* and */
    line: int


def pieces(text):
    """The header's pieces, without empty lines.  Lines that a backslash continues are one."""
    lines, at = text.split('\n'), 0
    while at < len(lines):
        first, code = at, lines[at]
        while code.endswith('\\') and at + 1 < len(lines):
            at += 1
            code = code[:-1].rstrip() + ' ' + lines[at].strip()
        comment = []
        if '/*' in code:
            code, beside = code.split('/*', 1)
            comment = ['/*' + beside]
            while '*/' not in comment[-1] and at + 1 < len(lines):
                at += 1
                comment.append(lines[at])
        at += 1
        if code.strip() or comment:
            yield Piece(code.strip(), comment, first + 1)


def plain(comment):
    """The words of a comment without its frame and without documentation."""
    words = []
    for line in comment:
        line = re.sub(r'^\s*(/\*|\*(?!/))|\*/\s*$', '', line).strip()
        if line and not line.startswith('`') and line != '/':
            words.append(line)
    return ' '.join(words)


def ties(text, place):
    """Each `=> enum NAME` and so on of a comment."""
    return [Tie('nothing' if nothing else kind or 'struct', name or typedef, place)
            for kind, name, nothing, typedef in TIE.findall(text)]


def read_define(piece, path):
    """A Constant, or None where the line defines no value (an include guard, an #include)."""
    match = DEFINE.match(piece.code)
    if not match:
        return None
    name, parameters, value = match.groups()
    comment, place = plain(piece.comment), Place(path, piece.line)
    return Constant(name, value, comment, place, parameters=parameters, ties=ties(comment, place))


def read_enum(body, path):
    """The constants of `enum { ... }`."""
    for piece in body:
        match = CONSTANT.match(piece.code)
        if match:
            comment, place = plain(piece.comment), Place(path, piece.line)
            yield Constant(match.group(1), match.group(2) or '', comment, place, ties=ties(comment, place))


def read_structure(kind, name, opening, body, path):
    """A Structure of the pieces between its braces; what lies in unnamed ones has a path."""
    structure = Structure(kind, name, '', Place(path, opening.line))
    open_at, above = [], []
    for piece in body:
        place, comment = Place(path, piece.line), plain(above + piece.comment)
        above = [] if piece.code else piece.comment
        if piece.code.endswith('{'):
            open_at.append((len(structure.members), piece.code, comment))
        elif piece.code.startswith('}'):
            start, code, beside = open_at.pop()
            inner, array = re.match(r'\} ?(\w*)((?:\[[^\]]*\])*)', piece.code).groups()
            for member in structure.members[start:]:
                member.path = f'{inner}.{member.path}' if inner else member.path
            if inner:
                words = ' '.join(word for word in (beside, comment) if word)
                structure.members.insert(start, Member(inner, code.split()[0], array, words, place, ties(words, place)))
        elif MEMBER.match(piece.code):
            type_name, member, array = MEMBER.match(piece.code).groups()
            structure.members.append(Member(member, type_name, array, comment, place, ties(comment, place)))
    return structure
