# SPDX-License-Identifier: MIT
"""Does the hypervisor refuse only what tools/docs/facts.py says that it can?

Thousands of calls of guests/differential, each refusal of which --explain names: the call, its command, the error, the
reason.  Each must be one that was found in the code, so that no line of tools/docs/paths.txt claims too much.
"""

import glob
import re
import subprocess
import sys
from collections import Counter

sys.path.append('tools/docs')  # behind this folder: each has a module called manual

import facts  # noqa: E402
import handlers  # noqa: E402
import markup  # noqa: E402
from errorlines import UNSEEN  # noqa: E402

RUN = '. tests/lib/limits.sh; bounded build/cli/paravane run --timeout "$limit" --memory 64M --cmdline seed=1 --explain'
KERNEL = 'build/guests/differential.elf'
REFUSED = re.compile(r'paravane: refused: (?:HYPERVISOR_)?([a-z]\w+)(?: ([A-Z]+_\w+))?(?:, entry \d+)?: -(\w+), (\w+):')
LEAST = 100  # kinds of refusals: fewer, and it is not the kernel that was meant
# The errors of this call are statuses: --explain has another number for all of them.
STATUSES = 'grant_table_op'
NO_CALL = 'UNKNOWN_CALL'  # with this error:
NOT_THERE = 'ENOSYS'
NO_COMMAND = 'NO_COMMAND'  # of the calls that are not the engine's


def refused(option):
    """Counter of (call, command or None, error, reason)."""
    ran = subprocess.run(['bash', '-c', f'{RUN} {option} {KERNEL}'], capture_output=True, stdin=subprocess.DEVNULL,
                         text=True, errors='replace', check=False)
    return Counter(match.groups() for match in REFUSED.finditer(ran.stderr))


def is_known(known, call, command, error, reason):
    """Is there a refusal in the code of that call for that reason, with that error if the guest sees it?"""
    if reason == NO_CALL:
        return error == NOT_THERE
    if call not in known.calls:
        return False
    offered = known.calls[call].handled.commands.get(command)
    if offered and reason == NO_COMMAND and (offered.kind, offered.error) == (handlers.REFUSED, error):
        return True
    return any(
        one.reason == reason and (call == STATUSES or one.error in (error, UNSEEN)) and
        (not command or not one.commands or command in one.commands) for one in known.calls[call].refusals)


def run(verdicts, _directory):
    known = facts.load(markup.parse(glob.glob('abi/*.h')))
    for kind, option in (('ordinary', ''), ('first', '--privileged')):
        seen = refused(option)
        verdicts.verdict(f'explained: {len(seen)} kinds of refusals, {sum(seen.values())} in all, {kind} domain',
                         [] if len(seen) >= LEAST else [f'at least {LEAST} kinds were expected'])
        for one, times in sorted(seen.items(), key=str):
            call, command, error, reason = one
            if known.reasons[reason].only == '32-bit guests':
                verdicts.verdict(f'explained: {reason}, of a 64-bit guest', ['hv/domain/advice.c says otherwise'])
            if not is_known(known, *one):
                verdicts.verdict(f'explained: {call} {command or ""}: -{error}, {reason}, {times} times',
                                 ['nothing in the code was found to give that: see tools/docs/paths.txt'])
