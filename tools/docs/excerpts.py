#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a document shows of a source or of a run is what stands in the source and was said in the run.

A document names it in a comment in front of a fenced block:

    <!-- excerpt FILE NAME -->      what stands in FILE between the lines /* [NAME] */ and /* [/NAME] */
    <!-- output FILE NAME -->       what FILE, the kept output of a test kernel, has behind its line "# [NAME]"
    <!-- printed COMMAND -->         what COMMAND prints; it is short, and must have been built

Usage: excerpts.py check DOCUMENT...     say what differs, by place; status 1 if anything does
       excerpts.py refresh DOCUMENT...   write into the documents what they should show
       excerpts.py gather OUT ERR        what a run with --explain printed, in the form of a kept output
       excerpts.py compare FILE OUT ERR  does a kept output say what the run did?  Numbers of frames and addresses may
                                         differ, but what was one number must be one number again

Files are named from the root of the tree, which is the current directory.
"""
import re
import shlex
import subprocess
import sys

NAMED = re.compile(r"^<!-- (?:(excerpt|output) (\S+) (\S+)|(printed) (.+)) -->$")
PART = re.compile(r"^# \[(\S+)\]$")
MARK = re.compile(r"^\s*/\* \[(/?)(\S+)\] \*/$")
HYPERVISOR = "paravane: "


class Fault(Exception):
    """Something is not as it should be; its text begins with the place."""


def read_lines(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()
    except OSError as error:
        raise Fault(f"{path}: {error.strerror}") from error


def dedent(lines):
    depth = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return [line[depth:] for line in lines]


def excerpt(path, name):
    """The marked lines of a source, without the indentation that they have in common."""
    inside, found = None, []
    for number, line in enumerate(read_lines(path), 1):
        mark = MARK.match(line)
        if not mark or mark[2] != name:
            if inside is not None and not mark:
                inside.append(line)
            continue
        if bool(mark[1]) != (inside is not None) or (found and not mark[1]):
            raise Fault(f"{path}:{number}: [{mark[1]}{name}] does not go with what is before it")
        if mark[1]:
            found, inside = inside, None
        else:
            inside = []
    if not found or inside is not None:
        raise Fault(f"{path}: nothing between [{name}] and [/{name}]")
    return dedent(found)


def output(path, name):
    """A part of a kept output."""
    lines, inside = [], False
    for line in read_lines(path):
        part = PART.match(line)
        if part:
            inside = part[1] == name
        elif inside:
            lines.append(line)
    if not lines:
        raise Fault(f"{path}: no part [{name}]")
    return lines


def blocks(path, lines):
    """(kind, file or command, name, first line of the block, line behind it) of each named block, as indexes."""
    for number, line in enumerate(lines):
        named = NAMED.match(line)
        if not named:
            if re.match(r"<!-- (excerpt|output|printed)\b", line):
                raise Fault(f"{path}:{number + 1}: not of the form <!-- excerpt FILE NAME -->")
            continue
        if number + 1 >= len(lines) or not lines[number + 1].startswith("```"):
            raise Fault(f"{path}:{number + 1}: no fenced block behind it")
        end = number + 2
        while end < len(lines) and lines[end] != "```":
            end += 1
        if end == len(lines):
            raise Fault(f"{path}:{number + 2}: the block does not end")
        yield named[1] or named[4], named[2] or named[5], named[3], number + 2, end


def printed(command):
    try:
        ran = subprocess.run(shlex.split(command), capture_output=True, text=True, timeout=60, check=False)
    except OSError as error:
        raise Fault(f"{command}: {error.strerror}") from error
    if ran.returncode:
        raise Fault(f"{command}: status {ran.returncode}")
    return ran.stdout.splitlines()


def wanted(kind, file, name):
    if kind == "printed":
        return printed(file)
    return excerpt(file, name) if kind == "excerpt" else output(file, name)


def check(path):
    """What is shown in a document, as (file, name); prints each difference."""
    lines, shown, good = read_lines(path), [], True
    for kind, file, name, first, end in blocks(path, lines):
        if kind != "printed":
            shown.append((file, name))
        if lines[first:end] != wanted(kind, file, name):
            what = f"{file} prints" if kind == "printed" else f"{file} has as [{name}]"
            print(f"{path}:{first}: not what {what}: refresh it, and read what stands around it")
            good = False
    return good, shown


def refresh(path):
    lines = read_lines(path)
    for kind, file, name, first, end in reversed(list(blocks(path, lines))):
        lines[first:end] = wanted(kind, file, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def check_all_shown(shown):
    """Each part of a source or an output of which a document shows anything is shown by some document."""
    good = True
    for file in sorted({file for file, _ in shown}):
        for number, line in enumerate(read_lines(file), 1):
            mark = MARK.match(line) or PART.match(line)
            name = mark and mark[mark.lastindex]
            if name and (file, name) not in shown:
                print(f"{file}:{number}: no document shows [{name}]")
                good = False
    return good


# What a run printed.  The guest's lines come by the command's output, the hypervisor's by its errors, so that only the
# order within each is known.  Each result of the guest's that is an error has one refusal, and so has each trap that it
# calls refused.  Where in the guest's code the call stands is left out: a compiler decides that.

def refusals(lines):
    """The hypervisor's records, a list of lines each, without what explains them; those of a crash, at the end, are
    no others."""
    found, inside = [], False
    for line in lines:
        text = line.removeprefix(HYPERVISOR)
        if text.startswith("refused: "):
            found.append([text])
            inside = True
        elif ", rip " in text:
            inside = False
        elif inside and text.startswith("    "):
            found[-1].append(text)
        elif " crashed" in text:
            break
    return found


def has_refusal(line):
    return re.search(r": -E[A-Z0-9]+$", line) or re.search(r"refused: #[A-Z]{2}$", line)


def gather(guest, hypervisor):
    """The guest's parts, results and notes, each refusal behind the result that it belongs to."""
    result, begun = [], False
    reports = iter(refusals(read_lines(hypervisor)))
    for line in read_lines(guest):
        begun = begun or bool(PART.match(line))
        if not begun or not re.match(r"# |ok |not ok ", line):
            continue
        result.append(line)
        if has_refusal(line):
            report = next(reports, None)
            error = re.search(r": (-E[A-Z0-9]+)$", line)
            if report is None or (error and f" {error[1]}, " not in report[0]):
                raise Fault(f"{guest}: {line!r} has no refusal of its own, but {report and report[0]!r}")
            result += ["    " + text for text in report]
    left = next(reports, None)
    if left:
        raise Fault(f"{hypervisor}: no result goes with {left[0]!r}")
    if not result:
        raise Fault(f"{guest}: no part")
    return result


