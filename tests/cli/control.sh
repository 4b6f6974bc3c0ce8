# shellcheck shell=bash
# shellcheck disable=SC2154 # what tests/cli/run.sh has, which is read before this file
# Runs under way that are spoken to; part of run.sh, whose functions it uses.  What is asked of a run and what it answers
# are in test_control.c; here are the commands, and runs with guests in QEMU.

# ---- Wrong use, and nobody to speak to.
for command in list console shutdown reboot destroy set; do
    expect "control-help-$command" 0 'Exit codes: 0 done' 'XDG_RUNTIME_DIR' 'TMPDIR' -- $command --help
done
for command in console shutdown reboot destroy set; do
    expect "control-no-name-$command" 2 'which guest' -- $command
done
expect control-list-name 2 'a is one too many' -- list a
expect control-two-names 2 'b is one too many' -- destroy a b
expect control-bad-name 2 'a b: no guest has such a name' -- destroy 'a b'
expect control-bad-run 2 '--run x: not the number of a process' -- destroy --run x a
expect control-bad-timeout 2 '--timeout -1: not a number of seconds' -- shutdown --timeout=-1 a
expect control-set-nothing 2 'say NAME, memory or vcpus, and how much' -- set a
expect control-set-how-much 2 'say NAME, memory or vcpus, and how much' -- set a memory
expect control-set-what 2 'disk: what is set is memory or vcpus' -- set a disk 1
expect control-set-size 2 'memory 12Q: not a size' -- set a memory 12Q
expect control-set-uneven 2 'memory 4099K: not a size' -- set a memory 4099K
expect control-set-vcpus 2 'vcpus 0: not a number from 1 on' -- set a vcpus 0
expect control-set-more 2 '1 is one too many' -- set a vcpus 1 1
expect control-list-none 0 'no run is under way' -- list
expect control-json-none 0 '^\[$' '^\]$' -- list --json
expect control-nobody 2 'a: no run under way has a guest of that name; `paravane list` shows them' -- shutdown a
expect control-no-run 2 'a: run 1 is not under way, or has no guest of that name' -- shutdown --run 1 a
if [[ control-place =~ $pattern ]]; then
    # Whoever else can write there could answer in the run's stead; the run itself goes on.
    mkdir -m 755 "$work/xdg" "$work/xdg/paravane"
    XDG_RUNTIME_DIR=$work/xdg expect control-place-list 1 'xdg/paravane: it is not yours alone .mode 0700.' -- list
    XDG_RUNTIME_DIR=$work/xdg with '' expect control-place-run 0 'cannot be spoken to by other commands: .*not yours alone' \
        'the guest powered off' -- run "$good"
fi

# ---- What a run leaves: nothing, and if it was killed, a socket that the next command removes.
if [[ control-killed =~ $pattern ]]; then
    mkdir -m 700 "$work/killed" "$work/killed-tmp"
    FAKE_PIDS='' FAKE_QEMU='sleep=inf' PARAVANE_QEMU=$fake PARAVANE_LIB=$work/lib XDG_RUNTIME_DIR=$work/killed TMPDIR=$work/killed-tmp \
        "$paravane" run --guest a "$good" --guest b "$good" </dev/null >"$work/out" 2>"$work/err" &
    pid=$!
    until [ -S "$work/killed/paravane/run-$pid" ] || ! is_alive $pid; do sleep 0.1; done
    XDG_RUNTIME_DIR=$work/killed "$paravane" list >"$work/out" 2>"$work/err"
    judge control-killed-before $? 0 "^a +1 +building .* $pid\$" "^b +2 +building .* $pid\$"
    XDG_RUNTIME_DIR=$work/killed expect control-killed-building 4 'b: it is still being built: try again' -- destroy b
    # One that speaks to as many as it can is not taken for none.
    python3 -c 'import socket, subprocess, sys
held = []
while not held or held[-1].recv(4096).startswith(b"run "):
    held.append(socket.socket(socket.AF_UNIX))
    held[-1].connect(sys.argv[1])
