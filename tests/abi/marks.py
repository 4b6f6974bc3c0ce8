# SPDX-License-Identifier: MIT
"""The documentation mark-up of abi/: is every call described, and does every reference lead somewhere?"""

import re

DOC = re.compile(r'^(?: \*|/\*) `(.*?)(?: \*/)?$')


def blocks(text):
    """Each comment's documentation, as a list of lines."""
    for comment in re.findall(r'/\*.*?\*/', text, re.S):
        lines = [match.group(1) for match in map(DOC.match, comment.split('\n')) if match]
        if lines:
            yield lines


def prototypes(lines):
    """(name, parameters) of each call in a block."""
    text = '\n'.join(lines)
    for name, parameters in re.findall(r'^ HYPERVISOR_(\w+)\(((?:[^()]|\n)*)\)', text, re.M):
        words = [re.sub(r'\[\]$', '', parameter.strip()) for parameter in parameters.split(',')]
        yield name, [re.split(r'[\s*]+', word)[-1] for word in words if word != 'void']


def check(headers):
    """A list of complaints, and how many things were looked at."""
    complaints, looked = [], 0
    labels, groups, calls, numbers = {}, set(), {}, set()
    for header in headers:
        numbers |= {name[len('__HYPERVISOR_'):] for name, _ in header.constants if name.startswith('__HYPERVISOR_')}
        for lines in blocks(header.text):
            for line in lines:
                heading = re.match(r'incontents (\d+) (\w+) (\S.*)$', line)
                if heading:
                    if heading.group(2) in labels:
                        complaints.append(f'{header.path}: the label {heading.group(2)} is there twice')
                    labels[heading.group(2)] = header.path
                elif line.startswith('incontents'):
                    complaints.append(f'{header.path}: not a heading: {line}')
            for name, parameters in prototypes(lines):
                calls[name] = header.path
                for parameter in parameters:
                    looked += 1
                    if not any(line.startswith(f' @{parameter}: ') for line in lines):
                        complaints.append(f'{header.path}: HYPERVISOR_{name}: @{parameter} is not described')
        depth = None
        for line in header.text.split('\n'):
            opening = re.match(r'/\* ` enum (\w+) \{ \*/$', line)
            if opening:
                if depth:
                    complaints.append(f'{header.path}: enum {depth} is not closed')
                depth = opening.group(1)
                if depth in groups:
                    complaints.append(f'{header.path}: enum {depth} is there twice')
                groups.add(depth)
            elif line == '/* ` } */':
                if not depth:
                    complaints.append(f'{header.path}: a group is closed that is not open')
                depth = None
        if depth:
            complaints.append(f'{header.path}: enum {depth} is not closed')
    for header in headers:
        for comment in re.findall(r'/\*.*?\*/', header.text, re.S):
            for label in re.findall(r'(?<![\w\]])\[([a-z]\w*)\]', comment):
                looked += 1
                if label not in labels:
                    complaints.append(f'{header.path}: there is no heading [{label}]')
            for group in re.findall(r'=> enum (\w+)', comment):
                looked += 1
                if group not in groups:
                    complaints.append(f'{header.path}: there is no group enum {group}')
        for lines in blocks(header.text):
            for group in re.findall(r'\benum (\w+)\b(?! \{)', '\n'.join(lines)):
                looked += 1
                if group not in groups:
                    complaints.append(f'{header.path}: there is no group enum {group}')
    for name in sorted(numbers - set(calls) - {'arch_0'}):
        complaints.append(f'HYPERVISOR_{name} has a number but no description')
    for name in sorted(set(calls) - numbers):
        complaints.append(f'{calls[name]}: HYPERVISOR_{name} is described but has no number')
    return complaints, looked + len(labels) + len(groups) + len(calls)
