#!/usr/bin/env bash
# Do the tests notice mistakes?  Each patch in this folder plants one into a copy of the sources; some test must fail then.
#
# Usage: tests/defects/run.sh [--part K/N] [--since COMMIT] [NUMBER|engine|hv|backend|page...]    default: all of them
#        tests/defects/run.sh --resume
#
#   --part K/N       the K-th of N stretches, equally long, of all of them: one side behind the other
#   --since COMMIT   those alone that touch a file which has changed since then
#   --resume         what the last run had not come to, with sources and patches as they were when that began
#
# Nothing here touches the sources: everything happens in build/defects, on a copy of the tree as it is when the run
# begins.  First the unmodified sources must pass the programs (programs.sh says which there are); one that they do not
# pass is left out, and counts as a failure of this run.  Then each defect: a copy, patched, compiled as far as it
# differs, and the programs one by one until one of them fails.  Of a defect of the engine: the unit tests of the files
# that differ, then ring after ring, the quick ones of each first.  Of one of the hypervisor or of the back end: the
# hosted tests into which the files go, namesakes first, then those that the patch names on a line "ring: RING/NAME";
# then what it names in QEMU.  All else there, the quick ones first, is for a second round, with what nobody has noticed
# in the first one.  A failed test, a crash, an abort and a program out of time all count as noticed; in QEMU a program
# must fail twice, for it might have failed because the machine was busy.
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
kept=$work/patches
jobs=${PARAVANE_JOBS:-$(nproc)}

export PARAVANE_MODEL_OPS=${PARAVANE_MODEL_OPS:-$MODEL_OPS}
export PARAVANE_MODEL_SHRINK=0 # that it fails is enough
export TSAN_OPTIONS=halt_on_error=1
unset MAKEFLAGS MFLAGS MAKELEVEL
ulimit -c 0

part=1/1 since='' is_resumed=false
while [ $# -ne 0 ]; do
    case $1 in
    --part) part=$2 && shift 2 ;;
    --since) since=$2 && shift 2 ;;
    --resume) is_resumed=true && shift ;;
    *) break ;;
    esac
done
[[ $part =~ ^[1-9][0-9]*/[1-9][0-9]*$ && ${part%/*} -le ${part#*/} ]] || { echo "no part: $part"; exit 2; }
! $is_resumed || [ -e "$log/.base" ] || { echo "there is no run to go on with"; exit 2; }

$is_resumed || rm -rf "$log"
rm -rf "$work"/[0-9]*
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

# Of those that the arguments name, side by side, the part: a side and a patch a line.
choose() { # ARGUMENT...
    local patch changed all count
    [ -z "$since" ] || changed=$(git diff --name-only "$since") || return
    all=$(for patch in tests/defects/*.patch; do
        is_wanted "$patch" "$@" || continue
        [ -z "$since" ] || files_of "$patch" | grep -xF "$changed" >/dev/null || continue
        echo "$(side_of "$patch") $kept/${patch##*/}"
    done | sort -s -k 1,1)
    count=$(grep -c . <<<"$all")
    awk -v n="$count" -v k="${part%/*}" -v of="${part#*/}" '/./ && NR > int(n * (k - 1) / of) && NR <= int(n * k / of)' <<<"$all"
}

if ! $is_resumed; then
    rm -rf "$kept"
    cp -r tests/defects "$kept" || exit 1
    choose "$@" >"$log/.chosen" || exit 1
fi
mapfile -t sides < <(cut -d ' ' -f 1 "$log/.chosen" | uniq)
mapfile -t patches < <(cut -d ' ' -f 2- "$log/.chosen")
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

# A program that is there has just been built.
begin_base() {
    copy_tree "$root" "$base" || exit 1
    mkdir -p "$base/build"
    touch "$base"/build/.tools{,-run} # they were looked for by whoever called this
    find "$base/build" \( -path '*/tests/*' -o -name 'test_*' -o -name paravane.elf -o -name paravane-replay -o -name backend.elf \) -type f -perm -u+x -delete
    touch "$log/.base"
}

# By ring, and within a ring by time: leaves what has been passed in $good, and the limits that follow from it.
declare -A limit
take_stock() {
    local ring seconds program
    good=()
    for ring in "${ENGINE_RINGS[@]}" "${HV_RINGS[@]}" "${BACKEND_RINGS[@]}" "${PAGE_RINGS[@]}"; do
        while read -r seconds program; do
            good+=("$program")
            limit[$program]=$(awk -v s="$seconds" -v f=$LIMIT_FACTOR -v l=$LIMIT_LEAST 'BEGIN { printf "%d", s * f + l }')
        done < <(cat "$log"/.time-"$ring"-* 2>/dev/null | sort -n)
    done
}

