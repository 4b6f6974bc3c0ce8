#!/usr/bin/env bash
# The arguments of engine/tlb.h, held by Spin: each model here whole and without an error, and each planted mistake
# found.  flush.pml: what a stamp and a date prove; unlink.pml: which stamp a table has;
# below.pml: the same of what a table leads to.
#
# Usage: tests/spin/run.sh
#
# A search that was cut short, by memory or by depth, and a step of the model that nothing reaches are failures, and so
# are a function that a model names and nobody has, and a defect of tests/defects of those below that they lack.
# The last line is "N passed, N failed".  Logs: build/log/spin.  Environment: the limits of tests/lib/limits.sh
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/limits.sh

DEFECTS="$(seq -s ' ' 34 44) 49 1131 1132 1280 1290 1291 1292"
MEGABYTES=2000 # what a search may take; it needs a quarter of that
DEPTH=100000   # steps of a path; the longest has about a hundred

models=$PWD/tests/spin
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

search() { # MODEL NAME OPTIMISATION [MACRO]: leaves what Spin says in $log/NAME/log
    local model=$models/$1.pml
    shift
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
    ! grep -E '[a-z]+.pml:[0-9]+, state [0-9]+, ' "$1" | grep -v '"-end-"'
}

command -v spin >/dev/null || { echo "there is no spin here; tools/setup installs it"; echo "0 passed, 1 failed"; exit 1; }

for model in flush unlink below; do
    search $model $model -O2
    verdict "no stale translation: $model" "$(unclean "$log/$model/log" | head -n 3)"
    grep -E 'states, stored' "$log/$model/log"
    for mistake in $(sed -nE 's/^#(if|elif|ifdef) *(defined)?[( ]*([A-Z_]+).*/\3/p' "$models/$model.pml"); do
        search $model "$mistake" -O0 "$mistake" # mistakes are found soon
        wrong=
        grep -q '^pan:1: assertion violated' "$log/$mistake/log" || wrong="not found"
        verdict "finds $mistake" "$wrong"
    done
done

named=$(sed -nE 's/.*defect 0*([0-9]+).*/\1/p' "$models"/*.pml | sort -nu | tr '\n' ' ')
wrong=
[ "$named" = "$DEFECTS " ] || wrong="there are $named"
verdict "the defects $DEFECTS are in the models" "$wrong"

wrong=
for name in $(grep -oh '/\*.*\*/\|^ \*.*' "$models"/*.pml | grep -oE '\b[a-z_]+\(\)' | sort -u); do
    grep -qrE --include='*.[ch]' "\b${name%??}\(" engine hv || wrong="$wrong $name"
done
verdict "what the models name is in the engine" "${wrong:+there is no$wrong}"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
