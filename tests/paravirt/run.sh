#!/usr/bin/env bash
# The guest's side of memory management: the kernel that runs both ways, in each way.
#
# Usage: tests/paravirt/run.sh
#
# The kernel says "ok NAME" or "not ok NAME: why" for each of its tests, and a verdict; each counts.  Under each way it
# must say the same of the same tests.  Used wrongly, it must end in a panic that names the place.
#
# The last line is "N passed, N failed", with ", N skipped" behind it if any were: without Debian's Xen, one.
# Logs: build/log/paravirt-*.log.  Environment: PARAVANE_XEN (an image of Xen), and limits (tests/lib/limits.sh).
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/paravirt/start.sh

log=build/log
mkdir -p $log
passed=0 failed=0 skipped=0

good() {
    passed=$((passed + 1))
}

bad() { # WHAT...
    failed=$((failed + 1))
    echo "FAILED $*"
}

# tests WAY NAME KERNEL CMDLINE: run all tests of the kernel.
tests() {
    local way=$1 name=$2 kernel=$3 cmdline=$4 out=$log/paravirt-$2.log status ok not_ok
    "start_$way" "$out" "$kernel" "$cmdline"
    status=$?
    ok=$(grep -ac '^ok ' "$out")
    not_ok=$(grep -ac '^not ok ' "$out")
    passed=$((passed + ok))
    failed=$((failed + not_ok))
    if [ $status -eq 0 ] && [ "$ok" -gt 0 ] && grep -aq '^verdict: success' "$out"; then
        good
    elif [ "$not_ok" -eq 0 ]; then
        bad "$name: ended with status $status and no success; see $out"
    fi
    grep -aE '^(not ok|panic:)' "$out"
    echo "$([ "$not_ok$status" = 00 ] && echo ok || echo FAILED) paravirt/$name: $ok passed, $not_ok failed"
    grep -aE '^ok ' "$out" | tr -d '\r' >"$out.ok"
    cmp -s "$out.ok" $log/paravirt-native.log.ok || bad "$name: not the same tests as on bare hardware"
}

# says NAME PATTERN: the log of a run has a line like this.
says() {
    if grep -aqE "$2" "$log/paravirt-$1.log"; then good; else bad "$1: does not say \"$2\""; fi
}

# misuse WAY KIND: the panic names the line with the comment.
misuse() {
    local way=$1 kind=$2 source=guests/paravirt/misuse.c out=$log/paravirt-misuse-$1-$2.log line place
    line=$(grep -n "/\* misuse $kind \*/" $source | cut -d: -f1)
    if "start_$way" "$out" build/guests/paravirt.elf "misuse=$kind"; then
        bad "misuse $kind, $way: it ended well"
        return
    fi
    place=$(sed -n 's/^panic: \([^ ]*:[0-9]*\): .*/\1/p' "$out")
    if [ -z "$place" ]; then # by a plain write: the instruction's address is the second number
        place=$(sed -nE 's/^panic: .*: [0-9a-f]+, ([0-9a-f]+): .*/\1/p' "$out")
        place=$(addr2line -e build/guests/paravirt.elf "$place")
    fi
    case $place in
    *"$source:$line" | *"$source:$line "*) good ;;
    *) bad "misuse $kind, $way: names $place, not $source:$line; see $out" ;;
    esac
}

# Lazy mode and late pin together save 19 of 20 hypercalls, and nothing is measured where there is no hypervisor.
hypercalls() {
    local out=$log/paravirt-figures.log neither both
    start_paravane "$out" build/guests/paravirt.elf bench=1 || bad "the measurement fails; see $out"
    neither=$(awk '/^figure fork_hypercalls neither/ { print $4 + 0 }' "$out")
    both=$(awk '/^figure fork_hypercalls both/ { print $4 + 0 }' "$out")
    if [ "${neither:-0}" -gt 1024 ] && [ "${both:-0}" -gt 0 ] && [ $((both * 20)) -le "$neither" ]; then
        good
        echo "ok a fork of 1024 pages: $neither hypercalls with neither technique, $both with both"
    else
        bad "a fork of 1024 pages: ${neither:-no} hypercalls with neither technique, ${both:-no} with both"
    fi
}

tests native native build/guests/paravirt.elf seed=1
says native '^paravirt: started on bare hardware'
tests native native-clang build/guests-clang/paravirt.elf seed=2
tests native native-32 build/guests32/paravirt.elf seed=1
tests paravane paravane build/guests/paravirt.elf seed=1
says paravane '^paravirt: started as a PV guest'
tests paravane paravane-clang build/guests-clang/paravirt.elf seed=3
tests paravane paravane-32 build/guests32/paravirt.elf seed=5
memory=160M tests paravane paravane-large build/guests/paravirt.elf seed=4
if find_xen >/dev/null; then
    tests xen xen build/guests/paravirt.elf seed=1
    says xen '^paravirt: started as a PV guest'
    says xen '^\(XEN\) '
else
    skipped=1
    echo "skipped paravirt/xen: no image of Debian's Xen; tools/fetch-linux xen gets one"
fi
misuse native 1
misuse native 2
for kind in 1 2 3 4; do misuse paravane $kind; done
hypercalls

echo "$passed passed, $failed failed$([ $skipped -eq 0 ] || echo ", $skipped skipped")"
[ $failed -eq 0 ]
