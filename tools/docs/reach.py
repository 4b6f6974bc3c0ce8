# SPDX-License-Identifier: MIT
"""Which errors a call can give: each place of engine/ that refuses, each -XEN_* of hv/, and how they come back.

Functions are followed from a call's handler through calls by name and through tables.  Where an error or a reason is a
parameter of a function, it stays one until a caller gives a value, and the place is then the caller's: that is the
line that decides.  What this cannot see in the text, that a call never gets to a function or that an error
becomes another, is said in paths.txt: Paths.
"""
import fnmatch
import re
from dataclasses import dataclass, replace

import csource
from model import Place, Unclear

# The function of hv/ that notes a refusal, and returns its first argument.
NOTER = 'call_refuse'
# Functions that record one: the indexes of error and reason among their arguments.
RECORDERS = {'refuse': (1, 2), 'refuse_value': (1, 2), 'grant_refuse': (1, 2), NOTER: (0, 1)}
CONSTANT = re.compile(r'-?(?:\(int(?:64_t)?\))?\b(?:XEN_(E\w+)|(GNTST_\w+)|(?:REFUSE|WHY)_(\w+))$')
RAW = re.compile(r'-(?:\(int(?:64_t)?\))?\s*XEN_(E\w+)')
ANSWER = r'(?:-(?:\(int64_t\))?XEN_(E\w+)|(GNTST_\w+)|(0))'
COMPARED = re.compile(r'[=!]= ([A-Z]\w+)')
NOTHING = '-'  # in the place of an error: the caller does not pass it on
ANYWHERE = 'any'  # in the place of an error: it stands in no order, see order.py


@dataclass(frozen=True)
class Parameter:
    """In the place of a value: what the caller gives for the parameter."""
    index: int


@dataclass(frozen=True)
class Choice:
    """In the place of a value: @value, where the caller gives @constant for the parameter, or, if not @equal, anything
    else."""

    index: int
    constant: str
    equal: bool
    value: object


@dataclass(frozen=True)
class Refusal:
    """@error: EINVAL, GNTST_bad_domain, '0' where the guest does not see it.
    @reason: a name of engine/refuse.h or hv/domain/call_refuse.h, or '' for an error that is returned without a record.
    @commands: constants that it is for; empty: whatever the command."""
    error: object
    reason: object
    place: Place
    function: str
    commands: frozenset = frozenset()


@dataclass
class Rule:
    """For the calls that match @call: where functions that match @function call @callee, or refuse for that reason
    ('*': any), the error comes back as @answer; or, with ANYWHERE, is met in no order."""

    call: str
    function: str
    callee: str
    answer: str
    why: str
    place: Place
    used: bool = False


def matches(name, patterns):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns.split('|'))


class Paths:
    """paths.txt, which says itself what its lines are."""

    def __init__(self, lines=(), path='paths.txt'):
        self.rules, self.known = [], {}
        for number, line in enumerate(lines, 1):
            if line.startswith('#') or not line.strip():
                continue
            words, _, why = line.partition(' -- ')
            if len(words.split()) != 4 or not why.strip():
                raise Unclear(Place(path, number), 'not CALL FUNCTION CALLEE ANSWER -- why')
            self.rules.append(Rule(*words.split(), why.strip(), Place(path, number)))

    def answer(self, call, function, callee):
        """What @function makes of @callee's errors, or None: what they are."""
        asked = (call, function, callee)
        if asked not in self.known:
            self.known[asked] = self.first(lambda rule: rule.answer != ANYWHERE, *asked)
        return self.known[asked]

    def is_anywhere(self, call, function, callee):
        """Is what @function gets from @callee, or refuses for that reason or with that error, met in no order?"""
        return self.first(lambda rule: rule.answer == ANYWHERE, call, function, callee) is not None

    def first(self, wanted, call, function, callee):
        """The answer of the first of the @wanted rules that matches, or None."""
        for rule in self.rules:
            if wanted(rule) and rule.callee in (callee, '*') and matches(function, rule.function) and \
                    matches(call, rule.call):
                rule.used = True
                return rule.answer
        return None

    def unused(self):
        return [rule for rule in self.rules if not rule.used]


