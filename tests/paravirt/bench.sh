#!/usr/bin/env bash
# What a fork of an address space with 1024 present pages costs: hypercalls, and executed instructions, those of the
# hypervisor included (QEMU counts them).  Columns: under Paravane with neither lazy mode nor late pin, with one of
# them, with both; native; xen: under Debian's Xen with both, and xen_... with less, where there is Xen.
#
# Usage: tests/paravirt/bench.sh           figures in build/bench-paravirt.json
#
# Fails if both techniques together do not save 19 of 20 hypercalls, or if Paravane takes as many instructions as Xen.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
. tests/paravirt/start.sh

kernel=build/guests/paravirt.elf
result=build/bench-paravirt.json
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
counting=(-icount 'shift=0,sleep=off')

# measure WAY PREFIX: lines "KIND COLUMN NUMBER".
measure() {
    if ! "start_$1" "$work/$1" $kernel bench=1 "${counting[@]}"; then
        echo "the kernel failed: $1" >&2
        cat "$work/$1" >&2
        exit 1
    fi
    tr -d '\r' <"$work/$1" | awk -v prefix="$2" '/^figure / { print $2, prefix $3, $4 }'
}

{
    measure native ""
    measure paravane ""
    if find_xen >/dev/null; then
        measure xen xen_
    else
        echo "without Debian's Xen: tools/fetch-linux xen gets it" >&2
    fi
} | sed 's/xen_both/xen/' >"$work/figures"

awk '
    { value[$1, $2] = $3; if (!($2 in seen)) { seen[$2]; columns[++count] = $2 } }
    function object(kind, name,   i, line) {
        line = "  \"" name "\": {"
        for (i = 1; i <= count; i++) line = line (i > 1 ? ", " : "") "\"" columns[i] "\": " value[kind, columns[i]]
        return line "}"
    }
    END {
        print "{"
        print object("fork_hypercalls", "fork_hypercalls") ","
        print object("fork_ticks", "fork_instructions")
        print "}"
    }' "$work/figures" >$result

awk '
    BEGIN { printf "a fork of 1024 present pages: hypercalls, instructions\n" }
    { value[$1, $2] = $3 }
    $1 == "fork_ticks" { printf "  %-14s %6d %10d\n", $2, value["fork_hypercalls", $2], $3 }
    END {
        if (value["fork_hypercalls", "both"] * 20 > value["fork_hypercalls", "neither"]) {
            print "both techniques do not save 19 of 20 hypercalls"
            status = 1
        }
        split("neither lazy late_pin both", names, " ")
        for (i in names) {
            xen = names[i] == "both" ? "xen" : "xen_" names[i]
            if ((("fork_ticks", xen) in value) && value["fork_ticks", names[i]] >= value["fork_ticks", xen]) {
                print "not fewer instructions than under Xen: " names[i]
                status = 1
            }
        }
        exit status
    }' "$work/figures"
echo "figures: $result"