sys.exit(subprocess.call(sys.argv[2:]))' "$work/killed/paravane/run-$pid" env XDG_RUNTIME_DIR="$work/killed" "$paravane" destroy b \
        >"$work/out" 2>"$work/err"
    judge control-crowded $? 2 "run $pid speaks to as many commands as it can, and is left out" 'b: no run under way has'
    # What is stopped does not answer.
    kill -s STOP $pid
    XDG_RUNTIME_DIR=$work/killed expect control-stopped 2 "run $pid does not answer, and is left out; is it stopped" -- destroy b
    # It takes no time from those behind it: by the number of the process, which mostly grows.
    FAKE_PIDS='' FAKE_QEMU='sleep=inf' PARAVANE_QEMU=$fake PARAVANE_LIB=$work/lib XDG_RUNTIME_DIR=$work/killed TMPDIR=$work/killed-tmp \
        "$paravane" run --guest c "$good" </dev/null >"$work/out" 2>"$work/err" &
    behind=$!
    until [ -S "$work/killed/paravane/run-$behind" ] || ! is_alive $behind; do sleep 0.1; done
    XDG_RUNTIME_DIR=$work/killed expect control-behind-stopped 0 "run $pid does not answer" "!run $behind does not" \
        "^c +1 +building .* $behind\$" -- list
    kill $behind
    wait $behind 2>/dev/null
    kill -s KILL $pid
    wait $pid 2>/dev/null
    XDG_RUNTIME_DIR=$work/killed expect control-killed-after 0 'no run is under way' -- list
    [ ! -e "$work/killed/paravane/run-$pid" ]
    judge control-killed-removed $? 0
fi

# ---- Guests that run (guests/tests/talk): two runs, with a guest of the same name in either.
tests=build/guests/tests
settled() { # GUEST: it is there, in each run that has one of that name, and waits
    "$paravane" list 2>/dev/null | awk -v guest="$1" \
        '$1 == guest { there = 1; others += $3 != "waiting" } END { exit !there || others > 0 }'
}
begin_run() { # NAME GUEST...: in the background, as $pid
    local name=$1 guests=() guest
    shift
    for guest in "$@"; do guests+=(--guest "$guest"); done
    TMPDIR=$work/real-tmp bounded "$paravane" run --memory 16M --timeout "$limit" --cmdline talk "${guests[@]:0:2}" $tests/talk.elf \
        "${guests[@]:2}" $tests/talk.elf </dev/null >"$work/$name.out" 2>"$work/$name.err" &
    pid=$!
    for guest in "$@"; do until settled "$guest" || ! is_alive $pid; do sleep 0.2; done; done
}
run_of() { # GUEST: the number of its run's process
    "$paravane" list | awk -v guest="$1" '$1 == guest { print $NF }'
}
attached() { # NAME STEPS STATUS TEXT... -- ARGUMENT...: paravane console, on a terminal
    local name=$1 steps=$2 texts=()
    shift 2
    while [ "$1" != -- ]; do texts+=("$1"); shift; done
    bounded tests/cli/terminal "$steps" "$paravane" console "${@:2}" >"$work/out" 2>&1
    judge "$name" $? "${texts[@]}" 'settings restored'
}
if ! [ -e build/hv/paravane.elf ] || ! [ -e $tests/talk.elf ] || ! [ -e $tests/asked.elf ] || ! command -v qemu-system-x86_64 >/dev/null; then
    skip control-real 'no image, no guests or no QEMU'
elif [[ control-real =~ $pattern ]]; then
    mkdir -m 700 "$work/real" "$work/real-tmp"
    export XDG_RUNTIME_DIR=$work/real
    begin_run one only common
    one=$pid run_one=$(run_of only)
    begin_run other else common
    other=$pid run_other=$(run_of else)
    row='+[12] +waiting +16 MiB +16 MiB +1 +[0-9]+[.][0-9]{2} +0'
    expect control-real-list 0 "^only $row +$run_one\$" "^common $row +$run_one\$" "^else $row +$run_other\$" \
        "^common $row +$run_other\$" -- list
    complete_to "$paravane" destroy '' >"$work/out" 2>"$work/err"
    [ "$(tr '\n' ' ' <"$work/out")" = 'common else only ' ]
    judge control-real-completion $? 0
    "$paravane" list --json | python3 -c 'import json, sys
