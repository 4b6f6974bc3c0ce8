#!/usr/bin/env bash
# Which lines and branches of the engine the tests reach.  `make coverage` builds what this runs: the programs of the
# rings unit, sweep and lessons, and a short run of the model, in the flavour cov.
#
# Prints what was not reached, then a table by file; fails below the floors.  What does not count:
#   - branches that the compiler made and no source stands for (gcovr's unreachable and throw branches);
#   - the failing side of CHECK and ASSERT: reaching it would be the mistake they look for;
#   - lines between GCOVR_EXCL_START and GCOVR_EXCL_STOP, or marked GCOVR_EXCL_LINE, with the reason beside the mark.
#     Their number is printed.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1

LINES_FLOOR=97
BRANCHES_FLOOR=90
MODEL_OPS=${PARAVANE_MODEL_OPS:-20000}
. tests/lib/limits.sh
log=build/log
out=build/coverage
mkdir -p $log $out

[ -d build/cov ] || { echo "nothing is built for coverage: make coverage"; exit 1; }
find build/cov -name '*.gcda' -delete
run() { # SOURCE: run its program; both counts of two programs that run at once are kept
    local name=${1#tests/} out
    name=${name%.c}
    out=$log/${name//\//-}.cov.log
    if bounded "build/cov/tests/$name" >"$out" 2>&1 </dev/null; then
        echo "ran $name"
    else
        echo "$name failed: $out"
        return 1
    fi
}
export -f run bounded
export log limit processor_limit PARAVANE_MODEL_OPS=$MODEL_OPS

failed=0
shopt -s nullglob
printf '%s\0' tests/model/*.c tests/sweep/*.c tests/lessons/*.c tests/unit/*.c |
    xargs -0 -n 1 -P "$(nproc)" bash -c 'run "$0"' || failed=1

# Functions in headers count wherever they were compiled to, so all objects are read, and then engine/ is kept.
gcovr --root . --object-directory build/cov --filter 'engine/' --exclude-unreachable-branches --exclude-throw-branches \
    --exclude-branches-by-pattern '.*\b(CHECK|ASSERT)\(.*' --json $out/engine.json build/cov || exit 1

report() { gcovr --root . --add-tracefile $out/engine.json "$@"; }
report --html-details $out/index.html || exit 1
printf '\nLines, and those not reached:\n'
report --txt || exit 1
printf '\nBranches, and the lines of those not taken:\n'
report --txt --branches || exit 1
echo "left out by a mark in the source: $(grep -rhE 'GCOVR_EXCL_(LINE|START)' engine | wc -l) places"
echo "line by line: $out/index.html"

# gcovr removes whatever file it is told to write, a device too if it may: its output is never /dev/null.
report --fail-under-line $LINES_FLOOR --fail-under-branch $BRANCHES_FLOOR --output $out/floors.txt || {
    echo "coverage of the engine is below $LINES_FLOOR% of lines or $BRANCHES_FLOOR% of branches"
    failed=1
}
exit $failed
