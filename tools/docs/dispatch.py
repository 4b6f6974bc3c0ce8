# SPDX-License-Identifier: MIT
"""The calls in the code's dispatch tables, and the tags of the mark-up: has each what it is tied to?"""

import re

import reasons
from model import Complaint, Place

TABLES = ('engine/hypercall.c', 'hv/call/hypercall.c')


def handlers(tables=TABLES):
    """{call: (handler, Place)} of the dispatch tables, `[__HYPERVISOR_name] = handler,`."""
    found = {}
    for path in tables:
        with open(path, encoding='utf-8') as file:
            for number, line in enumerate(file, 1):
                match = re.match(r'\s*\[__HYPERVISOR_(\w+)\]\s*=\s*(?:\{\s*)?&?(\w+)', line)
                if match:
                    found[match.group(1)] = (match.group(2), Place(path, number))
    return found


def check(reference, offered, known):
    """Complaints: a call of the tables without number or prototype, a tag that names no reason of a refusal."""
    for name, (handler, place) in offered.items():
        if name not in reference.calls:
            yield Complaint(place, f'{handler}: HYPERVISOR_{name} is called, and has no prototype in abi/')
        if f'__HYPERVISOR_{name}' not in reference.constants:
            yield Complaint(place, f'{handler}: __HYPERVISOR_{name} is no number in abi/')
    for header in reference.headers:
        for line in header.lines:
            for reason in line.reasons:
                if reason not in known:
                    yield Complaint(line.place, f'{{{reason}}}: no such reason in {reasons.HEADER}')