for guest in json.load(sys.stdin):
    print(guest["name"], guest["number"], guest["state"], guest["memory_kib"], guest["maximum_kib"], guest["run"])' \
        >"$work/out" 2>"$work/err"
    judge control-real-json $? 0 "^only 1 waiting 16384 16384 $run_one\$" "^common 2 waiting 16384 16384 $run_other\$"
    expect control-real-several 2 "common: several runs have a guest of that name: ($run_one, $run_other|$run_other, $run_one); say which by --run" -- \
        destroy common
    # It does not listen.
    expect control-real-deaf 124 'only has not said that it listens' 'out of time after 1 seconds' '`paravane destroy only` ends it' -- \
        shutdown --timeout 1 only
    expect control-real-memory 0 -- set only memory 16M
    expect control-real-more-memory 4 'only: that is more than its maximum: `paravane list` shows it, --maxmem says it' -- set only memory 17M
    expect control-real-vcpus 0 -- set only vcpus 1
    expect control-real-more-vcpus 4 'only: it has not so many: what it may have, --vcpus N,max=M says' -- set only vcpus 2
    attached control-real-console '~talk> ~hello\r~heard: hello~\x01h~says this~\x01x' 0 'this is the console of else; Ctrl-A x leaves' \
        '^talk> heard: hello$' 'Ctrl-A x leaves this console, and the guest goes on' 'left; else goes on' -- else
    # The other guest of that run was not typed to, and is in nobody's way.
    attached control-real-apart '~talk> ~bye\r~heard: bye~\x01x' 0 '^talk> heard: bye$' '!hello' -- --run "$run_other" common
    "$paravane" console only </dev/null >"$work/lent.out" 2>"$work/lent.err" &
    lent=$!
    until grep -q 'talk>' "$work/lent.out" || ! is_alive $lent; do sleep 0.1; done
    expect control-real-lent 4 'only: somebody else has its console: it goes to one at a time' -- console only
    printf 'bye\nend\n' >"$work/end"
    "$paravane" destroy --run "$run_other" common >"$work/out" 2>"$work/err"
    judge control-real-destroy $? 0 'common was destroyed'
    # On pipes, up to the end of the run.
    input=$work/end expect control-real-pipe 0 'heard: bye' 'heard: end' 'else: its run has ended$' -- console else
    wait $other
    judge control-real-destroyed $? 8
    expect control-real-one-left 0 "^only .* $run_one\$" "!$run_other" -- list
    expect control-real-unique 0 'common was destroyed' '!listens' -- destroy common
    expect control-real-twice 4 'common: it has ended: was destroyed' -- destroy common
    expect control-real-last 0 'only was destroyed' -- destroy only
    wait $one
    status=$?
    cat "$work/one.err" >"$work/err"
    judge control-real-status $status 8 'only: was destroyed' 'common: was destroyed'
    wait $lent
    judge control-real-console-ends $? 0
    rmdir "$work/real" "$work/real-tmp" 2>"$work/err"
    judge control-real-nothing-left $? 0

    # One that listens (guests/tests/asked), and one that overwrites whatever it is asked.
    mkdir -m 700 "$work/real" "$work/real-tmp"
    TMPDIR=$work/real-tmp bounded "$paravane" run --memory 16M --maxmem 20M --audit --timeout "$limit" $tests/asked.elf --guest listens -c listen \
        --guest floods -c flood </dev/null >"$work/asked.out" 2>"$work/asked.err" &
    asked=$!
    until { settled listens && grep -q 'flood: begins' "$work/asked.out"; } || ! is_alive $asked; do sleep 0.2; done
    expect control-real-balloon 0 '!listens:' -- set listens memory 18M
    expect control-real-no-balloon 4 'listens: that is more than its maximum' -- set listens memory 21M
    expect control-real-reboot 0 'listens reboots' '!has not said' -- reboot listens
    until settled listens || ! is_alive $asked; do sleep 0.2; done
    expect control-real-restarts 0 '^listens .* 16 MiB +20 MiB .* 1 +[0-9]+$' -- list
    expect control-real-shutdown 0 'listens powered off' '!has not said' -- shutdown listens
    expect control-real-flood 124 'floods: out of time after 1 seconds' '!has not said' -- shutdown --timeout 1 floods
    expect control-real-flood-ends 0 'floods was destroyed' -- destroy floods
    wait $asked
    status=$?
    cp "$work/asked.out" "$work/out" && cp "$work/asked.err" "$work/err"
    judge control-real-asked $status 8 'listens: powered off' 'floods: was destroyed' 'asked: \[\] 18432 KiB' 'asked: \[reboot\]' \
        'asked: \[poweroff\] 16384 KiB'
    rmdir "$work/real" "$work/real-tmp"
    unset XDG_RUNTIME_DIR
fi
