# SPDX-License-Identifier: MIT
"""The error lines of the mark-up, held against the errors that the code can give: reach.py.

A line has the reasons of engine/refuse.h and hv/domain/call_refuse.h in braces, with the functions of hv/ that give it
for them, {hv:FUNCTION}, where others do for something else; or {hv} where the hypervisor records none.  A line that
names another heading, `... as for [set_gdt]`, stands for what the lines there have under the same numbers, too.
"""
import re
from dataclasses import dataclass, field, replace

import reach

UNSEEN = '0'  # the error of a Refusal that the guest does not see
LABEL = re.compile(r'\[(\w+)\]')


def number_of(refusal):
    """As error lines write it: -EINVAL, GNTST_bad_page."""
    return f'-{refusal.error}' if refusal.error.startswith('E') else refusal.error


def pairs_of(error):
    reasons = error.reasons + ([''] if error.hv else [])
    return {(number, reason) for number in error.numbers for reason in reasons}


@dataclass
class TiedError:
    """An error line (model.Error); what it stands for, as @pairs of number and reason, '' for {hv}; of the code what
    gives that (reach.Refusal), by place; and of that @sites, what no other line stands for as well."""

    error: object
    pairs: set
    refusals: list = field(default_factory=list)
    sites: list = field(default_factory=list)

    def is_untied(self):
        return not self.pairs

    def concerns(self, refusal):
        """May the refusal be one of the commands that the line is for?"""
        return not self.error.commands or not refusal.commands or bool(refusal.commands & set(self.error.commands))

    def means(self, refusal):
        elsewhere = self.error.functions and refusal.function not in self.error.functions
        return (number_of(refusal), refusal.reason) in self.pairs and self.concerns(refusal) and not elsewhere


def tie(error, headings, refusals):
    """The TiedError of an error line; @headings by label."""
    pairs = pairs_of(error)
    for label in LABEL.findall(error.text):
        for other in headings[label].errors if label in headings and not error.reasons else ():
            pairs |= {pair for pair in pairs_of(other) if pair[0] in error.numbers}
    tied = TiedError(error, pairs)
    tied.refusals = sorted((refusal for refusal in refusals if tied.means(refusal)),
                           key=lambda refusal: (refusal.place, refusal.error, refusal.reason))
    return tied


def tie_all(errors, headings, refusals):
    """A TiedError for each error line of a heading."""
    lines = [tie(error, headings, refusals) for error in errors]
    for refusal in {refusal for tied in lines for refusal in tied.refusals}:
        for command in refusal.commands or [None]:
            meant = [tied for tied in lines if tied.means(refusal) and
                     (not command or not tied.error.commands or command in tied.error.commands)]
            best = [tied for tied in meant if tied.error.functions] or \
                [tied for tied in meant if bool(tied.error.commands) == bool(command)] or meant
            if len(best) == 1 and refusal not in best[0].sites:
                best[0].sites.append(refusal)
    return lines


def check_line(tied, refusals, reasons, call):
    """What is wrong with one error line: (place, text)."""
    error = tied.error
    for reason in error.reasons:
        given = [refusal for refusal in refusals if refusal.reason == reason and tied.concerns(refusal)]
        if reason not in reasons:
            yield error.place, f'{call}: there is no reason {reason}'
        elif not given:
            yield error.place, f'{call} never refuses for {reason} here'
        elif not any(number_of(refusal) in error.numbers for refusal in given):
            others = ', '.join(sorted({f'{number_of(refusal)} ({refusal.place})' for refusal in given}))
            yield error.place, f'{call} refuses for {reason} with {others}, not with {", ".join(error.numbers)}'
    for function in error.functions:
        if not any(refusal.function == function for refusal in tied.refusals):
            yield error.place, f'{call}: {function} gives none of {", ".join(error.numbers)}'
    numbers = {number_of(refusal) for refusal in tied.refusals}
    for number in error.numbers:
        if number not in numbers and tied.pairs and all(reason in reasons for reason in error.reasons):
            yield error.place, f'{call}: nothing that this line names gives {number}'


def check_refusals(lines, refusals, call, header):
    """Each error and reason that the code can give, and no line has: (place, text)."""
    missing = {}
    for refusal in sorted(refusals, key=lambda refusal: (refusal.place, refusal.error, refusal.reason)):
        if refusal.error != UNSEEN and not any(tied.means(refusal) for tied in lines):
            missing.setdefault((number_of(refusal), refusal.reason), []).append(refusal)
    for (number, reason), found in missing.items():
        commands = sorted(frozenset().union(*(refusal.commands for refusal in found)))
        who = f'{call} ({", ".join(commands)})' if commands else call
        why = f'{number} for {reason}, and no line of {header} says so' if reason else \
            f'{number}, and no line of {header} says so with {{hv}}'
        yield found[0].place, f'{who} gives {why}'


def check(lines, names, refusals, reasons, header):
    """What is wrong with the @lines, TiedErrors of a heading that describes the calls @names, which give @refusals."""
    call = ', '.join(f'HYPERVISOR_{name}' for name in names)
    for tied in lines:
        yield from check_line(tied, refusals, reasons, call)
    yield from check_refusals(lines, refusals, call, header)


def texts_of(heading, constant):
    """What the heading says about a command: model.Command, mostly one."""
    return [command for command in heading.commands if constant in command.names]


def says_refused(heading, constant, status):
    """Does the heading say that the command always gives this?  If it says more than its name and what it is for, in
    its own text; else an error line of all commands is enough."""
    numbers = [f'-{error}' if error.startswith('E') else error for error in status.error.split(' or ')]
    own = texts_of(heading, constant)
    if any(number in line.text for command in own for line in command.lines for number in numbers):
        return True
    if any(line.statement for command in own for line in command.lines):
        return False
    return any(number in error.numbers for error in heading.errors if not error.commands for number in numbers)


def of_commands(refusals, unknown):
    """The Refusals without those of commands that are @unknown to the call, which never get there."""
    left = (replace(refusal, commands=refusal.commands - unknown) for refusal in refusals
            if not refusal.commands or not refusal.commands <= unknown)
    return frozenset(left)


def refusals_of(program, name, handlers):
    """The Refusals of a call, of all its handlers."""
    return frozenset(refusal for handler in handlers for refusal in program.refusals(name, *handler)
                     if not isinstance(refusal.error, (reach.Parameter, reach.Choice)))
