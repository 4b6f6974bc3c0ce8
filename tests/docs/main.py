# SPDX-License-Identifier: MIT
"""Runs the tests by name, and counts them: see run.sh."""

import importlib
import re
import subprocess
import sys

DIRECTORY = 'build/docs'
# Tests that are programs of their own; their last line counts.
PROGRAMS = {'facts': 'tests/docs/test_facts.py'}


class Verdicts:
    def __init__(self):
        self.passed = self.failed = 0

    def verdict(self, name, complaints=()):
        """One test: it has passed if nobody complains."""
        complaints = list(complaints)
        if not complaints:
            self.passed += 1
            print(f'ok {name}')
            return
        self.failed += 1
        print(f'FAILED {name}')
        for complaint in complaints[:20]:
            print(f'    | {complaint}')
        if len(complaints) > 20:
            print(f'    | ... {len(complaints)} in all')

    def program(self, path):
        ran = subprocess.run([sys.executable, '-B', path], capture_output=True, text=True, check=False)
        lines = (ran.stderr + ran.stdout).splitlines()
        counted = re.match(r'(\d+) passed, (\d+) failed$', lines[-1]) if lines else None
        passed, failed = map(int, counted.groups()) if counted else (0, 1)
        failed = failed or int(ran.returncode != 0)
        self.passed, self.failed = self.passed + passed, self.failed + failed
        print(f'{"FAILED" if failed else "ok"} {path}: {passed} passed, {failed} failed')
        if failed:
            print('\n'.join(f'    | {line}' for line in lines))


def main(names):
    verdicts = Verdicts()
    if set(names) - {'faults', 'facts'}:
        made = subprocess.run(['tools/docs/generate.py', DIRECTORY], capture_output=True, text=True, check=False)
        said = (made.stdout + made.stderr).splitlines()
        verdicts.verdict('the documentation is made', said if made.returncode else [])
    for name in names:
        if name in PROGRAMS:
            verdicts.program(PROGRAMS[name])
        else:
            importlib.import_module(name).run(verdicts, DIRECTORY)
    print(f'{verdicts.passed} passed, {verdicts.failed} failed')
    return 1 if verdicts.failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
