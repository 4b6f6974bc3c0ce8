# SPDX-License-Identifier: MIT
"""A small header without fault, and faults planted into it: each kind of marks.py must complain, at the right line."""

import os
import re
import tempfile

import marks

ASSERTIONS = 'SIZE(struct lamp_set, 4);\nSIZE(struct lamp, 8);\n'

HEADER = '''\
/* SPDX-License-Identifier: MIT */
/*
 * Lamps.
 */
#ifndef ABI_LAMP_H
#define ABI_LAMP_H

/*
 * `incontents 10 hypercall Calling
 * `
 * ` How to call, by one of enum hypercall_num.  What lamps there are stands in [lamps].
 */
/* ` enum hypercall_num { // __HYPERVISOR_* => HYPERVISOR_*() */
#define __HYPERVISOR_lamp_op            1
/* ` } */

/* ` enum neg_errnoval { */
enum lamp_errno {
    LAMP_EINVAL = 22, /* no such lamp */
};
/* ` } */

/*
 * `incontents 20 lamps Lamps
 * `
 * ` A struct lamp is switched by LAMPOP_set of [lamp_op], see [hypercall].
 */
struct lamp {
    uint16_t domid; /* whose; => enum domid */
    uint16_t _gap0;
    uint32_t state; /* => enum lamp_state */
};

/* ` enum lamp_state { */
#define LAMP_dark                       0
#define LAMP_lit                        1
/* ` } */

/* ` enum domid { */
#define DOMID_SELF                      0x7FF0U
/* ` } */

/*
 * `incontents 30 lamp_op Switching lamps
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_lamp_op(enum lamp_cmd cmd, void *arg, enum domid domid)
 * `
 * ` @cmd: What to do.
 * ` @arg: The structure that goes with the command.
 * ` @domid: Whose lamp.
 * `
 * ` Errors, in the order of the checks:
 * `   -EINVAL  there is no such lamp {no-lamp} {NOT_OWNED}
 */
/* ` enum lamp_cmd { // LAMPOP_* => struct lamp_* */
#define LAMPOP_set                      0
#define LAMPOP_reset                    1 /* => nothing */
/* ` } */

struct lamp_set {
    uint32_t cmd; /* => enum lamp_cmd */
};

#endif /* ABI_LAMP_H */
'''

DUPLICATE = 'names declared twice'
NOWHERE = 'references that lead nowhere'
HEADINGS = 'headings that are none, or share a label or a priority'
GROUPS = 'groups without beginning or end'
NUMBERS = 'numbers without a prototype, and prototypes without a number'
ARGUMENTS = 'arguments that are not described, or not there'

# (kind, what is replaced, by what, what stands in the line that is complained of; nothing: what was put in).  A kind with
# several ways to go wrong has a row for each.
FAULTS = [
    (HEADINGS, 'incontents 20 lamps Lamps', 'incontents lamps Lamps', ''),
    (HEADINGS, 'incontents 20 lamps', 'incontents 10 lamps', ''),
    (HEADINGS, '`incontents 30 lamp_op Switching', '`incontents 30 lamps Switching', ''),
    (GROUPS, '#define DOMID_SELF                      0x7FF0U\n/* ` } */\n', '#define DOMID_SELF 0x7FF0U\n',
     'enum domid {'),
    (GROUPS, '/* ` enum lamp_state { */\n', '', '/* ` } */'),
    (DUPLICATE, '/* ` enum domid {', '/* ` enum lamp_state {', ''),
    (DUPLICATE, 'enum lamp_errno {', 'enum neg_errnoval {', ''),
    (DUPLICATE, '#define LAMP_lit ', '#define LAMP_dark', '#define LAMP_dark  '),
    (DUPLICATE, 'struct lamp_set {', 'struct lamp {', ''),
    (NOWHERE, '[lamp_op]', '[lamp_ops]', ''),
    (NOWHERE, '=> enum lamp_state', '=> enum lamp_states', ''),
    (NOWHERE, 'A struct lamp is', 'A struct bulb is', ''),
    (NOWHERE, 'LAMPOP_set of', 'LAMPOP_sit of', ''),
    (NOWHERE, 'enum lamp_cmd cmd', 'enum lamp_command cmd', ''),
    (NOWHERE, '1 /* => nothing */', '1', '#define LAMPOP_reset'),
    (NUMBERS, '#define __HYPERVISOR_lamp_op            1\n',
     '#define __HYPERVISOR_lamp_op            1\n#define __HYPERVISOR_fan_op 2\n', '__HYPERVISOR_fan_op'),
    (NUMBERS, '#define __HYPERVISOR_lamp_op            1\n', '', '` HYPERVISOR_lamp_op('),
    (ARGUMENTS, ' * ` @domid: Whose lamp.\n', '', '` HYPERVISOR_lamp_op('),
    (ARGUMENTS, ' * ` @domid: Whose lamp.\n', ' * ` @domid: Whose lamp.\n * ` @house: Where.\n', '@house'),
    ('constants in no group', 'struct lamp {\n', '#define LAMP_MAX 8\n\nstruct lamp {\n', '#define LAMP_MAX'),
    ('groups that nothing refers to', 'uint32_t state; /* => enum lamp_state */', 'uint32_t state;',
     'enum lamp_state {'),
    ('headings that nothing leads to', 'stands in [lamps]', 'is not said', 'incontents 20'),
    ('structures that nothing refers to', 'A struct lamp is', 'It is', 'struct lamp {'),
    ('commands that lead nowhere', ' // LAMPOP_* => struct lamp_*', '', 'enum lamp_cmd {'),
    ('members that are commands of no group', 'uint32_t cmd; /* => enum lamp_cmd */', 'uint32_t cmd;', ''),
    ('ties that are none', 'whose; => enum domid', 'whose; => domains', ''),
    ('domains that are not tied to enum domid', 'whose; => enum domid', 'whose', ''),
    ('domains that are not tied to enum domid', 'enum domid domid)', 'uint16_t domid)', ''),
    ('code that reads as a function', '#endif', 'check_size(struct lamp, 8);\n\n#endif', 'check_size'),
    ('documentation that is on no page', ' * ` How to call', ' * How to call', ''),
    ('structures of which no size is stated', 'struct lamp_set {',
     'union lamp_all {\n    uint32_t all;\n};\n\nstruct lamp_set {',
     'union lamp_all {'),
]


def complaints(text):
    """{title: complaints} of a header."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'lamp.h')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return {kind.title: kind.complaints for kind in marks.check([path], ASSERTIONS)}


def unseen():
    """What is said of faults that are not seen, or not where they are; and how many were planted, of how many kinds."""
    found = complaints(HEADER)
    said = [f'in a header without fault: {complaint}' for kind in found.values() for complaint in kind]
    for title, old, new, where in FAULTS:
        if HEADER.count(old) != 1:
            said.append(f'{title}: {old!r} stands in the header {HEADER.count(old)} times')
            continue
        text = HEADER.replace(old, new)
        lines = [number for number, line in enumerate(text.split('\n'), 1) if (where or new) in line]
        seen = [complaint.place.line for complaint in complaints(text).get(title, [])]
        if not set(seen) & set(lines):
            said.append(f'{title}: {new!r}: not seen at {lines}, but at {seen}')
    said += [f'{title}: no fault of this kind is planted' for title in found
             if title not in {fault[0] for fault in FAULTS} and not title.startswith('other')]
    return said, len(FAULTS)