# qualify RING/PROGRAM...: those that have not been run yet.
qualify() {
    local program targets new=() begin=$EPOCHREALTIME
    for program in "$@"; do
        [ -e "$log/.time-${program//\//-}" ] || [ -e "$log/.bad-${program//\//-}" ] || new+=("$program")
    done
    if [ ${#new[@]} -ne 0 ]; then
        echo "the unmodified sources first: ${#new[@]} programs are built and run"
        mapfile -t targets < <(for program in "${new[@]}"; do target_of "$program"; supplies_of "$program"; done |
            tr ' ' '\n' | sort -u)
        build "$base" "$log/base.log" "${targets[@]}"
        for program in "${new[@]}"; do begin_job base_program "$program"; done
        wait
    fi
    take_stock
    for program in "$@"; do
        [ -e "$log/.bad-${program//\//-}" ] || continue
        echo "left out: $program, which the unmodified sources do not pass: $(cat "$log/.bad-${program//\//-}")"
        failed=$((failed + 1))
    done
    echo "the unmodified sources pass ${#good[@]} programs  $(seconds_since "$begin") s"
}

named_by() { sed -n 's/^ring: //p' "$@"; } # PATCH...

# A name that is none would be passed over.
wrong=$(named_by "${patches[@]}" | grep -vxFf <(for side in hv backend page; do programs_of $side; done) | head -n 1)
[ -z "$wrong" ] || { echo "ring: there is no $wrong"; exit 1; }

# In the first round what takes no QEMU, and what is named; the others for what is left then.
mapfile -t named < <(named_by "${patches[@]}" | sort -u)
first=() rest=() good=() passed=0 failed=0
for program in $(for side in "${sides[@]}"; do programs_of "$side"; done); do
    if runs_in_qemu "$program" && ! in_list "$program" ${named[@]+"${named[@]}"}; then
        rest+=("$program")
    else
        first+=("$program")
    fi
done

# ---- One defect.

PORTION=10 # so many programs are linked at a time: most defects are noticed early

# make_copy DIRECTORY SIDE: the sources and objects of the base.  Archives and programs are made anew anyway.
make_copy() {
    local parts=(build/fast build/tsan build/replay) whole=() file
    case $2 in
    hv) parts=(build/hv-san build/hv-tsan build/hv build/gcc) whole=($COMMAND) ;;
    page) parts=(build/playground build/replay) whole=($COMMAND build/hv/paravane-record.elf build/guests/demo.elf) ;;
    backend) parts=(build/san build/backend) whole=($IMAGE build/guests/tests/{netfront,blkfront}.elf) ;;
    esac
    rm -rf "$1"
    mkdir -p "$1/build"
    copy_tree "$base" "$1"
    cp -a "$base"/build/{*.stamp,.tools*} "$1/build/"
    (cd "$base" && find "${parts[@]}" \( -name '*.[odc]' -o -name '*.stamp' -o -name image.lds \) -exec cp -a --parents -t "$1" {} + 2>/dev/null)
    for file in ${whole[@]+"${whole[@]}"}; do
        [ ! -e "$base/$file" ] || (cd "$base" && cp -a --parents -t "$1" "$file")
    done
}

# namesakes PATCH RING: the tests of the files that it changes.
namesakes() {
    local file name
    while read -r file; do
        name=$(basename "$file")
        in_list "$2/test_${name%.*}" "${good[@]}" && echo "$2/test_${name%.*}"
    done < <(files_of "$1")
}

# order PATCH SIDE ROUND: the programs that it meets, in order; one may come twice.
order() {
    local program files=()
    if [ "$3" = 2 ]; then
        for program in "${good[@]}"; do runs_in_qemu "$program" && echo "$program"; done | grep -vxFf <(named_by "$1")
        return
    fi
    if [ "$2" = engine ]; then
        namesakes "$1" unit
        for program in "${good[@]}"; do in_list "${program%%/*}" "${ENGINE_RINGS[@]}" && echo "$program"; done
        return
    fi
    if [ "$2" != page ]; then
        mapfile -t files < <(files_of "$1")
        namesakes "$1" "$2"
        for program in $(named_by "$1"); do runs_in_qemu "$program" || echo "$program"; done
        hosted_from "$base" "$2" "${files[@]}"
    fi
    named_by "$1"
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

# attempt PATCH ROUND: leaves its row of the table and its verdict in files, or a note that it waits for the second round.
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
        mapfile -t programs < <(order "$patch" "$side" "$2" | awk '!seen[$0]++' | grep -xFf <(printf '%s\n' "${good[@]}"))
        try_all "$directory" "$out" ${programs[@]+"${programs[@]}"}
    fi
    rm -rf "$directory"
    if [ "$2" = 1 ] && [ "$text" = 'noticed by nobody' ] && [[ $side = hv || $side = backend ]]; then
        touch "$log/.waits-$name"
        return
    fi
    [ $verdict = passed ] || text="NOT CAUGHT: $text; $out"
    printf '%s %-30s %5s s  %s\n' "${name%%-*}" "${name#*-}" "$(seconds_since "$begin")" "$text" >"$log/.text-$name"
    echo $verdict >"$log/.verdict-$name"
}

# The table, in order, as far as it is known: of the patches in $queue, from number $shown on.
show() {
    local name
    while [ $shown -lt ${#queue[@]} ]; do
        name=$(basename "${queue[shown]}" .patch)
        if [ -e "$log/.verdict-$name" ]; then
            cat "$log/.text-$name"
            if [ "$(cat "$log/.verdict-$name")" = passed ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
        elif [ "$round" = 2 ] || [ ! -e "$log/.waits-$name" ]; then
            break
        fi
        shown=$((shown + 1))
    done
}

# play ROUND PATCH...: those that have not come to an end, or to the other round, before.
play() {
    local patch name queue shown=0 round=$1
    shift
    queue=("$@")
    for patch in "$@"; do
        name=$(basename "$patch" .patch)
        [ -e "$log/.verdict-$name" ] || { [ "$round" = 1 ] && [ -e "$log/.waits-$name" ]; } ||
            begin_job attempt "$patch" "$round"
        show
    done
    wait
    show
    failed=$((failed + $# - shown)) # what left no verdict
}

[ -e "$log/.base" ] || begin_base
qualify "${first[@]}"
play 1 "${patches[@]}"
mapfile -t patches < <(for patch in "${patches[@]}"; do
    [ ! -e "$log/.waits-$(basename "$patch" .patch)" ] || echo "$patch"
done)
if [ ${#patches[@]} -ne 0 ]; then
    echo "${#patches[@]} are left for all that takes QEMU"
    qualify "${rest[@]}"
    play 2 "${patches[@]}"
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