class Program:
    """The functions of some sources, and what calls of them can end in."""

    def __init__(self, sources, paths=None, is_command=lambda name: True):
        """@is_command: is a constant the command of a call?  Other comparisons and cases are of no interest."""
        self.sources = {source.path: source for source in sources}
        self.shared = {function.name: function for source in sources for function in source.functions.values()
                       if not function.static or source.path.endswith('.h')}
        self.paths = paths or Paths()
        self.is_command = is_command
        self.known_edges = {}
        self.solvers = {}

    def find(self, name, path):
        """The function that @name means in the file @path, or None."""
        return self.sources[path].functions.get(name) or self.shared.get(name)

    def edges(self, function):
        """(function, call or None, commands) for each function that @function calls, through tables too."""
        if key(function) not in self.known_edges:
            self.known_edges[key(function)] = list(self.find_edges(function))
        return self.known_edges[key(function)]

    def find_edges(self, function):
        source = self.sources[function.place.path]
        for call in function.calls:
            found = call.name and self.find(call.name, source.path)
            if found and found is not function:
                yield found, call, self.commands_at(function, call.start)
        for name, table in source.tables.items():
            if re.search(rf'\b{name}\b', function.body):
                for row, text in table.rows.items():
                    for word in csource.WORD.findall(text):
                        if self.find(word, source.path):
                            yield self.find(word, source.path), None, self.only_commands([row])

    def only_commands(self, names):
        return frozenset(name for name in names if self.is_command(name))

    def commands_at(self, function, offset):
        return self.only_commands(labels_at(function.body, offset))

    def refusals(self, call, name, path):
        """The Refusals that the handler @name, in the file @path, of the call @call can end in."""
        solver = self.solver(call, name, path)
        found = (self.narrowed(call, refusal) for refusal in solver.summaries[key(solver.root)])
        return frozenset(refusal for refusal in found if refusal)

    def solver(self, call, name, path):
        """The Solver for the handler @name, in the file @path, of the call @call."""
        if (call, name, path) not in self.solvers:
            self.solvers[call, name, path] = Solver(self, call, self.find(name, path))
        return self.solvers[call, name, path]

    def narrowed(self, call, refusal):
        """The refusal without the commands that paths.txt says do not come to it; None, if none is left."""
        left = frozenset(command for command in refusal.commands if
                         self.paths.answer(f'{call}.{command}', refusal.function, refusal.reason) != NOTHING)
        return replace(refusal, commands=left) if left or not refusal.commands else None

    def reached(self, name, path):
        """All functions that the function can reach, itself among them."""
        due, seen = [self.find(name, path)], {}
        while due:
            function = due.pop()
            if key(function) not in seen:
                seen[key(function)] = function
                due += [callee for callee, _, _ in self.edges(function)]
        return seen

    def values(self, text, function):
        """What an expression can be: constants, Parameters and Choices."""
        text = text.strip()
        constant = CONSTANT.match(text)
        if constant:
            return {next(group for group in constant.groups() if group)}
        question = csource.split(text, '?')
        if len(question) == 2:
            return self.chosen(question[0], csource.split(question[1], ':'), function)
        if text in function.parameters:
            return {Parameter(function.parameters.index(text))}
        call = next((call for call in function.calls if text == f'{call.name}({", ".join(call.arguments)})'), None)
        called = call and self.find(call.name, function.place.path)
        if called:
            returned = re.findall(r'\breturn ([^;]+);', called.body)
            return {given for part in returned for value in self.values(part, called)
                    for given in self.given(value, function, call)}
        assigned = re.findall(rf'\b{text} = ([^;]+);', function.body) if csource.WORD.fullmatch(text) else []
        if not assigned:
            raise Unclear(function.place, f'{function.name}: what can {text!r} be?')
        return {value for part in assigned for value in self.values(part, function)}

    def chosen(self, condition, parts, function):
        """The values of @condition ? @parts[0] : @parts[1]."""
        compared = re.fullmatch(r'(\w+) == ([A-Z]\w+)', condition)
        known = compared and compared.group(1) in function.parameters
        index = function.parameters.index(compared.group(1)) if known else None
        for part, equal in zip(parts, (True, False)):
            for value in self.values(part, function):
                yield value if index is None else Choice(index, compared.group(2), equal, value)

    def given(self, value, function, call):
        """What a @value of a function is where @function calls it."""
        if not call or not isinstance(value, (Parameter, Choice)):
            return {value}
        if isinstance(value, Parameter):
            return set(self.values(call.arguments[value.index], function))
        argument = call.arguments[value.index]
        values = self.given(value.value, function, call)
        if argument in function.parameters:
            return {replace(value, index=function.parameters.index(argument), value=inner) for inner in values}
        if re.fullmatch(r'[A-Z]\w+', argument):
            return values if (argument == value.constant) == value.equal else set()
        return values


