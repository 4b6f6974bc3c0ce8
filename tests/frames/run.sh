#!/usr/bin/env bash
# Frames that no processor should hand over, and whatever else a guest can make it do: the hypervisor stands, and so does
# its audit.  The test kernels say by themselves what does not hold; each lasts through thousands of attempts.
#
#   vm86       virtual-8086 mode by iretl, every combination: on three machines and several processors; and without a
#              handler, which is the guest's end
#   rings      a 32-bit guest in each ring, by every way out of its own; on three machines, and where it has no place for
#              a handler, which is its end; and instructions at random in rings 2 and 3
#   ways       returns to random states, and calls from them, by the short ways of hv/cpu/entry_short.S and by the long
#              ones; and where neither leads anywhere, which is the guest's end
#   streams    instructions at random in 16, 32 and 64-bit code, stepped and with breakpoints.  A program's must all come
#              back to its kernel; a kernel's may be its end.  Those of a 32-bit kernel end soon: it has one stack
#   contexts   vCPUs of a 32-bit guest that begin with anything at all, which may be its end
#
# Usage: tests/frames/run.sh [PATTERN]      only the runs whose name matches the extended regular expression
#
# The last line is "N passed, N failed".  Logs: build/log/frames.  Environment:
#   PARAVANE_JOBS             how many at a time (default: 2); and the limits of tests/lib/limits.sh
#   PARAVANE_FRAMES_SEED      the first seed of the streams and contexts (default: 1)
#   PARAVANE_FRAMES_SEEDS     how many seeds for programs, thrice as many for kernels, 16 times for contexts (default: 1)
#   PARAVANE_FRAMES_STREAMS   how many streams with each, ten times as many rounds in rings (default: 200)
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1

pattern=${1:-}
jobs=${PARAVANE_JOBS:-2}
log=build/log/frames
first=${PARAVANE_FRAMES_SEED:-1}
seeds=${PARAVANE_FRAMES_SEEDS:-1}
streams=${PARAVANE_FRAMES_STREAMS:-200}

. tests/lib/runs.sh

bad='^not ok |^error:|hypervisor broke|hypervisor fault|bug of the hypervisor|frames behind'
run=(build/cli/paravane run --audit --memory 64M --timeout "$limit" "${virtual_time[@]}")
audited='audit after the release of .*: every count is right'
crashed=3

# vm86 NAME WORDS OPTION...
vm86() {
    local name=$1 words=$2
    shift 2
    begin "vm86-$name" 0 '^verdict: success' '^# [0-9]+ combinations, [1-9][0-9]* ended by an interrupt, [1-9]' -- \
        "${run[@]}" --cmdline "$words" "$@" build/guests/tests/vm86.elf
}

cpu() { echo "--qemu-arg=-cpu --qemu-arg=$1"; }

vm86 pc step=3
vm86 q35 step=13 --machine q35
vm86 microvm step=13 --machine microvm
# shellcheck disable=SC2046 # two words
{
    vm86 intel step=13 $(cpu max,-smap,vendor=GenuineIntel)
    vm86 qemu64 step=13 $(cpu qemu64)
    vm86 epyc step=13 $(cpu EPYC,-smap)
}
for origin in 0 2; do
    begin vm86-unhandled-$origin $crashed 'there is no handler for vector 13, error code 0$' "$audited" -- \
        "${run[@]}" --cmdline "crash=1 origin=$origin" build/guests/tests/vm86.elf
done

rings=build/guests32/tests/rings.elf
# shellcheck disable=SC2046 # two words
{
    begin rings-q35 0 '^verdict: success' -- "${run[@]}" --machine q35 $rings
    begin rings-intel 0 '^verdict: success' -- "${run[@]}" $(cpu max,-smap,vendor=GenuineIntel) $rings
    begin rings-smap 0 '^verdict: success' -- "${run[@]}" $(cpu max) $rings
}
# ends FIRST TEXT...: each of the ways to end from FIRST on, and what is said of it.
ends() {
    local way=$1
    shift
    for text in "$@"; do
        begin "rings-end-$way" $crashed "crashed: $text" "$audited" -- "${run[@]}" --cmdline "crash=$way" $rings
        way=$((way + 1))
    done
}
ends 1 "a handler is at "{1,e021,29,39,e009}":[0-9a-f]+, which is no place"
ends 6 "the frame of a handler cannot be written to the kernel's stack at "{31:,e021:f580002c,e021:fffffffc}
ends 9 'a return to ring 0' 'the frame of iret at f57ffff8 cannot be read'
ways=build/guests/tests/ways.elf
for ((seed = first; seed < first + seeds; seed++)); do
    begin ways-"$seed" 0 '^ok the two ways do the same' '^verdict: success' -- "${run[@]}" --cmdline "seed=$seed" $ways
done
way=1
for text in 'handler cannot be written to the kernel'\''s stack at '{ffffdfffffffffc8,ffff800000000fc8,ffff87ffffffffe8} \
    'handler cannot be written to the kernel'\''s stack at '{ffffffffffffffd8,ffc8,7fffffffffc8} \
    'iret at '{ffffe00000000000,ffff800000000000,ffff87ffffffffe0}' cannot be read' \
    'handler cannot be written to the kernel'\''s stack at '{ffffdfffffffffc0,ffff800000000fc0,ffff87ffffffffe0}; do
    begin ways-end-$way $crashed "crashed: the frame of a? ?$text" "$audited" -- "${run[@]}" --cmdline "crash=$way" $ways
    way=$((way + 1))
done

for ((seed = first; seed < first + seeds; seed++)); do
    begin rings-wild-"$seed" 0 '^verdict: success' -- "${run[@]}" --cmdline "wild=$seed rounds=$((10 * streams))" $rings
done

# The end of the guest's own doing is as good as any.
# shellcheck disable=SC2016 # another shell's
survives=(bash -c 'crashed=$1; shift; "$@"; status=$?; [ $status -ne "$crashed" ] || exit 0; exit $status' -- $crashed)

for ((seed = first; seed < first + seeds; seed++)); do
    begin streams-program-"$seed" 0 '^verdict: success' "^# $streams streams" -- \
        "${run[@]}" --cmdline "kernel=0 seed=$seed streams=$streams" build/guests/tests/streams.elf
done
for ((seed = first; seed < first + seeds; seed++)); do
    begin streams-narrow-program-"$seed" 0 '^verdict: success' "^# $streams streams" -- \
        "${run[@]}" --cmdline "kernel=0 seed=$seed streams=$streams" build/guests32/tests/streams.elf
done
for ((seed = first; seed < first + 3 * seeds; seed++)); do
    begin streams-narrow-kernel-"$seed" 0 '^# seed=' -- "${survives[@]}" "${run[@]}" \
        --cmdline "kernel=1 seed=$seed streams=$streams" build/guests32/tests/streams.elf
    begin streams-kernel-"$seed" 0 '^# seed=' -- \
        "${survives[@]}" "${run[@]}" --cmdline "kernel=1 seed=$seed streams=$streams" build/guests/tests/streams.elf
    begin streams-wild-"$seed" 0 '^# seed=' -- "${survives[@]}" "${run[@]}" --machine q35 \
        --cmdline "kernel=1 wild=1 seed=$seed streams=$streams" build/guests/tests/streams.elf
done

for ((seed = first; seed < first + 16 * seeds; seed++)); do
    begin contexts-"$seed" 0 '^# seed=' -- \
        "${survives[@]}" "${run[@]}" --vcpus 9 --cpus 1 --cmdline "seed=$seed" build/guests32/tests/contexts.elf
done
runs_end
