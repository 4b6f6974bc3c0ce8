#!/usr/bin/env bash
# How many operations of Linux's boot a replay carries out in a second of the processor: the median of some runs.  It is the engine's
# time, and that of reading and comparing, on this machine.  Prints a line as tools/bench wants it.
set -eu -o pipefail
cd "$(dirname "$0")/../.."

for _ in 1 2 3 4 5 6 7; do
    build/replay/paravane-replay --speed tests/recordings/linux.xz | sed -n 's/ operations a second$//p'
done | sort -n | awk '
    { speed[NR] = $1 }
    END {
        printf "  %10d operations a second\n", speed[4]
        printf "{\"name\": \"replay of Linux'\''s boot\", \"value\": %d, \"unit\": \"operations/s\"}\n", speed[4]
    }'
