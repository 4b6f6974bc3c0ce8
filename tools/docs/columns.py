# SPDX-License-Identifier: MIT
"""The last column of some tables of commands, yes or no, against what the headers say of each command.

A command of engine/mmuext.c is for the caller's own domain alone: its text does not name @foreigndom, as that of each
other does.  A command of events or of devices stores results: its structure has members that say so.
"""
import errorlines
from handlers import REFUSED

FOREIGN = '@foreigndom'

COLUMN = {'true': True, 'false': False, 'ANY': False, 'OWN': True, 'OWN_FLUSH': True}


def own_only(reference, heading, constant):
    """Does the text say nothing of a foreign domain?  None: there is no text."""
    texts = errorlines.texts_of(heading, constant)
    return not any(FOREIGN in line.text for text in texts for line in text.lines) if texts else None


def has_results(reference, _heading, constant):
    """Is there a member that is a result?  None: what the structure is is not known."""
    structures = [reference.structures.get(tie.name) for tie in reference.constants[constant].ties
                  if tie.kind == 'struct']
    if not all(structures):
        return None
    return any('result' in member.comment for structure in structures for member in structure.members)


# (path, table, call, what the column says in words, what the headers say)
COLUMNS = (
    ('engine/mmuext.c', 'commands', 'mmuext_op', "is for the caller's own domain alone", own_only),
    ('hv/call/call_event.c', 'commands', 'event_channel_op', 'stores results', has_results),
    ('hv/call/call_physdev.c', 'commands', 'physdev_op', 'stores results', has_results),
)


def check(reference, program, calls):
    """What differs, of commands that are not refused anyway: (place, text).  @calls: facts.CallFacts by name."""
    for path, name, call, words, says in COLUMNS:
        heading = reference.headings[reference.calls[call].heading]
        table = program.sources[path].tables[name]
        for constant, row in table.rows.items():
            column = row.rstrip('}').rpartition(',')[2].strip()
            if calls[call].handled.commands[constant].kind == REFUSED:
                continue
            if column not in COLUMN:
                yield table.places[constant], f'{constant}: the last column of {name} is neither yes nor no'
            elif says(reference, heading, constant) not in (None, COLUMN[column]):
                yield reference.constants[constant].place, \
                    f'{constant}: that it {words} is {column} at {table.places[constant]}, and not so in the header'
