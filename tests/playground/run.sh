#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The playground in Chromium, as a file: every lesson by clicks, to the state that it is to end in; the page with a
# keyboard, on a phone, in the dark; and its engine, with calls at random.  Pictures are in build/playground/shots.
#
# Usage: tests/playground/run.sh [NAME...]      default: all tests; a name is one of test_playground.py without `test_`
#
# The last line is "N passed, N failed".  build/playground/playground.html must have been built.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
exec /usr/bin/python3 -B tests/playground/test_playground.py "$@"
