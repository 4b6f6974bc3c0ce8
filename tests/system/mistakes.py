#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What --explain says of each mistake of guests/tests/mistakes, beside what is kept.

Usage: mistakes.py OUT ERR [KEPT]     what the kernel and the hypervisor said; KEPT: compare with it, else write it
       mistakes.py --json OUT ERR KEPT the same of --explain=json: reasons and advice are those kept

Each mistake is refused once, so the names in OUT and the refusals in ERR go together in their order.  Frames, pfns and
addresses are numbered as they appear in a refusal, since they depend on the compiler and on the seed; so are slots of L1
tables. Of the call that made a table a function is left, and the line that says where the refused one came from is left
out.  The last line is "N mistakes, N differ".
"""

import difflib
import json
import re
import sys

PREFIX = 'paravane: '
NUMBERS = re.compile(r'(?<![-\w<])(?:0x)?[0-9a-f]{3,16}(?=[ ,.;:)]|$)|(?<=slot )\d+(?= of the L1)|(?<=\bframe )[0-9a-f]+|'
                     r'(?<=\bpfn )[0-9a-f]+')
ORIGIN = re.compile(r'call \d+ of (vCPU .*) [0-9a-f]{16} (<[^+>]*)[^>]*>')


def explained(path):
    """A list of lines for each refusal."""
    found, inside = [], False
    with open(path, encoding='utf-8', errors='replace') as file:
        for line in file:
            text = line.rstrip('\n').removeprefix(PREFIX)
            inside = text.startswith('refused: ') or (inside and text.startswith('    '))
            if text.startswith('refused: '):
                found.append([])
            if inside and ', rip ' not in text:
                found[-1].append(text)
            elif inside and 'multicall' in text:
                found[-1].append('    ' + re.search(r'(?:entry \d+ of|in) a multicall', text).group())
    return found


def canonical(lines):
    """The facts with numbers in place of numbers, and the advice as it is."""
    seen, advice = {}, next((i for i, line in enumerate(lines) if line.startswith('    What to do')), len(lines))

    def number(match):
        digits = match.group().lstrip('0') or '0'
        return digits if digits == '0' else f'#{seen.setdefault(digits, len(seen) + 1)}'

    def entry(match):
        frame = number(re.match('[0-9a-f]*', match.group(1)[4:13]))
        return f'entry ({frame} and flags)'

    facts = [re.sub(r'entry ([0-9a-f]{16})', entry, line) for line in lines[1:advice]]
    facts = [ORIGIN.sub(r'call # of \1 \2>', line) for line in facts]
    return lines[:1] + [line if 'descriptor 0' in line else NUMBERS.sub(number, line) for line in facts] + lines[advice:]


def objects(path):
    """What --explain=json says: each line that begins with a brace is an object."""
    with open(path, encoding='utf-8') as file:
        return [json.loads(line) for line in file if line.startswith('{')]


def advice_of(report):
    text = ' '.join(line.strip() for line in report)
    return text.split('What to do: ', 1)[1]


def is_origin_told(origin, report):
    """Of a frame that has become a table, by a call or before there was any."""
    told = [line for line in report if line.startswith('    became ')]
    if not origin or not told:
        return not origin and not told
    by = 'when the domain was built' if origin['built'] else f'by {origin["call"]}'
    return f'became {origin["type"]} {by}' in told[0] and ('caller_symbol' in origin) != origin['built']


def compare_objects(out, err, kept):
    """The reasons and the words of each object are those of the text, and its numbers are there."""
    with open(kept, encoding='utf-8') as file:
        reports = [report.split('\n') for report in file.read().strip().split('\n\n')]
    found, wrong = objects(err), 0
    for report, one in zip(reports, found):
        good = f'{one["error"]}, {one["reason"]}: {one["text"]}' in report[1] and one['advice'] == advice_of(report[1:])
        good = good and one['domain'] == 1 and 'rip_symbol' in one and 'caller_symbol' in one
        good = good and one['in_use_count'] >= len(one['in_use']) == sum('in use by: ' in line for line in report)
        good = good and is_origin_told(one.get('origin'), report)
        good = good and ('slot' in one) == ('table in frame' in report[2] and 'for slot' in report[2])
        wrong += not good
        if not good:
            print(report[0], one)
    print(f'{len(found)} objects of {len(reports)}, {wrong} differ')
    return wrong or len(found) != len(reports)


def main():
    if sys.argv[1] == '--json':
        return compare_objects(*sys.argv[2:5])
    with open(sys.argv[1], encoding='utf-8', errors='replace') as file:
        names = [line.strip().split(': ', 1)[1] for line in file if re.match(r'\W*mistake: ', line)]
    reports = explained(sys.argv[2])
    said = []
    for name, report in zip(names, reports):
        said += [f'{name}:', *canonical(report), '']
    if len(sys.argv) < 4:
        print('\n'.join(said), end='')
        return len(names) != len(reports)
    with open(sys.argv[3], encoding='utf-8') as file:
        kept = file.read().split('\n')
    differences = list(difflib.unified_diff(kept[:-1], said[:-1], sys.argv[3], 'said', lineterm='', n=3))
    print('\n'.join(differences))
    if len(names) != len(reports):
        print(f'{len(names)} mistakes, and {len(reports)} refusals')
    differ = sum(line.startswith('@@') for line in differences)
    print(f'{len(names)} mistakes, {differ} differ')
    return differ != 0 or len(names) != len(reports) or len(names) < 40


if __name__ == '__main__':
    sys.exit(main())
