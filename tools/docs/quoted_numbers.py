#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Numbers that a document quotes from headers are those of the headers.

A row of a table whose head is "value | name | in | ..." says that `name` is defined in the header `in` as `value`.
With COMPLETE headers, each of their names for the bounds or the number of an area must have a row.

Usage: quoted_numbers.py DOCUMENT [COMPLETE HEADER...]
"""
import ast
import operator
import re
import sys

ROW = re.compile(r"^\| `([^`]+)` \| `(\w+)` \| `([\w./-]+)` \|")
DEFINE = re.compile(r"^#define (\w+)\s+(.+?)\s*(?:/\*.*)?$")
BOUND = re.compile(r"_(START|END|BASE|PAGE|SLOT|SLOT_LAST)$")
OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv,
             ast.Div: operator.floordiv, ast.LShift: operator.lshift, ast.RShift: operator.rshift}


def defines(path):
    with open(path, encoding="utf-8") as file:
        return {match[1]: match[2] for match in map(DEFINE.match, file) if match}


def value(text, names):
    """The number that a constant expression of C comes to.  ValueError: it is none."""
    def evaluate(node):
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return node.value
        if isinstance(node, ast.Name) and node.id in names:
            return value(names[node.id], names)
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            return OPERATORS[type(node.op)](evaluate(node.left), evaluate(node.right))
        raise ValueError(text)

    try:
        return evaluate(ast.parse(re.sub(r"\b(0x[0-9a-fA-F]+|\d+)[uUlL]+\b", r"\1", text), mode="eval").body)
    except SyntaxError as error:
        raise ValueError(text) from error


def main(document, complete):
    rows, good = set(), True
    with open(document, encoding="utf-8") as file:
        lines = file.read().splitlines()
    for number, line in enumerate(lines, 1):
        row = ROW.match(line)
        if not row:
            continue
        shown, name, header = row.groups()
        rows.add((name, header))
        names = defines(header)
        if name not in names:
            print(f"{document}:{number}: {header} does not define {name}")
            good = False
        elif value(names[name], names) != int(shown, 0):
            print(f"{document}:{number}: {name} is {value(names[name], names):#x} in {header}, not {shown}")
            good = False
    for header in complete:
        for name in defines(header):
            if BOUND.search(name) and (name, header) not in rows:
                print(f"{document}: {name} of {header} is missing")
                good = False
    return good and bool(rows)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(0 if main(sys.argv[1], sys.argv[2:]) else 1)
