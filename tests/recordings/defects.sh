#!/usr/bin/env bash
# Does a replay notice a broken engine?  Each defect of the list is planted into a copy of the sources (tests/defects has
# the patches), the replayer is built of it, and one of the recordings, at least, must not replay as it did.
#
# Usage: tests/recordings/defects.sh [NUMBER...]      default: the list
#
# What a recording cannot show is what its guest never did, and what no answer, no memory and no flush depends on.
# The last line is "N passed, N failed"; failed are those that each recording replays as if nothing were wrong.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/limits.sh

# Of flags, of slots, of flushes and stamps, of the M2P, of counts and their unwinding: all are ordinary mistakes.
DEFECTS=(002 007 012 019 034 049 057 058 059 060)
# Of flushes, noticed by what a processor remembers: written j and the number.
DEFECTS+=(j034 j037 j039 j050)
# Of what no guest of them has done, noticed away from their runs alone: written s and the number.
DEFECTS+=(s084 s085 s086)

root=$PWD
work=$root/build/defects/recordings # which no makefile looks into
unset MAKEFLAGS MFLAGS MAKELEVEL
[ $# -ne 0 ] || set -- "${DEFECTS[@]}"
rm -rf "$work"
mkdir -p "$work/build/replay"
trap 'rm -rf "$work"' EXIT
find . -mindepth 1 -maxdepth 1 ! -name build ! -name '.*' -exec cp -a -t "$work" {} + || exit 1
cp -a build/replay build/replay.stamp build/.tools* "$work/build/" || exit 1
passed=0 failed=0

# noticed NUMBER OPTION...: by a replay with these; sets $text.
noticed() {
    local number=$1 patch recording status
    shift
    patch=$(ls tests/defects/"$number"-*.patch) || return 1
    text='does not apply'
    patch -p1 -F2 -N -s --no-backup-if-mismatch -d "$work" <"$patch" || return 1
    text='does not compile'
    make -s -C "$work" build/replay/paravane-replay >"$work/log" 2>&1 || return 1
    text='replayed as if nothing were wrong'
    for recording in tests/recordings/*.xz; do
        bounded "$work/build/replay/paravane-replay" "$@" "$recording" >"$work/log" 2>&1
        status=$?
        [ $status -ne 0 ] || continue
        text="$(basename "$recording" .xz): $(grep -v ': astray from ' "$work/log" | tail -n 1 | sed 's/^paravane replay: //; s|^tests/[^ ]*: ||' | cut -c 1-150)"
        return 0
    done
    return 1
}

for each; do
    number=${each#[js]}
    case $each in
    j*) options=(--flushes=judged) ;;
    s*) options=(--strays=40 --stop-at=1000) ;;
    *) options=(--audit=1000) ;;
    esac
    if noticed "$number" "${options[@]}"; then
        passed=$((passed + 1))
        echo "ok $each $text"
    else
        failed=$((failed + 1))
        echo "FAILED $each $text"
    fi
    patch -p1 -F2 -R -s --no-backup-if-mismatch -d "$work" <tests/defects/"$number"-*.patch
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