def canonical(lines):
    """Frames and addresses by the order in which they first appear in their part; an entry keeps its flags."""
    seen, result = {}, []

    def number(text):
        return f"#{seen.setdefault(text.lstrip('0'), len(seen) + 1)}"

    for line in lines:
        if PART.match(line):
            seen.clear()
        line = re.sub(r"\b(entry )([0-9a-f]{3})([0-9a-f]{10})([0-9a-f]{3})\b",
                      lambda m: f"{m[1]}{m[2]}.{number(m[3])}.{m[4]}", line)
        line = re.sub(r"\b((?:frame|mfn) )([0-9a-f]+)\b", lambda m: m[1] + number(m[2]), line)
        line = re.sub(r"\b[0-9a-f]{16}\b", lambda m: number(m[0]), line)
        result.append(line)
    return result


def compare(kept, guest, hypervisor):
    old, new = read_lines(kept), gather(guest, hypervisor)
    old_canonical, new_canonical = canonical(old), canonical(new)
    if len(old) != len(new):
        print(f"{kept}: {len(old)} lines, and the run has {len(new)}")
    for number, (before, after) in enumerate(zip(old_canonical, new_canonical), 1):
        if before != after:
            print(f"{kept}:{number}: {old[number - 1]}\n    the run: {new[number - 1]}")
            return False
    return len(old) == len(new)


def main(arguments):
    if len(arguments) < 2 or arguments[0] not in ("check", "refresh", "gather", "compare"):
        print(__doc__, file=sys.stderr)
        return 2
    command, files = arguments[0], arguments[1:]
    try:
        if command == "gather":
            print("\n".join(gather(*files)))
            return 0
        if command == "compare":
            return 0 if compare(*files) else 1
        if command == "refresh":
            for path in files:
                refresh(path)
            return 0
        results = [check(path) for path in files]
        shown = [part for _, parts in results for part in parts]
        good = check_all_shown(shown) and all(good for good, _ in results)
        return 0 if good and shown else 1
    except Fault as fault:
        print(fault)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
