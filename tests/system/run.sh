#!/usr/bin/env bash
# Whole runs of `paravane run` that no test guest of ours can stand for.
#
#   grub      Debian's PV image of GRUB, which nobody here wrote: its prompt, typed commands, the end
#   grub32    the 32-bit one, likewise; and the same with a kernel of 32 bits in it, which it builds a guest for
#   repeat    the demo twice under -icount: the same to the last character, and costs that are instructions
#   explain   each refusal in words, as it happens; and what is said of a guest that crashes
#   mistakes  what is said of each mistake of guests/tests/mistakes
#   ending    each end that a guest can come to by itself: the words, the exit code, the report
#   where     what is said of a guest that is out of time
#   trace     hypercalls as the trace has them, beside what the hypervisor reports itself; exceptions, emulations, upcalls
#   traced    each call of guests/tests/traced as the trace has it, in words and as objects: what the kernel has passed
#   record    runs, their recordings, and replays of them
#   suite     kernels that end in different ways, by `paravane test`
#   deb       the Debian package, unpacked elsewhere: what is in it, and the demo
#   gdb       a debugger: backtraces from the engine, and from the emulation, into the functions of the guest's kernel;
#             what its commands of this tree say of a refused update
#   random    a guest that jumps to random bytes, of either width, from 30 seeds: the hypervisor stands, and loses nothing.
#             Its time is virtual, so that a seed means the same run each time
#
# Usage: tests/system/run.sh [NAME...]      default: all
#
# The last line is "N passed, N failed".  Logs: build/log/system-NAME.log.  Environment: PARAVANE_JOBS, how many at a time
# (default: 2), and the limits of tests/lib/limits.sh.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1

. tests/lib/limits.sh
jobs=${PARAVANE_JOBS:-2}
log=build/log
mkdir -p $log
passed=0 failed=0

