# shellcheck shell=bash
# No test fails because the machine is busy.  What the scripts of the tests share for that; they say:
#
#   . tests/lib/limits.sh
#
# A limit is there to find what hangs, belongs to one run and never to several together, and is no measure of speed:
#   $processor_limit  seconds of processor time for a process.  What spins is found soon, however busy the machine is.
#   $limit            seconds on the clock.  It finds what sleeps for ever, and is that long because others may be at work.
# Environment: PARAVANE_PROCESSOR_LIMIT, PARAVANE_TIMEOUT.
#
# Time in a guest is virtual: $virtual_time are options of `paravane run`, $virtual_time_qemu the same for QEMU.  A virtual
# nanosecond passes so often per instruction, and a guest that sleeps wakes at once, so that a run is the same each time.
# A spinning guest's seconds are cheap enough at 8 ns an instruction, and its timers still fine enough.
# For one processor, and not for a guest that somebody talks to: its patience would be over before the answer.

limit=${PARAVANE_TIMEOUT:-3600}
processor_limit=${PARAVANE_PROCESSOR_LIMIT:-${processor_limit:-600}} # a script may have said what its runs need
# shellcheck disable=SC2034,SC2054 # used by others; the commas are QEMU's
virtual_time_qemu=(-icount shift=3,sleep=off -rtc clock=vm)
virtual_time=("${virtual_time_qemu[@]/#/--qemu-arg=}")

# bounded COMMAND...: within both limits.  Status 124: out of time; 152: out of processor time.
# A program that has the limit on the clock of its own gets the chance to say so.
bounded() {
    (ulimit -S -t "$processor_limit" && exec timeout --foreground -k 10 $((limit + 30)) "$@")
}

# bounds STATUS: which limit a run with this status met, as words for a message; nothing if none.
bounds() {
    case $1 in
    124) echo "out of time: $limit s" ;;
    152) echo "out of processor time: $processor_limit s" ;;
    esac
}
