# SPDX-License-Identifier: MIT
"""Runs the tests by name, and counts them: see run.sh."""

import importlib
import re
import subprocess
import sys

DIRECTORY = 'build/docs'
# Tests that are programs of their own, and say how many there were: as unittest does, or in the last line.
PROGRAMS = {'facts': 'tests/docs/test_facts.py', 'tables': 'tests/docs/test_tables.py',
            'documents': 'tests/docs/test_documents.py', 'limits': 'tests/docs/test_limits.py', 'start': 'tests/docs/start_of_day.sh'}
COUNTED = re.compile(r'Ran (\d+) tests? in |(\d+) passed, \d+ failed$')


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
        """All tests of a program have passed, or one has failed."""
        command = [sys.executable, '-B', path] if path.endswith('.py') else [path]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = (ran.stderr + ran.stdout).splitlines()
        counts = [int(match.group(1) or match.group(2)) for match in map(COUNTED.match, lines) if match]
        if ran.returncode == 0 and counts and counts[0]:
            self.passed += counts[0]
            print(f'ok {path}: {counts[0]} tests')
        else:
            self.verdict(path, lines[-20:] or [f'status {ran.returncode}'])


def main(names):
    verdicts = Verdicts()
    if set(names) & {'pages', 'manual', 'screens'}:
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
