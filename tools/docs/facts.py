#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the code knows of each call: load(reference) gives Facts, for the pages of the reference.

Nothing here is written down a second time: handlers and states are read from the tables of the code (handlers.py),
errors from the places that refuse (reach.py), costs and differences from what tests measured and recorded.  Where
documents and code differ, Facts.complaints says so.  By hand:

    tools/docs/facts.py              the complaints
    tools/docs/facts.py CALL...      all that is known of a call
"""
import glob
import re
import sys
from dataclasses import dataclass, field

import columns
import costs
import csource
import errorlines
import handlers
import limits
import markup
import order
import otherwise
import prototypes
import reach
import reasons
import showing
from model import Complaint, Unclear

PATHS = 'tools/docs/paths.txt'
SOURCES = ('engine/*.[ch]', 'hv/**/*.[ch]')


@dataclass
class CallFacts:
    """A call.

    @handled: handlers.Handled: who carries it out, its state, that of each command
    @refusals: each reach.Refusal that the code can give
    @errors: an errorlines.TiedError for each error line of its heading, in their order
    @otherwise, @costs, @tests: lists of otherwise.Difference, costs.Cost, showing.Test
    """

    name: str
    handled: handlers.Handled
    refusals: frozenset = frozenset()
    errors: list = field(default_factory=list)
    otherwise: list = field(default_factory=list)
    costs: list = field(default_factory=list)
    tests: list = field(default_factory=list)


@dataclass
class Facts:
    """@calls: CallFacts by name, without HYPERVISOR_; @reasons: reasons.Reason by name; @complaints: where documents
    and code differ; @untied: error lines that name neither a reason nor {hv}."""

    calls: dict = field(default_factory=dict)
    reasons: dict = field(default_factory=dict)
    complaints: list = field(default_factory=list)
    untied: list = field(default_factory=list)
    given: dict = field(default_factory=dict)  # id of an error line -> the (number, reason) of it that the code gives

    def reasons_of(self, error, number):
        """The reasons of an error line, one of the reference that was given to load(), that give this @number."""
        return [reason for reason in error.reasons if (number, reason) in self.given.get(id(error), ())]

    def numbers_of(self, error, reason):
        """The numbers of an error line that come with this @reason."""
        return [number for number in error.numbers if (number, reason) in self.given.get(id(error), ())]

    def complain(self, found):
        self.complaints += [Complaint(place, text) for place, text in found]


def commands_of(reference, call):
    """{constant: number} of the commands of a call: the group that a parameter, or a member of its structure, has."""
    groups = []
    for parameter in call.parameters:
        groups += re.findall(r'\benum (\w+_cmd)\b', parameter.type)
        for name in re.findall(r'\bstruct (\w+)', parameter.type):
            structure = reference.structures.get(name)
            groups += [tie.name for member in structure.members for tie in member.ties] if structure else []
    return {constant.name: int(constant.value.rstrip('UL'), 0) for group in groups
            if group.endswith('_cmd') and group in reference.groups for constant in reference.groups[group].constants}


def read_sources(replaced=None):
    """The sources of engine/ and hv/; @replaced: {path: text} instead of what the files hold."""
    paths = sorted({path for pattern in SOURCES for path in glob.glob(pattern, recursive=True)})
    return [csource.read(path, (replaced or {}).get(path)) for path in paths]


def read_paths(path=PATHS):
    with open(path, encoding='utf-8') as file:
        return reach.Paths(file, path)


def add_calls(facts, program, commands):
    known = {constant for numbers in commands.values() for constant in numbers}
    program.is_command = known.__contains__
    for name, handled in handlers.all_handled(program, commands, commands).items():
        refusals = errorlines.refusals_of(program, name, handled.handlers)
        facts.calls[name] = CallFacts(name, handled, errorlines.of_commands(refusals, handled.unknown()))
    for name, at in handlers.handlers(program).items():
        if name not in commands:
            facts.complain([(program.find(*at[0]).place, f'{at[0][0]}: HYPERVISOR_{name} has no prototype in abi/')])


def add_errors(facts, reference):
    """Ties the error lines of each heading to what its calls give."""
    for heading in reference.headings.values():
        names = [call.name for call in heading.calls if facts.calls[call.name].handled.handlers]
        refusals = frozenset().union(*(facts.calls[name].refusals for name in names))
        lines = errorlines.tie_all(heading.errors, reference.headings, refusals) if names else []
        if names:
            facts.complain(errorlines.check(lines, names, refusals, facts.reasons, heading.place.path))
            facts.untied += [tied.error for tied in lines if tied.is_untied()]
        for tied in lines:
            facts.given[id(tied.error)] = {(errorlines.number_of(refusal), refusal.reason) for refusal in tied.refusals}
        for name in names:
            facts.calls[name].errors = errorlines.tie_all(heading.errors, reference.headings,
                                                          facts.calls[name].refusals)


def add_orders(facts, reference, program):
    """Do error lines stand in the order of the checks?"""
    for name, call in facts.calls.items():
        heading = reference.headings.get(reference.calls[name].heading)
        unknown = call.handled.unknown()
        commands = [constant for constant in call.handled.commands if constant not in unknown]
        if heading:
            facts.complain(order.check(heading, call.errors, program, call.handled, commands))


def add_states(facts, reference):
    """A command that all calls refuse: do the error lines of their heading say so?  One that works: what does it do?"""
    for heading in reference.headings.values():
        states = {}
        for call in heading.calls:
            for constant, status in facts.calls[call.name].handled.commands.items():
                if constant not in states or states[constant].kind == handlers.REFUSED:
                    states[constant] = status
        for constant, status in states.items():
            place = reference.constants[constant].place
            if status.kind == handlers.REFUSED and not errorlines.says_refused(heading, constant, status):
                facts.complain([(place, f'{constant} is always refused with {status.error}, at {status.place}, and no '
                                 f'line of [{heading.label}] says so')])
            if status.kind != handlers.REFUSED and not errorlines.texts_of(heading, constant):
                facts.complain([(place, f'{constant}: [{heading.label}] does not say what it does; '
                                 f'{status.kind}, see {status.place}')])


def add_reasons(facts):
    """Where each reason is given, and which calls give it."""
    for name, call in facts.calls.items():
        for refusal in call.refusals:
            reason = facts.reasons.get(refusal.reason)
            if reason:
                reason.calls.setdefault(name, set()).add(errorlines.number_of(refusal))
                reason.sites.append((refusal.place, errorlines.number_of(refusal), refusal.function))
    for reason in facts.reasons.values():
        reason.sites = sorted(set(reason.sites))


def load(reference, replaced=None):
    """The Facts for a Reference of markup.parse(); @replaced: {path: text} instead of sources, for tests."""
    try:
        return find(reference, replaced)
    except Unclear as unclear:
        return Facts(complaints=[unclear.complaint])


def find(reference, replaced):
    """The same; Unclear: there is something that cannot be read."""
    facts = Facts()
    facts.reasons, found = reasons.load()
    facts.complain(found)
    commands = {name: commands_of(reference, call) for name, call in reference.calls.items()}
    program = reach.Program(read_sources(replaced), read_paths())
    add_calls(facts, program, commands)
    add_errors(facts, reference)
    add_orders(facts, reference, program)
    facts.complain(columns.check(reference, program, facts.calls))
    facts.complain(prototypes.check(reference, program, facts.calls))
    facts.complain(limits.check(reference, replaced))
    facts.complain((rule.place, f'{rule.call} {rule.function} {rule.callee}: no call comes there')
                   for rule in program.paths.unused())
    add_states(facts, reference)
    add_reasons(facts)
    differences = otherwise.load(commands)
    measured, found = costs.load(commands)
    facts.complain(found)
    tests = showing.load(commands, {name: call.heading for name, call in reference.calls.items()})
    for name, call in facts.calls.items():
        call.otherwise, call.costs, call.tests = differences[name], measured[name], tests[name]
    facts.complaints = sorted(set(facts.complaints))
    return facts


def show(call):
    """All that is known of a call, for people."""
    at = ', '.join(f'{function} in {path}' for function, path in call.handled.handlers)
    print(f'HYPERVISOR_{call.name}: {call.handled.status}; {at}')
    for constant, status in call.handled.commands.items():
        print(f'    {constant}: {status} ({status.place})')
    for refusal in sorted(call.refusals, key=lambda refusal: (refusal.error, refusal.reason, refusal.place)):
        print(f'    {errorlines.number_of(refusal)} {refusal.reason} {refusal.place} {refusal.function}',
              ' '.join(sorted(refusal.commands)))
    for difference in call.otherwise:
        print(f'    {difference.reason}: {difference.example}: Xen {difference.xen}, Paravane {difference.ours}')
    for cost in call.costs:
        print(f'    {cost.what}: {cost.instructions} instructions, Xen {cost.xen} ({cost.date})')
    for test in call.tests:
        print(f'    {test.name} {test.place}', *test.statements, *test.commands)


def main():
    facts = load(markup.parse(glob.glob('abi/*.h')))
    for name in sys.argv[1:]:
        show(facts.calls[name])
    if not sys.argv[1:]:
        for complaint in facts.complaints:
            print(complaint)
        print(f'{len(facts.calls)} calls, {len(facts.reasons)} reasons, {len(facts.complaints)} complaints, '
              f'{len(facts.untied)} error lines without reason')
    return 1 if facts.complaints and not sys.argv[1:] else 0


if __name__ == '__main__':
    sys.exit(main())
