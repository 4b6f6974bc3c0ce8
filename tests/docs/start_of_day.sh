#!/usr/bin/env bash
# Is the boot that the page "start of day" shows still the boot that there is?  The demo is booted, and what the hypervisor
# and it say of its first region compared with tests/docs/start-of-day.log.
#
# Usage: tests/docs/start_of_day.sh [--record]      --record: write that file anew
#
# The last line is "N passed, N failed".  The command, the hypervisor and the demo must have been built.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/limits.sh

kept=tests/docs/start-of-day.log
seen=build/log/start-of-day.log
mkdir -p build/log

ramdisk=build/log/start-of-day.ramdisk
head -c 200000 /dev/zero >$ramdisk
# Time is virtual and the seed is given, so that a boot is the same each time.  The hypervisor says to the byte where the
# kernel ends and is entered, which any change of it moves; the pages that the kernel names do not change that often.
bounded build/cli/paravane run --demo --ramdisk $ramdisk --memory 64M --seed 1 --verbose --timeout "$limit" "${virtual_time[@]}" 2>&1 </dev/null |
    tr -d '\r' | grep -E '^paravane: domain 1 .* tables: |^ +[0-9a-f]{16}-[0-9a-f]{16} +[0-9]+ pages  ' |
    sed 's/ kernel at [^;]*;//' >$seen

if [ "${1:-}" = --record ]; then
    cp $seen $kept
    exit
fi
if diff $kept $seen; then
    echo "1 passed, 0 failed"
else
    echo "what was kept (<) is not what there is (>): see whether that is meant, then tests/docs/start_of_day.sh --record"
    echo "0 passed, 1 failed"
    exit 1
fi
