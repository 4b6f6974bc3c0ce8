#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What calls, ways into a guest's kernel, the hypervisor's share of operations of Debian's Linux, and the frames of a
# domain that comes and goes cost, in instructions, against what each may: tests/budget/rows.  QEMU lets an instruction
# take a nanosecond of virtual time, so that the figures of one build are the same each time, however busy the machine
# is; those of Linux, medians of 31 rounds each, nearly so.
#
# Usage: tests/budget/run.sh              compare: a row that costs more than 2% above its budget fails
#        tests/budget/run.sh --figures    print them, and a line for each as tools/bench wants them
#        tests/budget/run.sh --record     write the budget anew, with Xen's figures where there is Debian's Xen
#
# A row that has become cheaper by more than 2% is named, and wants its budget lowered.  The last line of the first form is
# "N passed, N failed".  PARAVANE_XEN, limits: tests/paravirt/start.sh.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/paravirt/start.sh

rows=tests/budget/rows
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
counting=(-icount 'shift=0,sleep=off')

# measure WAY BITS KERNEL: lines "NAME<tab>INSTRUCTIONS".
measure() {
    memory=64M
    if ! "start_$1" "$work/said" "$3" costs=1 "${counting[@]}"; then
        echo "the kernel failed: $1, $3" >&2
        cat "$work/said" >&2
        return 1
    fi
    tr -d '\r' <"$work/said" | sed -nE "
        s/^cost ([^ ]*) - ([0-9]+): ?(.*)/$2 bits, \1: \3\t\2/p
        s/^cost ([^ ]*) ([^ ]*) ([0-9]+): ?(.*)/$2 bits, \1 \2: \4\t\3/p
        s/^way (.*): ([0-9]+)/$2 bits, \1\t\2/p" | sed 's/: \t/\t/'
}

# measure_linux COLUMN: the same, of tools/bench-linux.
measure_linux() {
    tools/bench-linux --shares "$1" | sed 's/^/Linux, /'
}

# microseconds MEBIBYTES KERNEL: how long the start and the end of a domain of that size took, whose guest ends at once.
microseconds() {
    if ! bounded build/cli/paravane run --verbose --seed 1 --timeout "$limit" --memory "$1M" \
        "${counting[@]/#/--qemu-arg=}" "$2" >"$work/said" 2>&1 </dev/null; then
        echo "the kernel failed: $1 MiB, $2" >&2
        cat "$work/said" >&2
        return 1
    fi
    sed -nE 's/.*: built, .* in ([0-9]+) us.*/\1/p; s/.*: release of .* in ([0-9]+) us.*/\1/p' "$work/said"
}

# life BITS KERNEL: the same as measure, of the share that a frame has in them: the difference between two sizes.
life() {
    local small large
    mapfile -t small < <(microseconds 64 "$2")
    mapfile -t large < <(microseconds 256 "$2")
    [ ${#small[@]} -eq 2 ] && [ ${#large[@]} -eq 2 ] || return 1
    printf '%s bits, %s\t%s\n' "$1" 'start of day: a frame, with the 512 of its clearing' \
        $(((large[0] - small[0]) * 1000 / frames_between)) \
        "$1" 'teardown: a frame, which a table maps' $(((large[1] - small[1]) * 1000 / frames_between))
}
frames_between=$(((256 - 64) * 256))

{
    measure paravane 64 build/guests/costs.elf && life 64 build/guests/hello.elf &&
        measure paravane 32 build/guests32/costs.elf && life 32 build/guests32/hello.elf && measure_linux paravane
} >"$work/now" || exit 1

# join_rows FIRST SECOND: the lines of FIRST, each with what SECOND has of that name, or "-".
join_rows() {
    awk -F '\t' -v OFS='\t' 'NR == FNR { of[$1] = $2; next } { print $1, $2, ($1 in of ? of[$1] : "-") }' "$2" "$1"
}

compare() {
    awk -F '\t' '
        NR == FNR { if (!/^#/) { budget[$1] = $2; xen[$1] = $3 } next }
        {
            seen[$1]
            with = xen[$1] ~ /^[0-9]/ ? ", Xen " xen[$1] : ""
            if (!($1 in budget)) {
                printf "FAILED %s: %d, and it has no budget\n", $1, $2; failed++
            } else if ($2 > budget[$1] * 1.02) {
                printf "FAILED %s: %d instructions, its budget is %d%s\n", $1, $2, budget[$1], with; failed++
            } else {
                lower = $2 < budget[$1] * 0.98 ? "; lower it" : ""
                printf "ok %s: %d of %d%s%s\n", $1, $2, budget[$1], with, lower; passed++
            }
        }
        END {
            for (name in budget) if (!(name in seen)) { printf "FAILED %s: not measured\n", name; failed++ }
            printf "%d passed, %d failed\n", passed, failed
            exit failed != 0
        }' $rows "$work/now"
}

figures() {
    awk -F '\t' '
        NR == FNR { xen[$1] = $3; next }
        FNR == 1 { print "instructions, under Xen" }
        {
            printf "  %7d %7s  %s\n", $2, xen[$1], $1
            printf "{\"name\": \"%s\", \"value\": %d, \"unit\": \"instructions\"}\n", $1, $2
            if (xen[$1] ~ /^[0-9]/)
                printf "{\"name\": \"%s, Xen\", \"value\": %s, \"unit\": \"instructions\"}\n", $1, xen[$1]
        }' $rows "$work/now"
}

record() {
    if find_xen >/dev/null; then
        measure xen 64 build/guests/costs.elf >"$work/xen" || exit 1
        measure_linux xen >>"$work/xen" || exit 1
    else
        cut -f 1,3 $rows >"$work/xen"
    fi
    {
        echo "# What each may cost, in instructions, and what it costs under Debian's Xen: \`tests/budget/run.sh --record\`."
        join_rows "$work/now" "$work/xen"
    } >"$work/rows"
    cp "$work/rows" $rows
}

case ${1:-} in
'') compare ;;
--figures) figures ;;
--record) record ;;
*) sed -n '8,10s/^# //p' "$0" >&2; exit 2 ;;
esac
