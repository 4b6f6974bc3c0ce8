#!/usr/bin/env bash
# Do the tests notice mistakes?  Each patch in this folder plants one into a copy of the sources; some test must fail then.
#
# Usage: tests/defects/run.sh [NUMBER|engine|hv|backend|page...]       default: all of them
#
# Nothing here touches the sources: everything happens in build/defects, on a copy of the tree as it is when the run
# begins.  First the unmodified sources must pass every program (programs.sh says which there are); one that they do not
# pass is left out, and counts as a failure of this run.  Then each defect: a copy, patched, compiled as far as it
# differs, and the programs one by one until one of them fails.  Of a defect of the engine: the unit tests of the files
# that differ, then ring after ring, the quick ones of each first.  Of one of the hypervisor or of the back end: the
# hosted tests into which the files go, namesakes first; then what the patch names on a line "ring: RING/NAME", in QEMU
# and the others, the quick ones first.  A failed test, a crash, an abort and a program out of time all count as
# noticed; in QEMU a program must fail twice, for it might have failed because the machine was busy.
#
# The last line is "N passed, N failed"; failed are the defects that nobody notices, that do not apply (a fuzz of 2 lines
# is allowed) or do not compile.  What was said is in build/defects/log.  Environment:
#   PARAVANE_JOBS        how many at a time (default: the processors)
#   PARAVANE_MODEL_OPS   operations of a run of the model (default: MODEL_OPS)
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/defects/programs.sh

MODEL_OPS=80000
LIMIT_FACTOR=10 # a program is out of time after so often what the unmodified sources need...
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

seconds_since() { awk -v b="$1" -v e="$EPOCHREALTIME" 'BEGIN { sub(",", ".", b); sub(",", ".", e); printf "%.1f", e - b }'; }

in_list() { # WORD WORD...
    local word=$1 other
    shift
    for other in "$@"; do [ "$word" = "$other" ] && return 0; done
    return 1
}

begin_job() { # COMMAND...: beside the others, as soon as there is room
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    "$@" &
}

# ---- Which defects.

files_of() { sed -n 's/^+++ b\///p' "$1"; } # PATCH: what it changes

side_of() {
    case $(files_of "$1") in
    *hv/*) echo hv ;;
    *backend/*) echo backend ;;
    *playground/* | *map/page/* | *sim/replay/map*) echo page ;;
    *) echo engine ;;
    esac
}

is_wanted() { # PATCH ARGUMENT...
    local patch=$1 number argument
    shift
    [ $# -ne 0 ] || return 0
    number=$(basename "$patch")
    number=${number%%-*}
    for argument in "$@"; do
        case $argument in
        engine | hv | backend | page) [ "$(side_of "$patch")" = "$argument" ] && return 0 ;;
        *) [ $((10#$argument)) -eq $((10#$number)) ] && return 0 ;;
        esac
    done
    return 1
}

patches=() sides=()
for patch in tests/defects/*.patch; do
    is_wanted "$patch" "$@" || continue
    patches+=("$root/$patch")
    side=$(side_of "$patch")
    in_list "$side" ${sides[@]+"${sides[@]}"} || sides+=("$side")
done
[ ${#patches[@]} -ne 0 ] || { echo "no such defect"; echo "0 passed, 1 failed"; exit 1; }

# ---- The unmodified sources.

copy_tree() { # FROM TO: all sources
    find "$2" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
    find "$1" -mindepth 1 -maxdepth 1 ! -name build ! -name '.*' -exec cp -a -t "$2" {} + || return 1
    rm -rf "${2:?}/tests/defects"
}

is_built() { # RING/PROGRAM; a page is no program
    local target
    for target in $(target_of "$1"); do
        [ -x "$base/$target" ] || { [ -f "$base/$target" ] && [[ $target == *.html ]]; } || return 1
    done
}

# The first time is the slowest, while everything is built around it: the limits that follow from it are generous.
base_program() { # RING/PROGRAM
    local begin=$EPOCHREALTIME out=$log/base-${1//\//-}.log failure
    if ! is_built "$1"; then
        echo "does not build: $log/base.log" >"$log/.bad-${1//\//-}"
    elif run_program "$base" "$1" 600 "$out" || { runs_in_qemu "$1" && run_program "$base" "$1" 600 "$out"; }; then
        echo "$(seconds_since "$begin") $1" >"$log/.time-${1//\//-}"
    else
        echo "$failure: $out" >"$log/.bad-${1//\//-}"
    fi
}

# A name that is none would be passed over.
for i in "${!patches[@]}"; do
    for program in $(sed -n 's/^ring: //p' "${patches[i]}"); do
        { programs_of hv && programs_of backend && programs_of page; } | grep -xF "$program" >/dev/null || { echo "${patches[i]##*/}: ring: there is no $program"; exit 1; }
    done
