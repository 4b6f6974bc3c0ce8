#!/usr/bin/env bash
# What operations cost guests of either width, in executed instructions, those of the hypervisor included (QEMU counts
# them): the last step of the demo, in both.  Prints a table, and a line for each figure as tools/bench wants them.
#
# Usage: tests/guest/bench.sh
#
# Fails if a call that does nothing takes a guest of 32 bits more than 1.3 times the instructions.
set -eu -o pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# measure KERNEL: lines "INSTRUCTIONS WHAT"
measure() {
    build/cli/paravane run --timeout 120 --memory 64M --qemu-arg=-icount --qemu-arg=shift=0,sleep=off "$1" \
        </dev/null >"$work/said" 2>&1 || { cat "$work/said" >&2; exit 1; }
    tr -d '\r' <"$work/said" | sed -n '/^18 /,$s/^ *\([0-9][0-9]*\)  \([a-z].*\)/\1 \2/ip'
}
measure build/guests/demo.elf >"$work/64"
measure build/guests32/demo.elf >"$work/32"

lines=$(wc -l <"$work/64")
[ "$lines" -ge 5 ] && [ "$lines" -eq "$(wc -l <"$work/32")" ] || { echo "the demo has not said what it costs" >&2; exit 1; }
paste -d ' ' <(cut -d ' ' -f 1 "$work/64") "$work/32" | awk '
    BEGIN { print "instructions of a guest of 64 bits, of 32 bits" }
    {
        wide = $1; narrow = $2
        sub(/^[0-9]+ [0-9]+ /, "")
        printf "  %8d %8d  %s\n", wide, narrow, $0
        printf "{\"name\": \"64 bits: %s\", \"value\": %d, \"unit\": \"instructions\"}\n", $0, wide
        printf "{\"name\": \"32 bits: %s\", \"value\": %d, \"unit\": \"instructions\"}\n", $0, narrow
    }
    NR == 1 && narrow > wide * 1.3 { print "a call costs a guest of 32 bits too much" > "/dev/stderr"; bad = 1 }
    END { exit bad }'
