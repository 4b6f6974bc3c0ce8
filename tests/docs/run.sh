#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What `make docs` makes: does it refuse what is wrong, and is what it writes sound?
#
#   faults   each of the generator's errors, planted in a copy of the headers: it is told, by file and line
#   facts    what the code is read for, each call: tests/docs/test_facts.py
#   documents what a document names and is not there is told: tests/docs/test_documents.py
#   limits   numbers in statements are those of the code: tests/docs/test_limits.py
#   explained what is refused in thousands of calls is what was found in the code
#   tables   what the engine's own tables say, and its pages: tests/docs/test_tables.py
#   start    the boot that is shown is still the one that there is: tests/docs/start_of_day.sh
#   pages    every page: well formed, no dead link, no id twice, nothing from elsewhere, no script; what must be found
#            in the indexes is; the JSON file agrees with them
#   manual   every man page: man and, where it is installed, mandoc have nothing to say against it
#   screens  every page in Chromium at two widths, dark, and on paper; needs chromium, and is asked for by name
#
# Usage: tests/docs/run.sh [NAME...]      default: all but screens
#
# The last line is "N passed, N failed".  The pages are made anew, in build/docs.  For `start` and `explained` the
# command, the hypervisor and the guests must have been built; for all but `faults`, `facts`,
# `documents`, `limits` and `explained`, build/tables/tables.json.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1

[ $# -ne 0 ] || set -- faults facts documents limits explained tables start pages manual
for name in "$@"; do
    case $name in
    faults | facts | documents | limits | explained | tables | start | pages | manual | screens) ;;
    *) echo "tests/docs/run.sh: no test called $name" >&2; exit 2 ;;
    esac
done
exec /usr/bin/python3 -B tests/docs/main.py "$@"
