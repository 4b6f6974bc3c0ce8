#!/usr/bin/env bash
# Fuzz, with what `make fuzz` has built from tests/fuzz/*.c (the engine) and tests/hv/fuzz_*.c (the hypervisor's parsers).
#
# Usage: tests/fuzz/run.sh [SECONDS [SEED]]
#   Without SEED: what reaches new code is kept in build/fuzz/corpus, and the next run goes on from there.
#   With SEED: from tests/fuzz/corpus and build/fuzz/seeds alone, and as many inputs as RUNS says, so that it is the same
#   each time, however long it takes; SECONDS do not count, and nothing is kept.  The tests use this.
#
# Of each target two lines of libFuzzer's say what its inputs reach ("cov:" counts branches): INITED, what it begins with,
# and DONE.
#
# Inputs that fail are left in build/fuzz/artifacts; run the target with one as its argument to repeat it, and add it to
# tests/fuzz/corpus once the mistake is mended.  SECONDS are shared between the targets.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1

RUNS_OPS=600 # an input of the engine's is a whole life of a machine
RUNS=20000

seconds=${1:-60}
seed=${2:-}
shopt -s nullglob
targets=(tests/fuzz/*.c tests/hv/fuzz_*.c)
[ ${#targets[@]} -ne 0 ] || { echo "tests/fuzz has no fuzz target"; exit 1; }

# How long a target goes on, and how long one input may take: what hangs is to be found, and not a busy machine.
bounds=()
bound() { # TARGET
    local runs=$RUNS
    bounds=(-max_total_time=$(((seconds + ${#targets[@]} - 1) / ${#targets[@]})) -timeout=20)
    [ "$1" != tests/fuzz/fuzz_ops.c ] || runs=$RUNS_OPS
    [ "$seed" -eq 0 ] || bounds=(-runs="$runs" -timeout=600)
}

artifacts=build/fuzz/artifacts
mkdir -p $artifacts
if [ -n "$seed" ]; then
    corpus=$(mktemp -d)
    trap 'rm -rf "$corpus"' EXIT
else
    corpus=build/fuzz/corpus
    mkdir -p $corpus
    seed=0 # libFuzzer's word for "any"
fi

export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
status=0
for target in "${targets[@]}"; do
    name=$(basename "$target" .c)
    program=build/fuzz/${target%.c}
    inputs=("$corpus/$name")
    mkdir -p "${inputs[0]}"
    case $target in
    tests/fuzz/*) [ ! -d tests/fuzz/corpus ] || inputs+=(tests/fuzz/corpus) ;;
    *) inputs+=("build/fuzz/seeds/$name") ;;
    esac
    [ -n "$(find "${inputs[@]}" -type f | head -n 1)" ] || { echo "$name: no input to begin with"; exit 1; }
    bound "$target"
    echo "$name: ${bounds[0]#-}, seed $seed, from $(find "${inputs[@]}" -type f | wc -l) inputs"
    out=$(mktemp)
    "$program" "${bounds[@]}" -seed="$seed" -rss_limit_mb=4096 -artifact_prefix=$artifacts/ -print_final_stats=1 \
        "${inputs[@]}" >"$out" 2>&1 </dev/null
    result=$?
    units=$(sed -n 's/^stat::number_of_executed_units: *//p' "$out")
    if [ $result -ne 0 ]; then
        cat "$out"
        echo "$name: status $result; to repeat: $program $artifacts/..."
        status=1
    elif [ "${units:-0}" -lt 10 ]; then
        cat "$out"
        echo "$name: only ${units:-0} inputs were tried"
        status=1
    else
        grep -E 'INITED|DONE|^stat::' "$out"
    fi
    rm -f "$out"
done
exit $status
