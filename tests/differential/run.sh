#!/usr/bin/env bash
# The same calls with the same arguments, here and under Debian's Xen 4.17, whose answers are recorded: as first domain
# (`paravane run --privileged`), and as ordinary one.  guests/differential makes the calls; tools/record-xen recorded.
#
# Usage: tests/differential/run.sh [first] [ordinary]
#
# Each difference must be one of those in tests/differential/accepted, a line each: an extended regular expression for
# "KIND CALL > XEN'S ANSWER | OURS", then " -- " and the reason.  Of several that match the first counts.  One that
# matches nothing any more is a failure.  What was seen of each call, command and reason, how often and with which first
# example, is kept in tests/differential/seen.txt, for the pages of the reference; it has to be what is seen now.
#
# The last line is "N passed, N failed": calls, and patterns that match nothing.  Logs: build/log/differential-KIND.log.
# Environment: PARAVANE_DIFFERENCES (50: how many of them to show).
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1

. tests/lib/limits.sh
here=tests/differential
log=build/log
mkdir -p $log
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

compare() { # KIND OPTION...
    local kind=$1 out=$log/differential-$1.log status compared accepted differing
    shift
    # The reader comes late: nothing may be lost for that.
    bounded build/cli/paravane run --timeout "$limit" --audit --memory 64M --cmdline seed=1 "$@" \
        build/guests/differential.elf 2>"$out.said" </dev/null | { sleep 2; cat; } >"$out"
    status=${PIPESTATUS[0]}
    tr -d '\r' <"$out" | sed -n 's/^://p' >"$work/ours"
    awk -v kind="$kind" -v out="$work/matched-$kind" -v seen="$work/seen-$kind" -f $here/compare.awk \
        file=1 $here/accepted file=2 $here/xen-"$kind".txt file=3 "$work/ours" >"$work/differences"
    sed '$d' "$work/differences" | head -n "${PARAVANE_DIFFERENCES:-50}"
    read -r compared accepted differing < <(tail -n 1 "$work/differences" | tr -dc '0-9 ')
    if [ $status -ne 0 ] || ! grep -aq '^verdict: success' "$out"; then
        echo "FAILED differential/$kind: ended with status $status; see $out, $out.said"
        differing=$((differing + 1))
    fi
    echo "differential/$kind: $compared calls compared, $accepted accepted differences, $differing failures"
    passed=$((passed + compared - differing))
    failed=$((failed + differing))
}

reasons() {
    local number=0 pattern count
    : >"$work/reasons"
    while IFS= read -r pattern; do
        case $pattern in '#'* | '') continue ;; esac
        number=$((number + 1))
        count=$(cat "$work"/matched-* 2>/dev/null | awk -v n=$number '$2 == n { sum += $1 } END { print sum + 0 }')
        if [ "$count" -eq 0 ]; then
            echo "FAILED accepted, but there is no such difference any more: $pattern"
            failed=$((failed + 1))
        fi
        echo "$count ${pattern#* -- }" >>"$work/reasons"
    done <$here/accepted
    awk '{ n = $1; $1 = ""; sum[$0] += n } END { for (r in sum) printf "%6d%s\n", sum[r], r }' "$work/reasons" | sort -rn
}

# What was seen is what is kept.
kept() {
    local seen=$log/differential-seen.txt
    LC_ALL=C sort "$work"/seen-* >$seen
    if ! diff -u $here/seen.txt $seen >$log/differential-seen.diff 2>&1; then
        echo "FAILED $here/seen.txt is not what was seen: $log/differential-seen.diff; cp $seen $here/seen.txt if it is meant"
        failed=$((failed + 1))
    fi
}

[ $# -ne 0 ] || set -- first ordinary
all=$([ $# -eq 2 ] && echo yes)
for kind in "$@"; do
    case $kind in
    first) compare first --privileged ;;
    ordinary) compare ordinary ;;
    *) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
done
if [ "$all" = yes ]; then
    echo "accepted differences by reason:"
    reasons
    kept
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
