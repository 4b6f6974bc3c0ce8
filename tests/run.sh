#!/usr/bin/env bash
# Run the tests that `make test` has built, and count them.
#
# Usage: tests/run.sh [RING...]       default: all of them
#   unit sweep lessons   cmocka programs, with sanitizers
#   hv                   parts of the hypervisor as ordinary programs, with sanitizers
#   cli                  tests/cli/run.sh: the paravane command
#   guest                tests/guest/run.sh: guests under the hypervisor, in QEMU
#   several              tests/several/run.sh: several guests at once
#   frames               tests/frames/run.sh: what no processor should hand over, and instructions at random
#   torture              tests/torture/run.sh: the same frames from several vCPUs, on processors that run at once
#   system               tests/system/run.sh: whole runs, among them a guest that is not ours
#   linux                tests/linux/run.sh: Debian's Linux, unmodified
#   guestlib             parts of the guest library as ordinary programs, with sanitizers
#   backend              parts of the back end as ordinary programs, with sanitizers
#   paravirt             tests/paravirt/run.sh: one kernel, natively and as a guest
#   differential         tests/differential/run.sh: calls by the thousand, compared with what Debian's Xen answered
#   deploy               tests/deploy/run.sh: an image that boots without the command; `make test-deploy` has the rest
#   budget               tests/budget/run.sh: what single calls may cost, in instructions
#   boot                 tests/boot/run.sh: the hypervisor's image under QEMU
#   documents            tests/documents/run.sh: what the documents show compiles, boots and exists
#   recordings           tests/recordings/run.sh: runs of guests that were recorded, by the engine as it is
#   parallel             the engine under real threads, with ThreadSanitizer
#   threads              parts of the hypervisor on threads that stand for processors, with ThreadSanitizer
#   model                the model: long without sanitizers, short with them
#   spin                 tests/spin/run.sh: the argument about stale translations, in every order of its steps
#   docs                 tests/docs/run.sh: what `make docs` makes; `make test-docs` has the rest
#   map                  tests/map/run.sh: the map of a recorded boot of Linux, in Chromium
#   playground           tests/playground/run.sh: the playground, in Chromium
#   abi                  tests/abi/run.sh: our ABI headers against the public ones
#   checks               the static checks of tools/, one test each
#   fuzz                 a short run of each fuzz target from a fixed seed, one test in all
#
# The last line is "N passed, N failed", with ", N skipped" behind it if any were.  A program that crashes, runs out of
# time or reports no test counts as a failure; so does a ring that was asked for and has nothing to run.
# What each run said is in build/log.  Environment:
#   PARAVANE_JOBS        how many at a time (default: the processors); and the limits of tests/lib/limits.sh for a program
#   PARAVANE_MODEL_OPS   operations of a model run (default: MODEL_OPS_* below)
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1

MODEL_OPS_FAST=${PARAVANE_MODEL_OPS:-}      # empty: the program's own default
MODEL_OPS_SAN=${PARAVANE_MODEL_OPS:-20000}
FUZZ_SECONDS=40
FUZZ_SEED=1
jobs=${PARAVANE_JOBS:-$(nproc)}
processor_limit=1800
. tests/lib/limits.sh

log=build/log
mkdir -p $log
run=$(mktemp -d "$log/.run.XXXXXX") # a file for each result of this run
trap 'rm -rf "$run"' EXIT
trap 'trap - TERM; kill $(jobs -p) 2>/dev/null; exit 130' INT TERM
started=()

if [ -t 1 ]; then green=$'\e[32m' red=$'\e[31m' yellow=$'\e[33m' plain=$'\e[0m'; else green='' red='' yellow='' plain=''; fi

# How many tests a finished run stands for: each count_KIND sets passed, failed and skipped from its log and exit status.

