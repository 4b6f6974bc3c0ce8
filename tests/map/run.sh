#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The map of a recorded boot of Debian's Linux, in Chromium, as a file: what it shows beside what a replay lists; the
# picture, the search, the time, the trees, with mouse and keyboard; what is saved of it; and the map of a run.  Pictures
# are in build/map/shots.
#
# Usage: tests/map/run.sh [NAME...]      default: all tests; a name is one of test_map.py without `test_`
#
# The last line is "N passed, N failed".  The command, what replays, the page and the demo guest must have been built.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
exec /usr/bin/python3 -B tests/map/test_map.py "$@"
