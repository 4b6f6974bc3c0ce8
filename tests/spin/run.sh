#!/usr/bin/env bash
# The argument of engine/tlb.h, held by Spin: flush.pml whole and without an error, and each planted mistake found.
#
# Usage: tests/spin/run.sh
#
# A search that was cut short, by memory or by depth, and a step of the model that nothing reaches are failures, and so
# are a function that the model names and nobody has, and a defect of tests/defects between 034 and 044, or 1131 or 1132,
# that it lacks.
# The last line is "N passed, N failed".  Logs: build/log/spin.  Environment: the limits of tests/lib/limits.sh
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/limits.sh

FIRST_DEFECT=34 LAST_DEFECT=44 OTHER_DEFECTS='1131 1132'
MEGABYTES=2000 # what a search may take; it needs a quarter of that
DEPTH=100000   # steps of a path; the longest has about a hundred

model=$PWD/tests/spin/flush.pml
log=$PWD/build/log/spin
passed=0 failed=0

rm -rf "$log"
mkdir -p "$log"

verdict() { # NAME FAILURE: none is a pass
    if [ -z "$2" ]; then
        passed=$((passed + 1))
        echo "ok $1"
    else
        failed=$((failed + 1))
        echo "not ok $1: $2"
    fi
}

search() { # NAME OPTIMISATION [MACRO]: leaves what Spin says in $log/NAME/log
    mkdir -p "$log/$1"
    (
        cd "$log/$1" || exit 1
        exec >log 2>&1
        # Spin's code is not ours to warn about.
        spin ${3:+-D"$3"} -a "$model" && gcc "$2" -w -DSAFETY -DNOFAIR -DMEMLIM=$MEGABYTES pan.c -o pan &&
            bounded ./pan -E -m$DEPTH # processors come to rest where the clock ends
        rm -f pan*
    )
}

# What is wrong with a search that should find nothing.
unclean() { # LOG
    grep -qE 'errors: 0$' "$1" || echo "errors, or no result"
    ! grep -E 'not completed|too small|MEMLIM|out of memory' "$1" || return
    ! grep -E 'flush.pml:[0-9]+, state [0-9]+, ' "$1" | grep -v '"-end-"'
}

command -v spin >/dev/null || { echo "there is no spin here; tools/setup installs it"; echo "0 passed, 1 failed"; exit 1; }

search flush -O2
verdict "no stale translation" "$(unclean "$log/flush/log" | head -n 3)"
grep -E 'states, stored' "$log/flush/log"

mistakes=$(sed -nE 's/^#(if|elif|ifdef) *(defined)?[( ]*([A-Z_]+).*/\3/p' "$model")
for mistake in $mistakes; do
    search "$mistake" -O0 "$mistake" # mistakes are found soon
    wrong=
    grep -q '^pan:1: assertion violated' "$log/$mistake/log" || wrong="not found"
    verdict "finds $mistake" "$wrong"
done

named=$(sed -nE 's/.*defect 0*([0-9]+).*/\1/p' "$model" | sort -n | tr '\n' ' ')
wrong=
[ "$named" = "$(seq -s ' ' $FIRST_DEFECT $LAST_DEFECT) $OTHER_DEFECTS " ] || wrong="there are $named"
verdict "defects $FIRST_DEFECT to $LAST_DEFECT, and $OTHER_DEFECTS, are in the model" "$wrong"

wrong=
for name in $(grep -o '/\*.*\*/\|^ \*.*' "$model" | grep -oE '\b[a-z_]+\(\)' | sort -u); do
    grep -qrE --include='*.[ch]' "\b${name%??}\(" engine hv || wrong="$wrong $name"
done
verdict "what the model names is in the engine" "${wrong:+there is no$wrong}"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