done

begin=$EPOCHREALTIME
all=()
for side in "${sides[@]}"; do mapfile -t -O ${#all[@]} all < <(programs_of "$side"); done
mapfile -t targets < <(for program in "${all[@]}"; do target_of "$program"; supplies_of "$program"; done |
    tr ' ' '\n' | sort -u)
echo "the unmodified sources first: ${#all[@]} programs are built and run, which takes some minutes"
copy_tree "$root" "$base" || exit 1
mkdir -p "$base/build"
touch "$base"/build/.tools{,-run} # they were looked for by whoever called this
# A program that is there has just been built.
find "$base/build" \( -path '*/tests/*' -o -name 'test_*' -o -name paravane.elf -o -name paravane-replay -o -name backend.elf \) -type f -perm -u+x -delete
build "$base" "$log/base.log" "${targets[@]}"
for program in "${all[@]}"; do begin_job base_program "$program"; done
wait

passed=0 failed=0 good=()
for program in "${all[@]}"; do
    if [ -e "$log/.bad-${program//\//-}" ]; then
        echo "left out: $program, which the unmodified sources do not pass: $(cat "$log/.bad-${program//\//-}")"
        failed=$((failed + 1))
    fi
done
# By ring, and within a ring by time.
declare -A limit
for ring in "${ENGINE_RINGS[@]}" "${HV_RINGS[@]}" "${BACKEND_RINGS[@]}" "${PAGE_RINGS[@]}"; do
    while read -r seconds program; do
        good+=("$program")
        limit[$program]=$(awk -v s="$seconds" -v f=$LIMIT_FACTOR -v l=$LIMIT_LEAST 'BEGIN { printf "%d", s * f + l }')
    done < <(cat "$log"/.time-"$ring"-* 2>/dev/null | sort -n)
done
echo "the unmodified sources pass ${#good[@]} of ${#all[@]} programs  $(seconds_since "$begin") s"

# ---- One defect.

PORTION=10 # so many programs are linked at a time: most defects are noticed early

# make_copy DIRECTORY SIDE: the sources and objects of the base.  Archives and programs are made anew anyway.
make_copy() {
    local parts=(build/fast build/tsan build/replay) whole=()
    case $2 in
    hv) parts=(build/hv-san build/hv-tsan build/hv build/gcc) whole=($COMMAND) ;;
    page) parts=(build/playground build/replay) whole=($COMMAND build/hv/paravane-record.elf build/guests/demo.elf) ;;
    backend) parts=(build/san build/backend) whole=($IMAGE build/guests/tests/{netfront,blkfront}.elf) ;;
    esac
    rm -rf "$1"
    mkdir -p "$1/build"
    copy_tree "$base" "$1"
    cp -a "$base"/build/{*.stamp,.tools*} "$1/build/"
    (cd "$base" && find "${parts[@]}" \( -name '*.[odc]' -o -name '*.stamp' -o -name image.lds \) -exec cp -a --parents -t "$1" {} +)
    [ ${#whole[@]} -eq 0 ] || (cd "$base" && cp -a --parents -t "$1" "${whole[@]}")
}

# namesakes PATCH RING: the tests of the files that it changes.
namesakes() {
    local file name
    while read -r file; do
        name=$(basename "$file")
        in_list "$2/test_${name%.*}" "${good[@]}" && echo "$2/test_${name%.*}"
    done < <(files_of "$1")
}

# order PATCH SIDE: the programs that it meets, in order; one may come twice.
order() {
    local program files=()
    if [ "$2" = page ]; then
        sed -n 's/^ring: //p' "$1"
        return
    fi
    if [ "$2" = engine ]; then
        namesakes "$1" unit
        for program in "${good[@]}"; do in_list "${program%%/*}" "${ENGINE_RINGS[@]}" && echo "$program"; done
        return
    fi
    mapfile -t files < <(files_of "$1")
    namesakes "$1" "$2"
    hosted_from "$base" "$2" "${files[@]}"
    sed -n 's/^ring: //p' "$1"
    for program in "${good[@]}"; do runs_in_qemu "$program" && echo "$program"; done
}

fails_again() { ! runs_in_qemu "$2" || ! run_program "$@"; } # as run_program

# try DIRECTORY LOG RING/PROGRAM...: build and run them.  0: none of them notices anything; else $verdict and $text say.
try() {
    local directory=$1 out=$2 program targets failure
    shift 2
    mapfile -t targets < <(for program in "$@"; do target_of "$program"; done | tr ' ' '\n' | sort -u)
    if ! build "$directory" "$out" "${targets[@]}"; then
        verdict=failed text='does not compile'
        return 1
    fi
    for program in "$@"; do
        run_program "$directory" "$program" "${limit[$program]}" "$out.${program//\//-}" && continue
        fails_again "$directory" "$program" "${limit[$program]}" "$out.${program//\//-}" || continue
        verdict=passed text="$program: $failure"
        return 1
    done
}

# Those that are tried together: hosted programs are linked some at a time; what runs in QEMU shares its image.
try_all() { # DIRECTORY LOG RING/PROGRAM...
    local directory=$1 out=$2 portion=() program
    shift 2
    while [ $# -ne 0 ]; do
        portion=("$1")
        shift
        while [ $# -ne 0 ] && [ ${#portion[@]} -lt $PORTION ]; do
            runs_in_qemu "$1" && ! runs_in_qemu "${portion[0]}" && break
            portion+=("$1")
            shift
        done
        try "$directory" "$out" "${portion[@]}" || return 0
    done
}

# attempt PATCH: leaves its row of the table and its verdict in files.
attempt() {
    local patch=$1 name directory out side programs begin=$EPOCHREALTIME verdict=failed text='noticed by nobody'
    name=$(basename "$patch" .patch)
    directory=$work/${name%%-*}
    out=$log/$name.log
    side=$(side_of "$patch")
    make_copy "$directory" "$side"
    if ! patch -p1 -F2 -N --no-backup-if-mismatch -d "$directory" <"$patch" >"$out" 2>&1; then
        text='does not apply'
    else
        # Each once, and only those that the unmodified sources pass.
        mapfile -t programs < <(order "$patch" "$side" | awk '!seen[$0]++' | grep -xFf <(printf '%s\n' "${good[@]}"))
        try_all "$directory" "$out" ${programs[@]+"${programs[@]}"}
    fi
    [ $verdict = passed ] || text="NOT CAUGHT: $text; $out"
    rm -rf "$directory"
    printf '%s %-30s %5s s  %s\n' "${name%%-*}" "${name#*-}" "$(seconds_since "$begin")" "$text" >"$log/.text-$name"
    echo $verdict >"$log/.verdict-$name"
}

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
    begin_job attempt "$patch"
    show
done
wait
show
failed=$((failed + ${#patches[@]} - shown)) # what left no verdict
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
