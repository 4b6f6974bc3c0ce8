#!/usr/bin/env bash
# Do the tests notice mistakes?  Each patch in this folder plants one into a copy of the engine; some test must fail then.
#
# Usage: tests/defects/run.sh [NUMBER...]       default: all of them
#
# Nothing here touches the sources: everything happens in build/defects, on a copy of the tree as it is when the run
# begins.  First the unmodified engine must pass every program of the rings, in the flavour `fast` (parallel: `tsan`); one
# that it does not pass is left out, and counts as a failure of this run.  Then each defect: a copy, patched, compiled as far as
# it differs, and the programs one by one until one of them fails: the unit tests of the files that differ, then ring
# after ring, the quick ones of each first.  A failed test, a crash, an abort by CHECK or ASSERT and a program that runs
# out of time all count as noticed.
#
# The last line is "N passed, N failed"; failed are the defects that nobody notices, that do not apply (a fuzz of 2 lines
# is allowed) or do not compile.  What was said is in build/defects/log.  Environment:
#   PARAVANE_JOBS        how many at a time (default: the processors)
#   PARAVANE_MODEL_OPS   operations of a run of the model (default: MODEL_OPS)
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1

RINGS=(unit lessons sweep parallel model)
MODEL_OPS=80000
LIMIT_FACTOR=10 # a program is out of time after so often what the unmodified engine needs...
LIMIT_LEAST=20  # ...and this many seconds more

root=$PWD
work=$root/build/defects
base=$work/base
log=$work/log
jobs=${PARAVANE_JOBS:-$(nproc)}

export PARAVANE_MODEL_OPS=${PARAVANE_MODEL_OPS:-$MODEL_OPS}
export PARAVANE_MODEL_SHRINK=0 # that it fails is enough
export TSAN_OPTIONS=halt_on_error=1
unset MAKEFLAGS MFLAGS MAKELEVEL
ulimit -c 0

rm -rf "$log" "$work"/[0-9]*
mkdir -p "$log" "$base"
trap 'trap - TERM; kill $(jobs -p) 2>/dev/null; exit 130' INT TERM

# ---- One program.