class Solver:
    """The summaries, sets of Refusals, of all functions that one call reaches."""

    def __init__(self, program, call, root):
        self.program, self.call, self.root = program, call, root
        functions = program.reached(root.name, root.place.path)
        self.summaries = {place: frozenset(self.own(function)) for place, function in functions.items()}
        callers = {}
        for place, function in functions.items():
            for callee, _, _ in program.edges(function):
                callers.setdefault(key(callee), set()).add(place)
        due = {caller for place, found in self.summaries.items() if found for caller in callers.get(place, ())}
        while due:
            place = due.pop()
            passed = (self.through(functions[place], *edge) for edge in program.edges(functions[place]))
            found = self.summaries[place].union(*passed)
            if found != self.summaries[place]:
                self.summaries[place] = found
                due |= callers.get(place, set())

    def own(self, function):
        """What the body itself refuses."""
        if function.name in RECORDERS:
            return
        for call in function.calls:
            if call.name in RECORDERS:
                where, why = RECORDERS[call.name]
                if call.name == NOTER and passes_on(function, call.arguments[where]):
                    continue
                commands = self.program.commands_at(function, call.start)
                for error in self.program.values(call.arguments[where], function):
                    for reason in self.program.values(call.arguments[why], function):
                        known = reason.value if isinstance(reason, Choice) else reason
                        answer = self.answer(function, known) or \
                            (call.name == NOTER and self.answer(function, error)) or None
                        if answer != NOTHING:
                            yield Refusal(answer or error, reason, call.place, function.name, commands)
        if function.place.path.startswith('hv/'):
            for match in RAW.finditer(function.body):
                if is_noted(function, match.start()) or \
                        self.answer(function, match.group(1)) == NOTHING:
                    continue
                yield Refusal(match.group(1), '', function.place_at(match.start()), function.name,
                              self.program.commands_at(function, match.start()))

    def answer(self, function, callee):
        return self.program.paths.answer(self.call, function.name, callee)

    def through(self, function, callee, call, commands):
        """What @function passes on of the summary of @callee."""
        if callee.name in RECORDERS:
            return
        answer = self.answer(function, callee.name) or (call and answer_after(function.body, call.start))
        if answer == NOTHING:
            return
        noted = noted_after(function, call)
        for refusal in self.summaries[key(callee)]:
            if callee.void and not refusal.reason:
                continue  # it tells nobody
            for error in self.program.given(refusal.error, function, call):
                for reason in self.program.given(refusal.reason, function, call):
                    found = replace(refusal, error=answer or error, reason=reason or noted,
                                    commands=commands & refusal.commands or refusal.commands or commands)
                    if call and Parameter in (type(refusal.error), type(refusal.reason)):
                        found = replace(found, place=call.place, function=function.name)
                    yield found


def is_noted(function, offset):
    """Is the error at @offset one that @function notes with a reason, itself or by the name of its variable?"""
    before = function.body[max(function.body.rfind(end, 0, offset) for end in ';{}') + 1:offset]
    kept = re.match(r'\s*(?:int )?(\w+) = ', before)
    return before.endswith(f'{NOTER}(') or \
        (kept is not None and re.search(rf'\b{NOTER}\({kept.group(1)}, ', function.body) is not None)


def passes_on(function, argument):
    """Is what is noted the error of another function, which @function has kept in a variable?"""
    return re.search(rf'\b{re.escape(argument)} = \w+\([^;]*\);', function.body) is not None


def noted_after(function, call):
    """The reason that @function notes where @call, whose result it keeps, gives an error and none; or ''."""
    kept = call and re.search(r'\b(\w+) = $', function.body[:call.start])
    noted = kept and re.search(rf'\b{NOTER}\({kept.group(1)}, WHY_(\w+)', function.body)
    return noted.group(1) if noted else ''


def key(function):
    return function.place.path, function.name


def labels_at(body, offset):
    """The constants that the code at @offset is for: labels of a case, or an `if (... == CONSTANT)` around it."""
    before = body[:offset]
    labels = []
    for match in reversed(list(re.finditer(r'\bcase ([A-Z]\w+):|\bdefault:|\bbreak;|\n    \}', before))):
        if match.group(1) is None or (labels and before[match.end():labels[-1].start()].strip()):
            break
        labels.append(match)
    if labels:
        return [match.group(1) for match in labels]
    condition = re.search(r'\bif \(((?:[^()]|\([^()]*\))*)\)\s*(?:return\s+|\w+ = )?[^;{}]*$', before)
    if condition and not re.search(r'!=|<|>|&&', condition.group(1)):
        return COMPARED.findall(condition.group(1))
    return []


def answer_after(body, offset):
    """The answer of `if (call) return ANSWER;` and `return call ? ANSWER : ...;` to an error of the call, or None."""
    statement = max(body.rfind(word, 0, offset) for word in ('if (', 'return '))
    if statement < 0 or re.search(r'[;{}!]', body[statement:offset]):
        return None
    if body.startswith('return', statement):
        answer = re.match(rf'\)\s*\? {ANSWER} :', body[csource.closing(body, body.index('(', offset)):])
    else:
        end = csource.closing(body, statement + 3)
        answer = re.match(rf'\)\s*return {ANSWER};', body[end:]) if end > offset else None
    return next(group for group in answer.groups() if group) if answer else None
