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
    told, met = set(), defaultdict(set)
    for handler in handled.handlers:
        solver = program.solver(handled.name, *handler)
        for command in commands or [None]:
            own = [tied for tied in lines if not tied.error.commands or command in tied.error.commands]
            for function in reached(solver, command):
                way = Way(own, steps(solver, function, command))
                if not way.wrong:
                    for refusal, tied in way.settled():
                        met[refusal.place, refusal.error, refusal.reason].add(id(tied))
                elif (way.wrong[0].error.place, way.wrong[1].place) not in told:
                    told.add((way.wrong[0].error.place, way.wrong[1].place))
                    yield way.wrong[0].error.place, said(command or handled.name, function, *way.wrong)
    for tied in lines:
        settle(tied, met)


def settle(tied, met):
    """Gives a line the places that are @met, going down the code, at this line alone; and no others of those."""
    def at(refusal):
        return met.get((refusal.place, refusal.error, refusal.reason), ())
    tied.sites = [refusal for refusal in tied.refusals
                  if (at(refusal) == {id(tied)} if len(at(refusal)) == 1 else refusal in tied.sites)]


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
              [refusal.reason, refusal.error, *asked_at(function, refusal.place)]) for refusal in solver.own(function)]
    for callee, call, only in passing(solver, function, command):
        at = place_of(function, call or through_pointer(function))
        found += [(at, refusal, [callee.name, refusal.reason])
                  for refusal in solver.through(function, callee, call, only)]
    for line, refusal, sources in sorted(found, key=lambda one: (one[0], one[1].place)):
        same = (refusal.place, refusal.error, refusal.reason)
        if counts(solver, refusal, command) and same not in seen and \
                not any(solver.program.paths.is_anywhere(solver.call, function.name, source) for source in sources):
            seen.add(same)
            lines[line].append(refusal)
    return [lines[line] for line in sorted(lines)]


def asked_at(function, place):
    """The functions that are called in the `if` whose answer stands at @place."""
    calls = [call for call in function.calls if call.name != reach.NOTER]
    above = max((call.place.line for call in calls if call.place.line <= place.line), default=0)
    return [call.name for call in calls if call.place.line == above >= place.line - 1 and call.name]


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


class Way:
    """The way down the @lines, TiedErrors, and the @found lists of refusals together.

    @wrong: (line, refusal, line before) where it ends, or None if it reaches both ends.  A line that is left out is given
    twice.
    """

    def __init__(self, lines, found):
        meant = [[(refusal, {at for at, tied in enumerate(lines) if tied.means(refusal)}) for refusal in step]
                 for step in found]
        meant = [[(refusal, ats) for refusal, ats in step if ats] for step in meant]
        self.lines, self.steps = lines, [step for step in meant if step]
        here = {refusal.place for step in self.steps for refusal, _ in step}
        self.needed = {at for step in self.steps for _, ats in step for at in ats if lines[at].error.commands and
                       all(refusal.place in here for refusal in lines[at].refusals)}
        self.states = [{-1}]  # the lines at which the way can be before the first step, and after each
        self.wrong = self.go_down()

    def go_down(self):
        for step in self.steps:
            further = set().union(*(self.onward(begin, step) for begin in self.states[-1]))
            if not further:
                return self.stopped(step, min(self.states[-1]))
            self.states.append(further)
        ends = {end for end in self.states[-1] if not any(need > end for need in self.needed)}
        if not ends:
            left = self.lines[min(need for need in self.needed if need > max(self.states[-1]))]
            return left, self.steps[-1][-1][0], left
        self.states[-1] = ends
        return None

    def onward(self, begin, step):
        """The lines at which the way can be after a @step that begins at the line @begin: each of its refusals is met at
        a line that is not before, and no needed line is left out on the way."""
        least = -1
        for _, ats in step:
            ahead = [at for at in ats if at >= begin]
            if not ahead:
                return set()
            least = max(least, min(ahead))
        ahead = {at for _, ats in step for at in ats if at >= begin}
        return {at for at in ahead if at >= least and
                not any(begin < need < at and need not in ahead for need in self.needed)}

    def stopped(self, step, begin):
        """What is @wrong where a @step cannot be met from the line @begin on: a line that lies behind, if there is one, or
        else one that is left out."""
        refusal, ats = min(step, key=lambda one: (max(one[1]) >= begin, one[0].place))
        if max(ats) < begin:
            return self.lines[max(ats)], refusal, self.lines[begin]
        left = self.lines[min((need for need in self.needed if need > begin), default=max(ats))]
        return left, refusal, left

    def settled(self):
        """(refusal, line) of each refusal that each way down meets at the same line."""
        behind = self.states[-1]
        for number, step in reversed(list(enumerate(self.steps))):
            pairs = [(begin, end) for begin in self.states[number] for end in self.onward(begin, step) & behind]
            for refusal, ats in step:
                can = {at for at in ats for begin, end in pairs if begin <= at <= end}
                if len(can) == 1:
                    yield refusal, self.lines[can.pop()]
            behind = {begin for begin, _ in pairs}
