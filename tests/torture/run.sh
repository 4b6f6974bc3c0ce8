#!/usr/bin/env bash
# Four vCPUs on two processors that do the same things to the same frames at once, and look for a stale writable
# translation of a table: guests/tests/torture, in both widths.  And one that changes code which another one executes:
# guests/tests/patched.  tests/guest has them on one processor.
#
# Usage: tests/torture/run.sh [PATTERN]      only the runs whose name matches the extended regular expression
#
# The last line is "N passed, N failed".  Logs: build/log/torture.  Environment:
#   PARAVANE_TORTURE_STEPS     how much each vCPU does (default: 300000, half a minute for both)
#   PARAVANE_TORTURE_SECONDS   or for how long, on the guest's clock
#   PARAVANE_TORTURE_SEED      the seed (default: 1); what the processors do at once no seed repeats
# and the limits of tests/lib/limits.sh.  One at a time: it has both processors to itself.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1

pattern=${1:-}
jobs=1
log=build/log/torture

. tests/lib/runs.sh

bad='^not ok |verdict: (failure|error)|bug of the hypervisor|hypervisor fault|broken invariant|frames behind'
words="seed=${PARAVANE_TORTURE_SEED:-1} steps=${PARAVANE_TORTURE_STEPS:-300000} seconds=${PARAVANE_TORTURE_SECONDS:-0}"
for width in '' 32; do
    begin "torture$width" 0 '^ok stores that reached a table' '^ok everything was tried' '^verdict: success' \
        'audit before the release of .*: every count is right' 'audit after the release of .*: every count is right' -- \
        build/cli/paravane run --verbose --audit --timeout "$limit" --memory 64M --vcpus 4 --cpus 2 --cmdline "$words" \
        "build/guests$width/tests/torture.elf"
done
begin patched 0 '^ok code is changed while it is executed' '^ok no processor executes what is not there any more' \
    '^verdict: success' -- build/cli/paravane run --verbose --timeout "$limit" --memory 64M --vcpus 2 --cpus 2 \
    --cmdline seconds=5 build/guests/tests/patched.elf
runs_end