# program_of RING/PROGRAM: where it is built.
program_of() {
    case $1 in
    parallel/*) echo "build/tsan/tests/$1" ;;
    *) echo "build/fast/tests/$1" ;;
    esac
}

# run_program DIRECTORY RING/PROGRAM LIMIT LOG: 0 if it passes; else $failure says how it failed.
run_program() {
    local out=$4 pid status test
    failure=''
    exec {pipe}< <(cd "$1" && exec stdbuf -oL timeout --foreground -k 5 "$3" "$(program_of "$2")" 2>&1 </dev/null)
    pid=$!
    sed -u '/^\[  FAILED  \]/q' <&"$pipe" >"$out" # the first failure is enough
    exec {pipe}<&-
    if grep -qa '^\[  FAILED  \]' "$out"; then kill "$pid" 2>/dev/null; fi
    wait "$pid" 2>/dev/null
    status=$?
    if grep -qa '^\[  FAILED  \]' "$out"; then
        failure="$(sed -n 's/^\[  FAILED  \] //p' "$out" | head -n 1)"
    elif [ $status -ne 0 ]; then
        test=$(sed -n 's/^\[ RUN      \] //p' "$out" | tail -n 1)
        case $status in
        124 | 137) failure="$test (out of time)" ;;
        134) failure="$test (abort: $(tail -n 1 "$out" | cut -c 1-100))" ;;
        66) failure="$test ($(grep -aoE 'ThreadSanitizer: [a-z -]*[a-z]' "$out" | head -n 1))" ;;
        *) failure="$test (status $status)" ;;
        esac
    fi
    [ -z "$failure" ]
}

build() { # DIRECTORY LOG RING/PROGRAM...
    local directory=$1 out=$2 targets
    shift 2
    mapfile -t targets < <(for program in "$@"; do program_of "$program"; done)
    make -k -C "$directory" "${targets[@]}" >>"$out" 2>&1
}

seconds_since() { awk -v b="$1" -v e="$EPOCHREALTIME" 'BEGIN { sub(",", ".", b); sub(",", ".", e); printf "%.1f", e - b }'; }

# ---- The unmodified engine.

copy_tree() { # FROM TO: all sources
    find "$2" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
    find "$1" -mindepth 1 -maxdepth 1 ! -name build ! -name '.*' -exec cp -a -t "$2" {} + || return 1
    rm -rf "${2:?}/tests/defects"
}

base_program() { # RING/PROGRAM
    local begin=$EPOCHREALTIME out=$log/base-${1//\//-}.log
    if [ ! -x "$base/$(program_of "$1")" ]; then
        echo "does not build: $log/base.log" >"$log/.bad-${1//\//-}"
    elif run_program "$base" "$1" 600 "$out"; then
        echo "$(seconds_since "$begin") $1" >"$log/.time-${1//\//-}"
    else
        echo "$failure: $out" >"$log/.bad-${1//\//-}"
    fi
}

all=()
for ring in "${RINGS[@]}"; do
    for source in tests/"$ring"/*.c; do
        [ -e "$source" ] && all+=("$ring/$(basename "$source" .c)")
    done
done
[ ${#all[@]} -ne 0 ] || { echo "there are no test programs yet"; echo "0 passed, 1 failed"; exit 1; }

begin=$EPOCHREALTIME
copy_tree "$root" "$base" || exit 1
mkdir -p "$base/build"
touch "$base/build/.tools" # they were looked for by whoever called this
find "$base/build" -path '*/tests/*' -type f -perm -u+x -delete # a program that is there has just been built
build "$base" "$log/base.log" "${all[@]}"
for program in "${all[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    base_program "$program" &
done
wait

passed=0 failed=0 good=()
for program in "${all[@]}"; do
    if [ -e "$log/.bad-${program//\//-}" ]; then
        echo "left out: $program, which the unmodified engine does not pass: $(cat "$log/.bad-${program//\//-}")"
        failed=$((failed + 1))
    fi
done
# By ring, and within a ring by time.
declare -A limit
for ring in "${RINGS[@]}"; do
    while read -r seconds program; do
        good+=("$program")
        limit[$program]=$(awk -v s="$seconds" -v f=$LIMIT_FACTOR -v l=$LIMIT_LEAST 'BEGIN { printf "%d", s * f + l }')
    done < <(cat "$log"/.time-"$ring"-* 2>/dev/null | sort -n)
done
echo "the unmodified engine passes ${#good[@]} of ${#all[@]} programs  $(seconds_since "$begin") s"

# ---- One defect.

PORTION=10 # so many programs are linked at a time: most defects are noticed early

in_list() { # WORD WORD...
    local word=$1
    shift
    for other in "$@"; do [ "$word" = "$other" ] && return 0; done
    return 1
}

# namesakes PATCH: the unit tests of the files that it changes.
namesakes() {
    local file name
    while read -r file; do
        name=$(basename "$file")
        in_list "unit/test_${name%.*}" "${good[@]}" && echo "unit/test_${name%.*}"
    done < <(sed -n 's/^+++ b\///p' "$1")
}

# try DIRECTORY LOG RING/PROGRAM...: build and run them.  0: none of them notices anything; else $verdict and $text say.
try() {
    local directory=$1 out=$2 program
    shift 2
    if ! build "$directory" "$out" "$@"; then
        verdict=failed text='does not compile'
        return 1
    fi
    for program in "$@"; do
        run_program "$directory" "$program" "${limit[$program]}" "$out.${program//\//-}" && continue
        verdict=passed text="$program: $failure"
        return 1
    done
}

# attempt PATCH: leaves its row of the table and its verdict in files.
attempt() {
    local patch=$1 name directory out first rest program i begin=$EPOCHREALTIME verdict=failed text='noticed by nobody'
    name=$(basename "$patch" .patch)
    directory=$work/${name%%-*}
    out=$log/$name.log
    rm -rf "$directory"
    mkdir -p "$directory/build"
    copy_tree "$base" "$directory"
    touch -r "$base/build/.tools" "$directory/build/.tools"
    cp -a "$base"/build/*.list "$directory/build/"
    # The objects, and what each depends on; archives and programs are made anew anyway.
    (cd "$base" && find build/fast build/tsan -name '*.[od]' -exec cp -a --parents -t "$directory" {} +)
    if ! patch -p1 -F2 -N --no-backup-if-mismatch -d "$directory" <"$patch" >"$out" 2>&1; then
        text='does not apply'
    else
        mapfile -t first < <(namesakes "$patch")
        rest=()
        for program in "${good[@]}"; do in_list "$program" "${first[@]}" || rest+=("$program"); done
        if [ ${#first[@]} -eq 0 ] || try "$directory" "$out" "${first[@]}"; then
            for ((i = 0; i < ${#rest[@]}; i += PORTION)); do
                try "$directory" "$out" "${rest[@]:i:PORTION}" || break
            done
        fi
    fi
    [ $verdict = passed ] || text="NOT CAUGHT: $text; $out"
    rm -rf "$directory"
    printf '%s %-30s %5s s  %s\n' "${name%%-*}" "${name#*-}" "$(seconds_since "$begin")" "$text" >"$log/.text-$name"
    echo $verdict >"$log/.verdict-$name"
}

patches=()
for patch in tests/defects/*.patch; do
    number=$(basename "$patch")
    number=${number%%-*}
    wanted=$#
    for argument in "$@"; do [ $((10#$argument)) -eq $((10#$number)) ] && wanted=0; done
    [ "$wanted" -eq 0 ] && patches+=("$root/$patch")
done
[ ${#patches[@]} -ne 0 ] || { echo "no such defect"; echo "0 passed, 1 failed"; exit 1; }

# The table, in order, as far as it is known.
shown=0
show() {
    local name
    while [ $shown -lt ${#patches[@]} ]; do
        name=$(basename "${patches[shown]}" .patch)
        [ -e "$log/.verdict-$name" ] || break
        cat "$log/.text-$name"
        if [ "$(cat "$log/.verdict-$name")" = passed ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
        shown=$((shown + 1))
    done
}

for patch in "${patches[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
        wait -n
        show
    done
    attempt "$patch" &
done
wait
show
failed=$((failed + ${#patches[@]} - shown)) # what left no verdict
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