verdict() { # NAME STATUS
    if [ "$2" -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok $1"
    else
        failed=$((failed + 1))
        echo "FAILED $1: $log/system-${1%% *}.log"
        tail -n 20 "$log/system-${1%% *}.log" | tr -d '\r' | sed 's/^/    | /'
    fi
}

talk_to_grub() { # NAME IMAGE
    tools/fetch-linux grub-image >"$log/system-$1.log" 2>&1 &&
        bounded tests/system/converse "$limit" build/cli/paravane run --audit --memory 128M "build/linux/grub-images/$2" \
            <tests/system/grub.talk >>"$log/system-$1.log" 2>&1
    verdict "$1" $?
}
test_grub() { talk_to_grub grub grub-x86_64-xen.bin; }
test_grub32() {
    talk_to_grub grub32 grub-i386-xen.bin
    bounded build/cli/paravane run --audit --memory 64M --timeout "$limit" "${virtual_time[@]}" build/linux/grub/guest32.elf \
        >$log/system-grub32.log 2>&1 &&
        grep -aq 'GRUB starts the kernel' $log/system-grub32.log && grep -aq 'all 18 steps passed' $log/system-grub32.log
    verdict "grub32 (starts a kernel)" $?
}

test_repeat() {
    # An instruction is a nanosecond: what the demo counts by its clock are instructions.
    local run=(bounded build/cli/paravane run --demo --seed 1 --timeout "$limit" --qemu-arg -icount
        --qemu-arg shift=0,sleep=off)
    # What the command says while it waits goes by the host's clock.
    local waiting='^paravane: (the hypervisor is still building the guest|started; nothing has come from the guest yet)'
    "${run[@]}" 2>&1 | grep -avE "$waiting" >$log/system-repeat.log &&
        "${run[@]}" 2>&1 | grep -avE "$waiting" >$log/system-repeat-2.log &&
        cmp $log/system-repeat.log $log/system-repeat-2.log >>$log/system-repeat.log 2>&1
    verdict "repeat (the same twice)" $?
    # An instruction more or less is an instruction: these are what the demo counts, not time.
    grep -aqE '^ +[0-9]{2,4}  a hypercall that does nothing' $log/system-repeat.log
    verdict "repeat (instructions)" $?
}

test_explain() {
    local text said
    # Apart from the console, whose lines the messages would cut in two.
    bounded build/cli/paravane run --demo --explain --timeout "$limit" 2>$log/system-explain.log >$log/system-explain.console
    grep -A 9 '^paravane: refused: ' $log/system-explain.log >$log/system-explain.refusals
    said=0
    for text in 'refused: update_va_mapping: -EBUSY, TYPE_CONFLICT: the frame is in use as another type$' \
        '    it was to be writable, for slot [0-9]+ of the L1 table in frame [0-9a-f]+$' \
        '    frame [0-9a-f]+ of domain 1, an L1 table, [0-9]+ uses?(, pinned)?$' \
        '    domain 1, vCPU 0, rip e033:ffffffff8[0-9a-f]{7} <hypercall_page[+]0x1ca>, called from ffffffff8[0-9a-f]{7} <table_set_writable[+]0x[0-9a-f]+>$' \
        '    asked for: entry [0-9a-f]{16}, frame [0-9a-f]+ [(]pfn [0-9a-f]+[)], present, writable$' \
        '    for address: ffffffff8[0-9a-f]{7}$' \
        '    in use by: its pin$' \
        '    in use by: slot 5 of the L4 table in frame [0-9a-f]+ [(]pfn [0-9a-f]+[)], addresses from 0000028000000000$' \
        '    What to do: Nothing but its pin keeps it a table: an unpin is missing.'; do
        grep -qE "^paravane: $text" $log/system-explain.refusals || said=1
    done
    verdict "explain (refusals)" $said
    bounded build/cli/paravane run --memory 64M --timeout "$limit" build/guests/tests/iret_no_user.elf \
        >$log/system-explain.log 2>&1
    [ $? -eq 3 ] && grep -qE 'crashed: a return to user mode' $log/system-explain.log &&
        grep -qE '^paravane: rip e033:0000000000400000' $log/system-explain.log &&
        grep -qE '^paravane:   mmu_update\(.*\) = 0$' $log/system-explain.log &&
        grep -qE '^paravane: refused: .*: -EINVAL, NO_USER_ROOT' $log/system-explain.log &&
        grep -qE '^paravane:     What to do: Load one with MMUEXT_NEW_USER_BASEPTR' $log/system-explain.log
    verdict "explain (crash)" $?
}

# What is said of each mistake that authors of kernels make, kept beside them to be read.
test_mistakes() {
    bounded build/cli/paravane run --explain --memory 64M --timeout "$limit" build/guests/tests/mistakes.elf \
        >$log/system-mistakes.out 2>$log/system-mistakes.err &&
        tests/system/mistakes.py $log/system-mistakes.out $log/system-mistakes.err guests/tests/mistakes/explained \
            >$log/system-mistakes.log
    verdict "mistakes (what is said of each)" $?
    bounded build/cli/paravane run --explain=json --memory 64M --timeout "$limit" build/guests/tests/mistakes.elf \
        >$log/system-objects.out 2>$log/system-objects.err &&
        tests/system/mistakes.py --json $log/system-objects.out $log/system-objects.err guests/tests/mistakes/explained \
            >$log/system-objects.log
    verdict "mistakes (for programs)" $?
    sed 's/an unpin is missing/a pin is missing/' $log/system-mistakes.err >$log/system-mistakes.planted
    ! tests/system/mistakes.py $log/system-mistakes.out $log/system-mistakes.planted guests/tests/mistakes/explained >/dev/null
    verdict "mistakes (other words are noticed)" $?
}

# ending_run HOW CODE TEXT...: the guest ends so, and each TEXT is in what is said; with "!" in front it is not.  Its
# kernel is one of build/$guests.
guests=guests
ending_run() {
    local how=$1 code=$2 out=$log/system-ending.log text bad=0
    shift 2
    bounded build/cli/paravane run --memory 16M --timeout "$limit" "${virtual_time[@]}" --cmdline "how=$how" \
        build/$guests/tests/ending.elf >$out 2>&1
    [ $? -eq "$code" ] || bad=1
    for text in "$@"; do
        if [ "${text#!}" != "$text" ]; then
            ! grep -qE -e "${text#!}" $out || bad=1
        else
            grep -qE -e "$text" $out || bad=1
        fi
    done
    verdict "ending ($how${guests#guests})" $bad
}

test_ending() {
    local report=('^paravane: rip e033:ffffffff8' '^paravane: stack ' 'hypercalls, the last of them:' 'nothing was refused')
    ending_run poweroff 0 '^paravane: domain 1 .ending.elf. powered off$' '!rip e033'
    ending_run again 0 '^paravane: domain 1 .ending.elf. powered off$' '!rip e033'
    ending_run crash 3 '^paravane: domain 1 .ending.elf. crashed, by a call of its own$' "${report[@]}" \
        '^paravane: the guest crashed$'
    ending_run down 3 'has ended because its last vCPU went down, by a call of its own$' "${report[@]}" \
        '^paravane: domain 1 .ending.elf. has ended because its last vCPU went down$' '!powered off' '!crashed'
    ending_run suspend 3 'asked to be suspended, which is not possible$' "${report[@]}"
    ending_run watchdog 3 '^paravane: domain 1 .ending.elf. was ended by its watchdog: it was not started anew in time$' \
        "${report[@]}" '^paravane: domain 1 .ending.elf. was ended by its watchdog$'
    local guests=guests32
    ending_run again 0 '^paravane: domain 1 .ending.elf. powered off$'
    ending_run crash 3 'crashed, by a call of its own$' '^paravane: vCPU 0, kernel mode, cr2 0000000000000000, root' \
        '^paravane: rip e019:00000000801[0-9a-f]{5} <hypercall_page[+]0x3a[0-9a-f]>  rsp e021:00000000801' \
        '^paravane: eax 0000001d  ebx 00000002 ' '!r15' \
        '^paravane: stack 00000000801[0-9a-f]{5} <boot_stack[+]0x[0-9a-f]+>: 801[0-9a-f]{5} '
}

# where_run HOW TEXT...: out of time, and told where it is.
where_run() {
    local out=$log/system-where-$1.log text bad=0
    bounded build/cli/paravane run --memory 16M --timeout 60 --cmdline "how=$1" build/guests/tests/ending.elf >$out 2>&1
    [ $? -eq 124 ] || bad=1
    for text in '^paravane: domain 1 .ending.elf. is here:$' '^paravane: out of time' "${@:2}"; do
        grep -qE -e "$text" $out || bad=1
    done
    return $bad
}

test_where() {
    local blocked spinning place='in kernel mode at rip e033:ffffffff8[0-9a-f]{7}'
    where_run block "^paravane: vCPU 0 waits in SCHEDOP_block, $place" '^paravane: ports with an event pending: none$' \
        '^paravane: ports that notify it: 1 .the hypervisor' '^paravane: no timer of its own is set$' \
        '^paravane: rsp e02b:ffffffff8[0-9a-f]{7}  cr2 ' '^paravane: r13 ' 'hypercalls, the last of them:$' &
    blocked=$!
    where_run spin "^paravane: vCPU 0 runs, $place <spin[+]0x[0-9a-f]+>, " &
    spinning=$!
    bounded tests/cli/terminal '~validated~\x01x' build/cli/paravane run --verbose --memory 16M --cmdline how=block \
        build/guests/tests/ending.elf >$log/system-where-left.log 2>&1
    [ $? -eq 7 ] && grep -qE "^paravane: vCPU 0 .* in kernel mode at rip e033:" $log/system-where-left.log &&
        tail -n 3 $log/system-where-left.log | grep '^paravane: left; the guest has been ended$' >/dev/null
    verdict "where-left (left by Ctrl-A x)" $?
    wait $blocked
    verdict "where-block (waits for nothing)" $?
    wait $spinning
    verdict "where-spin (keeps the processor)" $?
}

# Any end of the guest will do, but it has to be the guest's.
random_run() { # SEED: those of 1000 and more are for a kernel of 32 bits
    local out=$log/system-random-$1.log guests=guests status
    [ "$1" -lt 1000 ] || guests=guests32
    bounded build/cli/paravane run --memory 32M --seed "$1" --audit --timeout "$limit" "${virtual_time[@]}" \
        --cmdline "seed=$1 seconds=10" build/$guests/tests/random.elf >"$out" 2>&1
    status=$?
    [ $status -eq 0 ] || [ $status -eq 3 ]
}

# The last calls as the trace has them, and as the report of a guest that crashed: with the same arguments and results.
trace_agrees() { # LOG TRACE
    python3 - "$1" "$2" <<'END'
import json, re, sys
reported = re.findall(r"paravane:   (\w+)\((\w+), (\w+), (\w+), (\w+)\) = (\S+)$", open(sys.argv[1]).read(), re.M)
traced = [json.loads(line) for line in open(sys.argv[2])]
calls = [call for call in traced if call["kind"] == "call" and "result" in call]
sent = [[call["call"]] + [argument[2:] for argument in call["args"][:4]] + [str(call["result"])] for call in calls]
batches = [call for call in traced if call.get("call") == "mmu_update"]
good = all(len(call["updates"]) == 2 * int(call["args"][1], 16) for call in batches) and len(batches) >= 4
# The call that is its end has no line in the report.
sys.exit(not (len(reported) == 8 and good and reported == [tuple(call) for call in sent[-8:]]))
END
}

# Handlers are the functions that the kernel has for them; an emulation leaves rip behind; nothing else is told.
traps_make_sense() { # TRACE GUESTS
    python3 - "$1" <<'END'
import json, sys
told = [json.loads(line) for line in open(sys.argv[1])]
kinds = {kind: [trap for trap in told if trap["kind"] == kind] for kind in ("exception", "emulation", "upcall")}
vectors = {trap["vector"] for trap in kinds["exception"]}
faults = [trap for trap in kinds["exception"] if trap["vector"] == 14]
named = [trap for trap in kinds["exception"] if "handler_symbol" in trap]
print(len(told), {kind: len(traps) for kind, traps in kinds.items()}, sorted(vectors), len(named))
sys.exit(not (sum(map(len, kinds.values())) == len(told) and {0, 3, 6, 13, 14} <= vectors
              and all("address" in trap for trap in faults) and len(named) == len(kinds["exception"])))
END
}

trace_calls() { # GUESTS WIDTH KIND
    bounded build/cli/paravane run --memory 64M --timeout "$limit" --trace --trace-to $log/system-traced.$3 \
        build/$1/tests/traced.elf >$log/system-traced.out 2>$log/system-traced.err &&
        ! grep -q 'trace: ' $log/system-traced.err &&
        tests/system/traced.py $2 $log/system-traced.out $log/system-traced.$3 >$log/system-traced.log 2>&1
    verdict "traced ($2 bits, $3: each call as it was made)" $?
}
test_traced() {
    local kind
    for kind in txt json; do
        trace_calls guests 64 $kind
        trace_calls guests32 32 $kind
    done
    sed '/"call":"update_va_mapping",/s/"0x91"/"0x19"/' $log/system-traced.json >$log/system-traced-planted.json
    tests/system/traced.py 32 $log/system-traced.out $log/system-traced-planted.json >$log/system-traced-planted.log 2>&1
    grep -q '^[0-9]* calls, 1 differ$' $log/system-traced-planted.log
    verdict "traced (another argument is noticed)" $?
}
test_trace() {
    local machine guests
    for machine in pc q35 microvm; do
        guests=guests
        [ $machine = q35 ] && guests=guests32
        bounded build/cli/paravane run --memory 16M --machine $machine --timeout "$limit" --trace --trace-to $log/system-trace.json \
            --cmdline how=crash build/$guests/tests/ending.elf >$log/system-trace.log 2>&1
        [ $? -eq 3 ] && ! grep -q 'trace: ' $log/system-trace.log && trace_agrees $log/system-trace.log $log/system-trace.json
        verdict "trace ($machine, $guests: the calls that were made)" $?
    done
    bounded build/cli/paravane run --memory 16M --timeout "$limit" --trace=summary --cmdline how=poweroff \
        build/guests/tests/ending.elf >$log/system-trace.log 2>&1
    [ $? -eq 0 ] && grep -qE '^update_va_mapping +[0-9]+ +0 +[0-9]+ +[0-9]+$' $log/system-trace.log &&
        grep -qE '^sched_op +1 +0 ' $log/system-trace.log
    verdict "trace (its summary)" $?
    for guests in guests guests32; do
        bounded build/cli/paravane run --memory 16M --timeout "$limit" --trace=upcalls,exceptions,emulations \
            --trace-to $log/system-trace.json build/$guests/tests/exceptions.elf >$log/system-trace.log 2>&1
        [ $? -eq 0 ] && ! grep -q 'trace: ' $log/system-trace.log && traps_make_sense $log/system-trace.json $guests
        verdict "trace ($guests: exceptions, emulations and upcalls)" $?
    done
    bounded build/cli/paravane run --memory 16M --timeout "$limit" --trace=emulations --trace-only=rip=do_rdmsr \
        --trace-to $log/system-trace.txt build/guests/tests/privileged.elf >$log/system-trace.log 2>&1
    [ $? -eq 0 ] && grep -qE '<do_rdmsr.0x[0-9a-f]+> emulation: rdmsr .0f 32 .*, rcx c0000080 -> rax ' $log/system-trace.txt &&
        ! grep -vqE '<do_rdmsr.0x[0-9a-f]+> emulation: rdmsr ' $log/system-trace.txt
    verdict "trace (emulations, of one function)" $?
}

# A run, its recording, and its replay, in both widths, with a guest that ends well and one that crashes.
test_record() {
    local how=poweroff guests wanted=0 out=$log/system-record.log
    for guests in guests guests32; do
        bounded build/cli/paravane run --memory 16M --timeout "$limit" --record $log/system-record.zst --vcpus 2 \
            --cmdline how=$how build/$guests/tests/ending.elf >$out 2>&1
        [ $? -eq $wanted ] && bounded build/cli/paravane replay --audit=200 $log/system-record.zst >>$out 2>&1 &&
            grep -qE '^[0-9]{3,} operations, [0-9]+ refusals: nothing differs$' $out
        verdict "record ($guests, $how: nothing differs)" $?
        how=crash wanted=3
    done
}

# A suite of kernels, of which three do what nobody expects.
test_suite() {
    local out=$log/system-suite.log text bad=0
    bounded build/cli/paravane test --jobs 2 --junit $log/system-suite.xml tests/system/suite >$out 2>&1
    [ $? -eq 3 ] || bad=1
    for text in '^ok 1 - powers-off$' '^ok 2 - crashes$' '^ok 3 - last-vcpu-down$' '^ok 4 - hangs$' '^ok 5 - later # SKIP' \
        '^not ok 6 - fails-by-crash$' '"exit status 3 instead of 0"' '^not ok 7 - fails-by-hang$' '"exit status 124 instead of 0"' \
        '^not ok 8 - fails-by-words$' '"has said what it should not: powered off' '^# 4 passed, 3 failed, 1 skipped$'; do
        grep -qE -e "$text" $out || bad=1
    done
    grep -q 'tests="8" failures="3" errors="0" skipped="1"' $log/system-suite.xml || bad=1
    verdict "suite (of kernels that end in different ways)" $bad
}

test_deb() {
    local root=$log/system-deb file missing=''
    rm -rf $root
    dpkg-deb -x build/paravane_*.deb $root >$log/system-deb.log 2>&1
    verdict deb $?
    for file in bin/paravane lib/paravane/paravane.elf lib/paravane/demo.elf share/man/man1/paravane.1.gz \
        share/doc/paravane/copyright share/bash-completion/completions/paravane; do
        [ -s "$root/usr/$file" ] || missing="$missing $file"
    done
    [ -z "$missing" ] && dpkg-deb -f build/paravane_*.deb Depends | grep 'libarchive13.*qemu-system-x86' >/dev/null
    verdict "deb (parts${missing:+, but for$missing})" $?
    bounded $root/usr/bin/paravane run --verbose --demo --timeout "$limit" "${virtual_time[@]}" >$log/system-deb.log 2>&1 &&
        grep -q "\-kernel .*$root/usr/lib/paravane/paravane.elf" $log/system-deb.log &&
        grep -q 'all 18 steps passed' $log/system-deb.log
    verdict "deb (the demo)" $?
}

# came_from LOG FUNCTION...: backtraces in the log name these in this order, whatever stands between them.
came_from() {
    local log=$1
    shift
    sed -nE 's/^#[0-9]+ +(0x[0-9a-f]+ in )?([a-z_0-9]+) .*/\2/p' "$log" |
        awk -v functions="$*" 'BEGIN { count = split(functions, name); i = 1 } $1 == name[i] { i++ } END { exit i <= count }'
}

test_gdb() {
    bounded tools/gdb -batch -ex 'break mmu_update' -ex continue -ex backtrace -ex 'delete 1' \
        -ex 'break emulate_write' -ex continue -ex backtrace -- --timeout "$limit" "${virtual_time[@]}" --demo >$log/system-gdb.log 2>&1
    verdict gdb $?
    came_from $log/system-gdb.log mmu_update engine_hypercall trap_hypercall entry_hypercall hypercall_page guest_start start
    verdict "gdb (a hypercall)" $?
    came_from $log/system-gdb.log emulate_write trap_from_guest entry_from_guest_rest store_entry
    verdict "gdb (a page fault)" $?
    # The session of docs/debugging.md: its frame and its entries, whatever their numbers are.
    bounded tools/gdb -batch -ex 'break port_refused' -ex continue -ex 'print *refusal' -ex 'pv frame refusal->frame.v' \
        -ex 'frame function guest_main' -ex 'pv walk page' -ex 'pv types' -ex 'pv types 77' -ex 'pv walk 0x5000' -- \
        --timeout "$limit" "${virtual_time[@]}" build/guests/hello.elf >$log/system-gdb-pv.log 2>&1
    session_said $log/system-gdb-pv.log 'reason = REFUSE_TYPE_CONFLICT' \
        '^frame 0x[0-9a-f]+: domain 1, writable memory, 1 use, 3 references, allocated$' \
        '^    as the guest knows it: page 0x[0-9a-f]+$' '^16.*table_pin\(page, 1\)' '^domain 1, vCPU 0, 0xffffffff80[0-9a-f]+$' \
        '^    L4 in frame 0x[0-9a-f]+, slot 511: 0x[0-9a-f]{13}067  P RW USER A D$' \
        '^    L1 in frame 0x[0-9a-f]+, slot [0-9]+: 0x001[0-9a-f]{10}067  P RW USER A D$' '^ +1  an L4 table$' \
        '^domain 77 has no frames$' '^    nothing is there$'
    verdict "gdb (pv frame, pv walk, pv types)" $?
}

# session_said LOG TEXT...: each of them, in this order.
session_said() {
    local log=$1 from=1 at text
    shift
    for text; do
        at=$(tail -n "+$from" "$log" | grep -anE -m 1 "$text" | cut -d : -f 1)
        [ -n "$at" ] || { echo "not said, or not there: $text"; return 1; }
        from=$((from + at))
    done
}

test_random() {
    local seed bad=0
    : >$log/system-random.log
    for seed in $(seq 1 20) $(seq 1001 1010); do
        while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || bad=1; done
        { random_run "$seed" || { echo "seed $seed: $log/system-random-$seed.log" >>$log/system-random.log; false; }; } &
    done
    while [ "$(jobs -rp | wc -l)" -gt 0 ]; do wait -n || bad=1; done
    [ ! -s $log/system-random.log ] || bad=1
    verdict "random (30 seeds)" $bad
}

[ $# -ne 0 ] || set -- grub grub32 repeat explain mistakes ending where trace traced record suite deb gdb random
for name in "$@"; do
    case $name in
    grub | grub32 | repeat | explain | mistakes | ending | where | trace | traced | record | suite | deb | gdb | random) "test_$name" ;;
    *) echo "tests/system/run.sh: no test called $name" >&2; exit 2 ;;
    esac
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
