#!/usr/bin/env bash
# Recordings of runs, replayed by the engine as it is now, with sanitizers and the audit; and altered ones, which a
# replay has to find.  tests/recordings/make.sh makes them.
#
# Usage: tests/recordings/run.sh [PATTERN]      default: all; else those tests whose name the pattern matches
#   replay-NAME   nothing differs, and every count is right
#   judges-NAME   by flushes that are judged and not compared
#   strays-NAME   with operations that are altered by chance, from many states of the run
#   finds-WHAT    what tests/recordings/alter.py does to a recording is told, or makes no difference
#   origins       a refusal in a list says which operation has made a table
#   scatter, number    whatever stands in a recording, it is told and nothing worse
# The last line is "N passed, N failed".
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/limits.sh

# What sanitizers find is none of the ways in which a replay may end.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}exitcode=99 UBSAN_OPTIONS=${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}exitcode=99
pattern=${1:-}
replay=${PARAVANE_REPLAY:-build/replay-san/paravane-replay}
alter=(/usr/bin/python3 -B tests/recordings/alter.py)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

judge() { # NAME STATUS
    if [ "$2" -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok $1"
    else
        failed=$((failed + 1))
        echo "FAILED $1: $(tail -n 3 "$work/out")"
    fi
}

# told NAME STATUS PATTERN COMMAND...: it ends so, and says that.
told() {
    local name=$1 wanted=$2 line=$3 status
    shift 3
    bounded "$@" >"$work/out" 2>&1
    status=$?
    [ $status -eq "$wanted" ] && grep -qE -- "$line" "$work/out"
    judge "$name" $?
}

replays() { # NAME LEAST EVERY: so many operations at least, and an audit after every so many
    [[ replay-$1 =~ $pattern ]] || return 0
    told "replay-$1" 0 '^[0-9]+ operations, [0-9]+ refusals: nothing differs$' \
        "$replay" --audit="$3" "tests/recordings/$1.xz"
    [ "$(cut -d ' ' -f 1 "$work/out")" -ge "$2" ] 2>/dev/null
    judge "replay-$1-whole" $?
}

# As many operations, and whatever the engine flushes, nothing is missing.
judges() { # NAME PROGRAM
    [[ judges-$1 =~ $pattern ]] || return 0
    told "judges-$1" 0 '^[0-9]+ operations, [0-9]+ refusals: nothing differs$' \
        "$2" --flushes=judged "tests/recordings/$1.xz"
}

# Away from the run, from so many of its states: whatever the guest would have done, nothing breaks.  What is altered is
# refused now and then, where the run itself never was.
strays() { # NAME EVERY LEAST
    [[ strays-$1 =~ $pattern ]] || return 0
    told "strays-$1" 0 '^[0-9]+ times astray, [0-9]+ operations, [0-9]+ refusals: nothing broke$' \
        "${PARAVANE_REPLAY:-build/replay-san/paravane-replay}" --audit=none --strays="$2" "tests/recordings/$1.xz"
    [ "$(sed -n 's/.* astray, \([0-9]*\) operations.*/\1/p' "$work/out")" -ge "$3" ] 2>/dev/null
    judge "strays-$1-far" $?
    [ "$(sed -n 's/.* operations, \([0-9]*\) refusals: nothing broke/\1/p' "$work/out")" -ge 20 ] 2>/dev/null
    judge "strays-$1-refused" $?
}

finds() { # WHAT STATUS PATTERN
    [[ finds-$1 =~ $pattern ]] || return 0
    "${alter[@]}" tests/recordings/demo.xz "$work/$1.xz" "$1"
    told "finds-$1" "$2" "$3" "$replay" "$work/$1.xz"
}

replays demo 2000 50
replays demo32 2000 50
replays hostile 24000 500
replays grub 1500 100
replays linux 70000 5000
for name in demo demo32 hostile grub; do
    judges $name "$replay"
done
judges linux "${PARAVANE_REPLAY:-build/replay/paravane-replay}" # which takes ten times as long with sanitizers
strays demo 100 1000
strays demo32 100 1000
strays hostile 1000 1000
strays grub 150 200
strays linux 5000 500
if [[ judges-flush =~ $pattern ]]; then # one that the run has not made
    "${alter[@]}" tests/recordings/demo.xz "$work/flush.xz" flush
    told judges-flush 0 '^[0-9]+ operations, .*: nothing differs$' "$replay" --flushes=judged "$work/flush.xz"
fi
finds result 3 'operation [0-9]+ \(domain 1: .*\): the run answered -?[0-9].*, the replay -?[0-9]'
finds wrote 3 'operation [0-9]+ \(domain 1: .*\): the run left [0-9a-f]{16} in slot [0-9]+ of frame [0-9a-f]+, the replay [0-9a-f]{16}'
finds flush 3 'operation [0-9]+ .*: the run went on with: .*; the replay with: a flush of all translations'
finds version 1 'has version 2, and this program replays version 1'
finds cut 1 'ends too early, .*: it is not whole'
finds early 1 'the recording is damaged at byte 0: ENTER'
# The operation that a list names as the one which made a table is in it, and is a pin.
if [[ origins =~ $pattern ]]; then
    bounded "$replay" --list tests/recordings/demo.xz >"$work/out" 2>&1
    awk '{ told[$1] = $0 }
        match($0, /frame [0-9a-f]+: L[1-4] since operation [0-9]+$/) { since[++count] = $NF }
        END {
            for (i in since) if (told[since[i]] !~ /: (MMUEXT_PIN_L|domain_pin)/) { print "no pin: " told[since[i]]; exit 1 }
            exit count < 5
        }' "$work/out" >"$work/wrong"
    judge origins $?
fi
# It is no part of what an engine does in which pieces it reads.
for what in halves joined; do
    finds $what 0 '^2[0-9]{3} operations, [0-9]+ refusals: nothing differs$'
done
survives() { # WHAT RECORDING SEEDS; every second one by flushes that are judged
    local bad=0 seed status how=(compared judged)
    [[ $1 =~ $pattern ]] || return 0
    for ((seed = 1; seed <= $3; seed++)); do
        "${alter[@]}" "tests/recordings/$2.xz" "$work/$1.xz" "$1" $seed
        bounded "$replay" --flushes="${how[seed % 2]}" --map "$work/map.html" --page build/map/map.html "$work/$1.xz" >"$work/out" 2>&1
        status=$?
        case $status in 0 | 1 | 3 | 5) ;; *) bad=$((bad + 1)); { cat "$work/out"; echo "seed $seed: $status"; } >"$work/bad" ;; esac
    done
    [ $bad -eq 0 ] || cp "$work/bad" "$work/out"
    judge "$1" $bad
}
survives scatter demo32 40
survives number demo 60
if [[ whole-format =~ $pattern ]]; then
    # The description in alter.py is the header's.
    diff <(sed -n '/define RECORD_KINDS/,/END, 0/s/.*KIND(\([A-Z]*\), \([0-9]\), \([0-9]\)).*/\1 \2 \3/p' engine/record.h) \
        <(sed -n '/^KINDS = """/,/"""\.split/p' tests/recordings/alter.py | sed 's/KINDS = """//; s/""".split()//' |
            tr ' ' '\n' | paste -d ' ' - - -) >"$work/out"
    judge whole-format $?
fi

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
