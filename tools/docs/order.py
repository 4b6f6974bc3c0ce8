# SPDX-License-Identifier: MIT
"""Do error lines stand in the order of the checks, where their heading says that they do?

The text is read as the author of a guest reads it: the lines of all commands, then those of the one that was called.
The code of each function is read from its top, with what each call of another can end in at the place of the call.
There must be a way to go down both at once that meets each refusal at a line that can mean it; and of the lines of the
command none may be left out that only this function decides.  What comes more than once counts where it comes first.
Where the code is no such list, paths.txt says so: `any`.
"""
from collections import defaultdict

import reach

PROMISE = 'in the order of the checks'


def check(heading, lines, program, handled, commands):
    """What is wrong with the order of @lines, the TiedErrors of a heading for the call that is @handled, and for those
    of its @commands that there are: (place, text)."""
    if not any(PROMISE in line.text for line in heading.lines):
        return
    told = set()
    for handler in handled.handlers:
        solver = program.solver(handled.name, *handler)
        for command in commands or [None]:
            own = [tied for tied in lines if not tied.error.commands or command in tied.error.commands]
            for function in reached(solver, command):
                wrong = first_out_of_order(own, steps(solver, function, command))
                if wrong and (wrong[0].error.place, wrong[1].place) not in told:
                    told.add((wrong[0].error.place, wrong[1].place))
                    yield wrong[0].error.place, said(command or handled.name, function, *wrong)


def said(who, function, tied, refusal, begin):
    """In words: what stands in @tied, @refusal gives in @function behind what stands in @begin."""
    numbers = ' or '.join(tied.error.numbers)
    where = f'checked in {function.name}(), at {refusal.place},'
    if begin is tied:
        return f'{who}: what is {where} leaves out {numbers}, in the order of the checks'
    return f'{who}: {numbers} is {where} behind what line {begin.error.place.line} says, and stands before it'


def passing(solver, function, command):
    """(callee, Call or None, commands) of the calls in @function that the command can come to, and which count."""
    for callee, call, only in solver.program.edges(function):
        if (not only or command in only) and solver.answer(function, callee.name) != reach.NOTHING:
            yield callee, call, only


def reached(solver, command):
    """The functions that the command can come to."""
    due, seen = [solver.root], {}
    while due:
        function = due.pop()
        if reach.key(function) not in seen:
            seen[reach.key(function)] = function
            due += [callee for callee, _, _ in passing(solver, function, command)]
    return list(seen.values())


def steps(solver, function, command):
    """What @function refuses, from its top: a list of Refusals for each line, two for `asked ? call() : error`."""
    lines, seen = defaultdict(list), set()
    found = [((refusal.place.line, False), refusal,
              [refusal.reason or refusal.error, *asked_at(function, refusal.place)]) for refusal in solver.own(function)]
    for callee, call, only in passing(solver, function, command):
        at = place_of(function, call or through_pointer(function))
        found += [(at, refusal, [callee.name]) for refusal in solver.through(function, callee, call, only)]
    for line, refusal, sources in sorted(found, key=lambda one: (one[0], one[1].place)):
        same = (refusal.place, refusal.error, refusal.reason)
        if counts(solver, refusal, command) and same not in seen and \
                not any(solver.program.paths.is_anywhere(solver.call, function.name, source) for source in sources):
            seen.add(same)
            lines[line].append(refusal)
    return [lines[line] for line in sorted(lines)]


def asked_at(function, place):
    """The functions that are called in the `if` whose answer stands at @place."""
    above = max((call.place.line for call in function.calls if call.place.line <= place.line), default=0)
    return [call.name for call in function.calls if call.place.line == above >= place.line - 1 and call.name]


def through_pointer(function):
    """The Call by which @function calls what it has found in a table, its last one of what is no function's name; or
    None."""
    calls = [call for call in function.calls if not call.name or f'{call.name} = ' in function.body]
    return calls[-1] if calls else None


def place_of(function, call):
    """(line, is it called only if what the line asks first is so?)"""
    if not call:
        return function.place.line, False
    statement = max(function.body.rfind(end, 0, call.start) for end in ';{}')
    return call.place.line, '?' in function.body[statement + 1:call.start]


def counts(solver, refusal, command):
    """Is it one that a guest sees of this command?"""
    if isinstance(refusal.error, (reach.Parameter, reach.Choice)) or refusal.error == '0':
        return False
    if refusal.commands and command not in refusal.commands:
        return False
    asked = f'{solver.call}.{command}', refusal.function, refusal.reason
    return not refusal.commands or solver.program.paths.answer(*asked) != reach.NOTHING


def first_out_of_order(lines, found):
    """(line, refusal, line before) where the way down ends, of the @found lists of refusals; None: it reaches both
    ends.  A line that is left out is given twice."""
    meant = [[(refusal, {at for at, tied in enumerate(lines) if tied.means(refusal)}) for refusal in step]
             for step in found]
    meant = [[(refusal, ats) for refusal, ats in step if ats] for step in meant]
    meant = [step for step in meant if step]
    here = {refusal.place for step in meant for refusal, _ in step}
    needed = {at for step in meant for _, ats in step for at in ats if lines[at].error.commands and
              all(refusal.place in here for refusal in lines[at].refusals)}
    reached_lines = {-1}  # the lines at which the way can have come so far
    for step in meant:
        further = set().union(*(onward(begin, step, needed) for begin in reached_lines))
        if not further:
            return stopped(lines, step, min(reached_lines), needed)
        reached_lines = further
    left = [need for need in needed if need > max(reached_lines)]
    return (lines[left[0]], meant[-1][-1][0], lines[left[0]]) if left else None


def onward(begin, step, needed):
    """The lines at which the way can be after a @step that begins at the line @begin: each of its refusals is met at a
    line that is not before, and no needed line is left out on the way."""
    least = -1
    for _, ats in step:
        ahead = [at for at in ats if at >= begin]
        if not ahead:
            return set()
        least = max(least, min(ahead))
    ahead = {at for _, ats in step for at in ats if at >= begin}
    return {at for at in ahead if at >= least and
            not any(begin < need < at and need not in ahead for need in needed)}


def stopped(lines, step, begin, needed):
    """The (line, refusal, line before) of a @step that cannot be met from the line @begin on: one that lies behind, if
    there is, or else one that is left out."""
    refusal, ats = min(step, key=lambda one: (max(one[1]) >= begin, one[0].place))
    if max(ats) < begin:
        return lines[max(ats)], refusal, lines[begin]
    left = lines[min((need for need in needed if need > begin), default=max(ats))]
    return left, refusal, left
