# shellcheck shell=bash
# shellcheck disable=SC2154 # what tests/cli/run.sh has, which is read before this file
# Devices that are unplugged and plugged in while their guests run; part of run.sh, whose functions it uses.

# ---- Wrong use.
for command in plug unplug; do
    expect "hotplug-help-$command" 0 'Exit codes: 0 done' 'xvdb for a disk' -- $command --help
    expect "hotplug-no-name-$command" 2 'which guest' -- $command
    expect "hotplug-no-device-$command" 2 'which device. xvdb, vif0' -- $command a
    expect "hotplug-more-$command" 2 'xvdc is one too many' -- $command a xvdb xvdc
    expect "hotplug-bad-device-$command" 2 'a b: no device has such a name' -- $command a 'a b'
    expect "hotplug-nobody-$command" 2 'a: no run under way has a guest of that name' -- $command a xvdb
done
expect hotplug-force 2 'a: no run under way has a guest of that name' -- unplug --force a xvdb
expect hotplug-no-force 2 'unrecognized option' -- plug --force a xvdb

# ---- A disk at work (guests/tests/blkfront/steady.c), and an interface that nobody uses (guests/tests/talk).
blkfront=build/guests/tests/blkfront.elf talk=build/guests/tests/talk.elf
if ! [ -e build/hv/paravane.elf ] || ! [ -e build/backend/backend.elf ] || ! [ -e $blkfront ] || ! [ -e $talk ] ||
    ! command -v qemu-system-x86_64 >/dev/null; then
    skip hotplug-real 'no image, no guests or no QEMU'
elif [[ hotplug-real =~ $pattern ]]; then
    mkdir -m 700 "$work/plug" "$work/plug-tmp"
    export XDG_RUNTIME_DIR=$work/plug
    truncate -s 8M "$work/used.raw"
    TMPDIR=$work/plug-tmp bounded "$paravane" run --audit --verbose --timeout "$limit" --memory 16M \
        --guest busy --disk "$work/used.raw" --cmdline 'steady=50 deaths=3' $blkfront \
        --guest idle --net none --cmdline talk $talk </dev/null >"$work/plug.out" 2>"$work/plug.err" &
    run=$!
    is_over() { ! is_alive $run || grep -q '^paravane: busy has ended' "$work/plug.err"; }
    until grep -q '^ok sectors of 512' "$work/plug.out" || is_over; do sleep 0.2; done
    until "$paravane" list 2>/dev/null | grep -q '^idle .* waiting ' || is_over; do sleep 0.2; done
    expect hotplug-real-in 4 'busy: xvda: it is plugged in' -- plug busy xvda
    expect hotplug-real-none 4 'busy: xvdb: it has no device xvdb; it has xvda$' -- unplug busy xvdb
    expect hotplug-real-unplug 0 -- unplug --timeout "$limit" busy xvda
    expect hotplug-real-list 0 '"name": "busy".*"devices": \[{"name": "xvda", "plugged": false}\]}' \
        '"name": "idle".*"devices": \[{"name": "vif0", "plugged": true}\]}' -- list --json
    while read -r command guest device; do
        complete_to "$paravane" "$command" "$guest" '' >"$work/out" 2>"$work/err"
        [ "$(cat "$work/out")" = "$device" ]
        judge "hotplug-real-completion-$command-$guest" $? 0
    done <<<$'unplug busy\nplug busy xvda\nunplug idle vif0\nplug idle'
    expect hotplug-real-columns 0 'RUN  UNPLUGGED$' '^busy .* [0-9]+  xvda$' '^idle .* [0-9]+$' -- list
    expect hotplug-real-twice 4 'busy: xvda: it is not plugged in' -- unplug busy xvda
    expect hotplug-real-plug 0 -- plug busy xvda
    expect hotplug-real-plugged 0 'RUN$' '^busy .* [0-9]+$' '!UNPLUGGED' -- list
    expect hotplug-real-force 0 -- unplug --force busy xvda
    expect hotplug-real-again 0 -- plug busy xvda
    # Its back end has nobody to close with: it is done at once.
    expect hotplug-real-idle 0 -- unplug --timeout "$limit" idle vif0
    expect hotplug-real-idle-plug 0 -- plug idle vif0
    until [ "$(grep -c 'domain 1 .busy.: plugged in' "$work/plug.err")" -eq 2 ] || is_over; do sleep 0.2; done
    # The second in which front ends see that it has gone is too long for that.
    expect hotplug-real-late 124 'out of time: the guest has not let go of it' '`paravane unplug --force busy xvda` removes it' -- \
        unplug --timeout 1 busy xvda
    until [ "$(grep -c 'domain 1 .busy.: unplugged' "$work/plug.err")" -eq 3 ] || is_over; do sleep 0.2; done
    expect hotplug-real-last 0 -- plug busy xvda
    expect hotplug-real-end 0 -- destroy idle
    wait $run
    status=$?
    cp "$work/plug.out" "$work/out" && cp "$work/plug.err" "$work/err"
    judge hotplug-real-run $status 8 '^ok what was written is read' '^ok and is there at the end' '^ok the disk has gone and come again' \
        'domain 1 .busy.: unplugged vbd/51712; its back end is domain 3' 'domain 2 .idle.: plugged in vif/0; ' \
        'audit after the release of domain 3 .*: every count is right' '!not ok' '!bug of the hypervisor'
    rmdir "$work/plug" "$work/plug-tmp"
    unset XDG_RUNTIME_DIR
fi