count_cmocka() { # LOG STATUS
    read -r begun ended passed failed skipped < <(grep -aoE \
        '\[==========\] (Running )?[0-9]+ test|\[  (PASSED|FAILED|SKIPPED) *\] [0-9]+ test' "$1" | awk '
        $2 == "Running"  { begun += $3; next }
        /^\[=+\]/        { ended += $2 }
        $2 == "PASSED"   { passed += $4 }
        $2 == "FAILED"   { failed += $4 }
        $2 == "SKIPPED"  { skipped += $4 }
        END { print begun + 0, ended + 0, passed + 0, failed + 0, skipped + 0 }')
    if [ "$begun" -ne "$ended" ] || { [ "$2" -ne 0 ] && [ "$failed" -eq 0 ]; } ||
        [ $((passed + failed + skipped)) -eq 0 ]; then
        failed=$((failed + 1))
    fi
}

count_script() { # LOG STATUS: the last line is "N passed, N failed[, N skipped]"
    passed=0 failed=0 skipped=0
    if [[ $(tail -n 1 "$1") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
        passed=${BASH_REMATCH[1]} failed=${BASH_REMATCH[2]} skipped=${BASH_REMATCH[4]:-0}
    fi
    if { [ "$2" -ne 0 ] && [ "$failed" -eq 0 ]; } || [ $((passed + failed + skipped)) -eq 0 ]; then
        failed=$((failed + 1))
    fi
}

count_one() { # LOG STATUS
    passed=0 failed=0 skipped=0
    if [ "$2" -eq 0 ]; then passed=1; else failed=1; fi
}

# perform KIND NAME COMMAND...: run it, leave its counts in $run, say how it went.
perform() {
    local kind=$1 name=$2 status begin out colour=$green passed failed skipped begun ended
    shift 2
    out=$log/${name//\//-}.log
    begin=$EPOCHREALTIME
    # A script has many runs, and each of them its own limit.
    [ "$kind" = script ] || set -- bounded "$@"
    { "$@" >"$out" 2>&1 </dev/null; } 2>/dev/null
    status=$?
    count_"$kind" "$out" $status
    echo "$passed $failed $skipped" >"$run/${name//\//-}"
    {
        [ "$skipped" -eq 0 ] || colour=$yellow
        [ "$failed" -eq 0 ] || colour=$red
        printf '%s%-36s%s %5d passed' "$colour" "$name" "$plain" "$passed"
        [ "$failed" -eq 0 ] || printf ', %d failed' "$failed"
        [ "$skipped" -eq 0 ] || printf ', %d skipped' "$skipped"
        awk -v b="$begin" -v e="$EPOCHREALTIME" 'BEGIN { sub(",", ".", b); sub(",", ".", e); printf "  %.1f s\n", e - b }'
        if [ "$failed" -ne 0 ]; then
            [ -z "$(bounds $status)" ] || echo "    | $(bounds $status)"
            echo "    | $* ended with status $status; $out:"
            tail -n 200 "$out" | sed 's/^/    | /'
        fi
    } >"$run/.$BASHPID"
    flock "$run" cat "$run/.$BASHPID"
}

# begin KIND NAME COMMAND...: perform() beside the others, as soon as there is room.
begin() {
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    started+=("${2//\//-}")
    perform "$@" &
}

# programs RING FLAVOUR [VARIABLE=VALUE...]: one run for each source file of the ring.
programs() {
    local ring=$1 flavour=$2 source name
    shift 2
    [ $# -eq 0 ] || set -- env "$@"
    for source in tests/"$ring"/*.c; do
        [ -e "$source" ] || { begin one "$ring" bash -c "echo tests/$ring has no test program; exit 1"; return; }
        name=$(basename "$source" .c)
        begin cmocka "$ring/$name.$flavour" "$@" "build/$flavour/tests/$ring/$name"
    done
}

# One run for each tests/hv/test_*.c.  Some compare with the processor itself, and handle its faults.
hosted_parts() {
    local source name
    for source in tests/hv/test_*.c; do
        name=$(basename "$source" .c)
        begin cmocka "hv/$name" env ASAN_OPTIONS=detect_stack_use_after_return=1 "build/hv-san/tests/hv/$name"
    done
}

run_ring() {
    case $1 in
    unit | sweep | lessons) programs "$1" san ;;
    model)
        programs model fast ${MODEL_OPS_FAST:+PARAVANE_MODEL_OPS=$MODEL_OPS_FAST}
        programs model san PARAVANE_MODEL_OPS="$MODEL_OPS_SAN"
        ;;
    parallel) programs parallel tsan ;;
    threads) programs threads hv-tsan ;;
    spin) begin script spin tests/spin/run.sh ;;
    abi) begin script abi tests/abi/run.sh ;;
    recordings) begin script recordings tests/recordings/run.sh ;;
    docs) begin script docs tests/docs/run.sh ;;
    playground | map) begin script "$1" "tests/$1/run.sh" ;;
    hv) hosted_parts ;;
    cli) begin script cli tests/cli/run.sh ;;
    # These run QEMU, and by themselves two at a time.
    guest | several | frames | torture | system | linux | paravirt | differential | documents) begin script "$1" env PARAVANE_JOBS=1 "tests/$1/run.sh" ;;
    guestlib | backend) programs "$1" san ;;
    boot) begin script boot tests/boot/run.sh ;;
    budget) begin script budget tests/budget/run.sh ;;
    deploy) begin script deploy tests/deploy/run.sh quick ;;
    checks) for check in tools/check-*; do begin one "${check#tools/}" "$check"; done ;;
    fuzz) begin one fuzz tests/fuzz/run.sh $FUZZ_SECONDS $FUZZ_SEED ;;
    *)
        echo "tests/run.sh: no ring called $1; there are: unit sweep lessons parallel threads model spin hv boot budget deploy cli guest several frames torture system linux guestlib backend paravirt differential recordings documents docs playground map abi checks fuzz" >&2
        exit 2
        ;;
    esac
}

# A crash is the sanitizer's to report, with its stack, not cmocka's.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:handle_segv=2:handle_sigbus=2:handle_sigfpe=2}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
unset MAKEFLAGS MFLAGS MAKELEVEL

[ $# -ne 0 ] || set -- linux system frames torture guest several paravirt differential fuzz model spin sweep cli documents boot budget deploy lessons parallel threads unit hv guestlib backend playground map docs abi recordings checks # the long ones first
for ring in "$@"; do run_ring "$ring"; done
wait

total_passed=0 total_failed=0 total_skipped=0
for name in "${started[@]}"; do
    read -r passed failed skipped <"$run/$name" || { passed=0 failed=1 skipped=0; }
    total_passed=$((total_passed + passed))
    total_failed=$((total_failed + failed))
    total_skipped=$((total_skipped + skipped))
done
summary="$total_passed passed, $total_failed failed"
[ $total_skipped -eq 0 ] || summary="$summary, $total_skipped skipped"
echo "$summary"
[ $total_failed -eq 0 ]
