#!/usr/bin/env bash
# Debian's Linux as a PV guest: both kernels in both roles through the whole self-check, small and large machines, the
# chain through GRUB, and guests that fail as they should.
#
# Usage: tests/linux/run.sh [PATTERN]      only the runs whose name matches the extended regular expression
#
# The last line is "N passed, N failed".  What each run said is in build/log/linux.  `make test-linux` builds what is
# needed; without a network and without the packages in build/linux it cannot.  Environment:
#   PARAVANE_JOBS            how many at a time (default: 2; more make the guests' clocks jump)
#   PARAVANE_LINUX_TIMEOUT   seconds for one run (default: 300)
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1

pattern=${1:-}
jobs=${PARAVANE_JOBS:-2}
limit=${PARAVANE_LINUX_TIMEOUT:-300}
log=build/log/linux
linux=build/linux

mkdir -p $log
work=$(mktemp -d "$log/.run.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'trap - TERM; kill $(jobs -p) 2>/dev/null; exit 130' INT TERM

# What must not be in any log: the hypervisor's complaints about itself, and what it finds left when a domain has ended.
bad='hypervisor broke|bug of the hypervisor|frames behind|not ok '

# verdict NAME STATUS WANTED SECONDS TEXT...: a run passes with the exit status WANTED if its log has each TEXT.
verdict() {
    local name=$1 status=$2 wanted=$3 seconds=$4 out=$log/$1.log text why=''
    shift 4
    [ "$status" -eq "$wanted" ] || why="; status $status instead of $wanted"
    [ "$status" -ne 124 ] || why="; out of time: $limit s"
    for text in "$@"; do
        grep -qaE -e "$text" "$out" || why="$why; nothing like: $text"
    done
    ! grep -aE "$bad" "$out" >"$work/$name.bad" || why="$why; $(head -n 1 "$work/$name.bad" | tr -d '\r')"
    if [ -z "$why" ]; then
        echo pass >"$work/$name.verdict"
        printf '%-28s passed  %s s\n' "$name" "$seconds"
    else
        echo fail >"$work/$name.verdict"
        printf '%-28s FAILED: %s; %s:\n' "$name" "${why#; }" "$out"
        tail -n 60 "$out" | tr -d '\r' | sed 's/^/    | /'
    fi
}

# perform NAME WANTED TEXT... -- COMMAND...
perform() {
    local name=$1 wanted=$2 texts=() begin=$SECONDS status
    shift 2
    while [ "$1" != -- ]; do texts+=("$1"); shift; done
    shift
    timeout --foreground -k 5 $((limit + 10)) "$@" </dev/null >"$log/$name.log" 2>&1
    status=$?
    verdict "$name" $status "$wanted" $((SECONDS - begin)) ${texts[@]+"${texts[@]}"} >"$work/.$name"
    flock "$work" cat "$work/.$name"
}

# begin NAME ...: perform() beside the others, as soon as there is room.
names=()
begin() {
    [[ $1 =~ $pattern ]] || return 0
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    names+=("$1")
    perform "$@" &
}

# check NAME FLAVOUR LENGTH OPTION...: the self-check, all of it (LENGTH full) or the short one.
check() {
    local name=$1 flavour=$2 length=$3 role='domain 1' texts=('self-check: [0-9]+ passed, 0 failed' 'ok dmesg')
    shift 3
    case " $* " in *' --privileged '*) role='domain 0' ;; esac
    texts+=("$role \(vmlinuz\) powered off")
    [ "$length" = short ] || texts+=('ok clock-compared' 'ok host-clock')
    begin "$name" 0 "${texts[@]}" -- \
        env PARAVANE_CHECK="${length#full}" tools/run-linux "$flavour" --verbose --audit --timeout "$limit" "$@"
}

run=(build/cli/paravane run --verbose --audit --timeout "$limit")
words='earlyprintk=xen console=hvc0'

for flavour in amd64 cloud-amd64; do
    check $flavour $flavour full
    check $flavour-privileged $flavour full --privileged
done
check 2G amd64 short --memory 2G
check 128M amd64 short --memory 128M
check q35 cloud-amd64 short --machine q35

begin grub 0 'GRUB starts Linux' 'self-check: [0-9]+ passed, 0 failed' 'domain 1 \(guest.elf\) powered off' -- \
    "${run[@]}" $linux/grub/guest.elf

# On a terminal: a shell with job control.
begin terminal 0 'all is well' -- tests/linux/terminal tools/run-linux amd64 --timeout "$limit"

# ---- Guests that fail: exit code 1, and why.
begin too-small 1 'do not fit into 65536 KiB of memory' -- tools/run-linux amd64 --memory 64M
begin no-init 1 'Kernel panic - not syncing: .*(init|root)' 'domain 1 \(vmlinuz\) crashed' 'the guest crashed' -- \
    "${run[@]}" --cmdline "$words" $linux/amd64/vmlinuz
begin check-fails 1 'usage: check' 'exitcode=0x00000100' 'the guest crashed' -- \
    "${run[@]}" --ramdisk $linux/amd64/ramdisk.img --cmdline "$words paravane.check=fail" $linux/amd64/vmlinuz
begin reboot 0 'domain 1 \(vmlinuz\) wants to reboot' -- "${run[@]}" --ramdisk $linux/amd64/ramdisk.img \
    --cmdline "$words rdinit=/bin/busybox -- reboot -f" $linux/amd64/vmlinuz
wait

passed=0 failed=0
for name in ${names[@]+"${names[@]}"}; do
    if [ "$(cat "$work/$name.verdict" 2>/dev/null)" = pass ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
