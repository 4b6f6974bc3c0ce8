#!/usr/bin/env bash
# How much more work two processors do than one, in the host's time: guests/scaling, whose header says how.  Prints
# three factors as tools/bench wants them, each the median over neighbouring slices of one run: two guests of one vCPU
# beside one; a guest's two vCPUs beside one of them, with an address space each, and with one for both, which they map
# and unmap.  Beside each: what it would be if every portion of the work took as long as the median one, which leaves
# out where the host ran something else.  Below: of the time together, how much the two waited for each other's locks
# and flushes, and how much of that with a halt, as where the host did not run the other; and what the rest costs each
# portion, which is what they share.  The first factor is the most that the second can be: the same work, of two that
# share nothing but QEMU and the host.
#
# Usage: tests/several/scaling.sh
#
# The factors depend on there being two processors that nobody else uses: where others have used more than a tenth of one
# meanwhile, this says so and prints no factor.  It fails if a run does; a factor below its goal is told, and no failure.
# Environment: PARAVANE_SLICES, how many slices of half a second (default: 40).
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1

slices=${PARAVANE_SLICES:-40}
log=build/log/scaling
run=(build/cli/paravane run --verbose --timeout 600 --cpus 2)
mkdir -p $log
[ "$(nproc)" -ge 2 ] || { echo "no factors: this machine has one processor"; exit 0; }

busy() { # hundredths of a second in which the processors were not idle, those that a host beneath took included
    awk '$1 == "cpu" { print $2 + $3 + $4 + $7 + $8 + $9 }' /proc/stat
}

own() { # the same of this script's children that have ended
    awk '{ print $16 + $17 }' /proc/$$/stat
}

# perform NAME OPTION...: a run, whose lines are in $log/NAME.  $others: processor time of others, of a thousand.
perform() {
    local name=$1 busy own begin=$EPOCHREALTIME
    shift
    busy=$(busy)
    own=$(own)
    "${run[@]}" "$@" </dev/null 2>&1 | tr -d '\r' >$log/"$name" || { echo "$log/$name: the run failed"; exit 1; }
    own=$(($(own) - own))
    busy=$(($(busy) - busy))
    others=$(awk -v busy="$busy" -v own="$own" -v begin="$begin" -v end="$EPOCHREALTIME" \
        'BEGIN { printf "%d", (busy - own) * 10 / (end - begin) }')
}

# factor NAME WHAT GOAL: of each odd slice and the even ones beside it; the same if all portions took as long as the
# median one; and what of the time calls took.
factor() {
    if [ "$others" -gt 100 ]; then
        echo "  $2: no factor: others used $((others / 10))% of a processor"
        return
    fi
    sed -n -e 's/.*\bslice \([0-9]* [0-9]* [0-9]*\)$/\1/p' -e 's/.*\b\(portion [1-9][0-9]* [1-9][0-9]*\)$/\1/p' \
        $log/"$1" | awk -v name="$1" -v what="$2" -v goal="$3" '
        $1 == "portion" { by_portion = 2 * $2 / $3; next }
        { done[$1] += $2; if ($2 > 0) calls[$1] = $3; last = $1 > last ? $1 : last }
        function median(values, count,   i, j, value) {
            for (i = 2; i <= count; i++) {
                value = values[i]
                for (j = i - 1; j > 0 && values[j] > value; j--) values[j + 1] = values[j]
                values[j + 1] = value
            }
            return values[int((count + 1) / 2)]
        }
        END {
            for (i = 1; i < last; i += 2) {
                if (done[i - 1] + done[i + 1] == 0) exit 1
                count++
                factors[count] = 2 * done[i] / (done[i - 1] + done[i + 1])
                alone[count] = calls[i - 1] / 10
                together[count] = calls[i] / 10
            }
            if (count < 3 || !by_portion) exit 1
            printf "  %s: %.2f, goal %s; by the median portion %.2f; calls take %d%% of the time alone, %d%% together\n",
                what, median(factors, count), goal, by_portion, median(alone, count), median(together, count)
            printf "{\"name\": \"scaling: %s\", \"value\": %.2f, \"unit\": \"times\", \"goal\": %s}\n", what,
                median(factors, count), goal
        }' || { echo "$log/$1 has no figures"; exit 1; }
    waits "$1"
}

# waits NAME: what the two waited for one another, as hv/processors.c tells it, in every second slice.
waits() {
    sed 's/;//g' $log/"$1" | awk -v slices="$slices" '
        function read_waits(what, at) { # "... for WHAT COUNT times, US us, of these HALTS halts, US us"
            us[what] += $(at + 3)
            soon[what] += $(at + 1) - $(at + 7)
            soon_us[what] += $(at + 3) - $(at + 9)
            halted_us += $(at + 9)
        }
        function tell_soon(what) {
            if (soon[what]) printf "%.1f waits for %s, of %.1f us; ", soon[what] / portions, what, soon_us[what] / soon[what]
        }
        / slice [0-9]+ [0-9]+ [0-9]+$/ || /^slice / { if ($(NF - 2) % 2) portions += $(NF - 1) }
        / waited for locks / {
            for (i = 1; i < NF; i++) {
                if ($i == "locks" || $i == "answers") read_waits($i, i)
                if ($i == "of" && $(i + 1) != "these") { requests += $(i + 1); kicks += $(i + 3) }
            }
        }
        END {
            if (!portions) exit
            printf "    of that together, waiting for locks %.1f%%, for answers %.1f%%, of both %.1f%% with halts;\n",
                us["locks"] / slices / 5000, us["answers"] / slices / 5000, halted_us / slices / 5000
            printf "    without halts, a portion: "
            tell_soon("locks")
            tell_soon("answers")
            printf "%.2f requests, %d%% of them with a kick\n", requests / portions, requests ? kicks * 100 / requests : 0
        }'
}

kernel=build/guests/scaling.elf
words="slices=$slices"
echo "work of two processors, beside that of one:"
perform guests --guest first --memory 64M --cmdline "$words from=6" $kernel \
    --guest beside --memory 64M --cmdline "$words from=6 beside=1" $kernel
factor guests 'two guests' 1.8
perform separate --memory 64M --vcpus 2 --cmdline "$words" $kernel
factor separate 'two vCPUs, an address space each' 1.7
perform shared --memory 64M --vcpus 2 --cmdline "$words shared=1" $kernel
factor shared 'two vCPUs, one address space' 1.2
