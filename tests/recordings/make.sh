#!/usr/bin/env bash
# Record the runs that tests/recordings/run.sh replays, anew: `make recordings`.  Needed where the form of recordings
# changes, or where the engine does on purpose something else than it did, such as a flush less.
#
# Usage: tests/recordings/make.sh [NAME...]      default: all; the names are those of record() below
#
# Each is a whole run, but for hostile, of which the beginning is enough.  They are kept small: little memory, since
# where each page lies is told and nothing can be left out of it.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
. tests/lib/limits.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
linux=build/linux/cloud-amd64

run() { # NAME OPTION...: of `paravane run`; what it is typed comes from stdin
    local name=$1
    shift
    bounded build/cli/paravane run --seed 1 --timeout "$limit" --record "$work/$name" "$@" >"$work/$name.log" 2>&1 ||
        { cat "$work/$name.log"; return 1; }
}

# record NAME: run it.
record() {
    case $1 in
    demo) run demo --memory 16M build/guests/demo.elf </dev/null ;;
    demo32) run demo32 --memory 16M build/guests32/demo.elf </dev/null ;;
    hostile) run hostile --memory 16M build/guests/tests/hostile.elf </dev/null ;;
    # Debian's kernel, which starts a shell that starts some processes.
    linux) run linux --memory 93M --ramdisk $linux/ramdisk.img --cmdline console=hvc0 $linux/vmlinuz -- /bin/busybox sh -c \
        'for i in 1 2 3 4 5 6; do ls / | cat >/dev/null; done; echo done' </dev/null ;;
    # Debian's GRUB, with a disk that has nothing on it, which a second domain serves.
    grub)
        truncate -s 4M "$work/disk"
        # Typed when it listens.
        { sleep 8; echo halt; } | PARAVANE_GRUB=build/linux/grub-images/grub-x86_64-xen.bin run grub --memory 16M \
            --snapshot --disk "$work/disk,format=raw" ;;
    *) echo "make.sh: nothing is called $1" >&2; return 2 ;;
    esac
}

[ $# -ne 0 ] || set -- demo demo32 hostile linux grub
for name; do
    stop=()
    [ "$name" != hostile ] || stop=(--stop-at 24000)
    record "$name"
    build/cli/paravane replay ${stop[@]+"${stop[@]}"} --save "tests/recordings/$name.xz" "$work/$name"
    echo "$name: $(stat -c %s "tests/recordings/$name.xz") bytes"
done
