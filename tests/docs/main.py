# SPDX-License-Identifier: MIT
"""Runs the tests by name, and counts them: see run.sh."""

import importlib
import subprocess
import sys

DIRECTORY = 'build/docs'


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


def main(names):
    verdicts = Verdicts()
    if names != ['faults']:
        made = subprocess.run(['tools/docs/generate.py', DIRECTORY], capture_output=True, text=True, check=False)
        said = (made.stdout + made.stderr).splitlines()
        verdicts.verdict('the documentation is made', said if made.returncode else [])
    for name in names:
        importlib.import_module(name).run(verdicts, DIRECTORY)
    print(f'{verdicts.passed} passed, {verdicts.failed} failed')
    return 1 if verdicts.failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
