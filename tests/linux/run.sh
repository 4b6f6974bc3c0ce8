#!/usr/bin/env bash
# Debian's Linux as a PV guest: both kernels in both roles through the whole self-check, small and large machines, the
# chain through GRUB, and guests that fail as they should.
#
# Usage: tests/linux/run.sh [PATTERN]      only the runs whose name matches the extended regular expression
#
# The last line is "N passed, N failed".  What each run said is in build/log/linux.  `make test-linux` builds what is
# needed; without a network and without the packages in build/linux it cannot.  Environment:
#   PARAVANE_JOBS   how many at a time (default: 2); and the limits of tests/lib/limits.sh
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1

pattern=${1:-}
jobs=${PARAVANE_JOBS:-2}
log=build/log/linux
linux=build/linux
processor_limit=1800

. tests/lib/runs.sh

# What must not be in any log: the hypervisor's complaints about itself, and what it finds left when a domain has ended.
bad='hypervisor broke|bug of the hypervisor|frames behind|not ok '

# check NAME FLAVOUR LENGTH OPTION...: the self-check, all of it (LENGTH full) or the short one.
check() {
    local name=$1 flavour=$2 length=$3 role='domain 1' texts=('self-check: [0-9]+ passed, 0 failed' 'ok dmesg')
    shift 3
    case " $* " in *' --privileged '*) role='domain 0' ;; esac
    texts+=("$role \(vmlinuz\) powered off")
    # What Linux finds out about its clock must be that of QEMU's processor, whose TSC counts virtual nanoseconds.
    texts+=('tsc: Detected (1000\.0|999\.9)[0-9]* MHz')
    texts+=('xen:events: Using FIFO-based ABI')
    begin "$name" 0 "${texts[@]}" -- env PARAVANE_CHECK="${length#full}" \
        tools/run-linux "$flavour" --verbose --audit --timeout "$limit" "${virtual_time[@]}" "$@"
}

run=(build/cli/paravane run --verbose --audit --timeout "$limit" "${virtual_time[@]}")
words='earlyprintk=xen console=hvc0'

# All that it does is allowed: its page faults are its own, and no call is refused.
# But for what each kernel asks for to see whether it is there.
other='([^xp]|xe[^n]|xen[^p]|p[^h]|physdev_op PHYSDEVOP_[^p])'
bad="$bad|^paravane: refused: $other" check amd64 amd64 full --explain
check cloud-amd64 cloud-amd64 full
# The initial domain asks for low memory that there is not, and for nothing else: docs/refusals.md.
other='([^mxp]|m[^ec]|memory_op XENMEM_[^e]|memory_op XENMEM_exchange: -E[^N]|xe[^n]|xen[^p]|p[^hl]|physdev_op PHYSDEVOP_[^p])'
for flavour in amd64 cloud-amd64; do
    bad="$bad|^paravane: refused: $other" check $flavour-privileged $flavour full --privileged --explain
done
check 2G amd64 short --memory 2G
check 128M amd64 short --memory 128M
check q35 cloud-amd64 short --machine q35

# Twice as many vCPUs as processors, which run at once: so in the host's time.
begin processors 0 'smp: Brought up 1 node, 4 CPUs' 'ok processors: 4 of them' 'ok translations' 'ok hotplug' \
    'self-check: [0-9]+ passed, 0 failed' 'domain 1 \(vmlinuz\) powered off' 'every count is right' -- \
    env PARAVANE_CHECK=processors tools/run-linux amd64 --verbose --audit --timeout "$limit" --vcpus 4 --cpus 2

# In the host's time, and compared with it.
begin clock 0 'ok host-clock' 'ok clock-compared' 'self-check: 3 passed, 0 failed' -- \
    env PARAVANE_CHECK=clock tools/run-linux amd64 --verbose --timeout "$limit"

begin grub 0 'GRUB starts the kernel' 'self-check: [0-9]+ passed, 0 failed' 'domain 1 \(guest.elf\) powered off' -- \
    "${run[@]}" $linux/grub/guest.elf

# Three of them and a kernel of our own.  One crashes, and one reboots three times, until its clock, which is QEMU's
# virtual one, is 163 s on; the others go on: one checks itself, and ours sleeps and wakes until all have ended.  Nobody
# waits longer than for the release of a guest, its building, and the audits.
linux_guest=(--memory 160M --ramdisk $linux/amd64/ramdisk.img)
bad="$bad|restart 4" begin several 3 'self-check: [0-9]+ passed, 0 failed' 'domain 1 \(checks\) powered off' \
    '^(crashes: )?.*sysrq: Trigger a crash' 'domain 2 \(crashes\) crashed' 'domain 3 \(reboots\): restart 3' \
    '^(naps: )?ok awake in time' 'domain 4 \(naps\) powered off' 'audit after the release of domain 4 .*: every count is right' \
    '^paravane: checks: powered off' '^paravane: crashes: crashed' '^paravane: reboots: powered off' '^paravane: naps: powered off' -- \
    "${run[@]}" --qemu-arg=-rtc --qemu-arg=base=2026-01-01T00:00:00,clock=vm \
    --guest checks "${linux_guest[@]}" --cmdline "$words paravane.check=short" $linux/amd64/vmlinuz \
    --guest crashes "${linux_guest[@]}" --cmdline "$words paravane.crash" $linux/amd64/vmlinuz \
    --guest reboots "${linux_guest[@]}" $linux/amd64/vmlinuz \
    --cmdline "$words rdinit=/bin/busybox -- sh -c \"test \$(date +%s) -lt 1767225763 && /bin/busybox reboot -f; /bin/busybox poweroff -f\"" \
    --guest naps --memory 16M --cmdline 'nap=1 until=200 late=3000' build/guests/tests/share.elf

# A program without rights in virtual-8086 mode: its kernel deals with what comes of it.
begin frames 0 'frames: uid 65534, [0-9]{5} combinations, [0-9]+ children, [0-9]+ of them ended by a signal, 0 bad' \
    'domain 1 \(vmlinuz\) powered off' -- \
    "${run[@]}" --ramdisk $linux/amd64/ramdisk.img --cmdline "$words paravane.frames" $linux/amd64/vmlinuz

# A disk keeps over a reboot what is written, and the network answers; the back end's devices are PCI functions or not.
# In the host's time, in which QEMU's network is.
devices() { # NAME OPTION...
    rm -f "$log/$1.raw"
    truncate -s 16M "$log/$1.raw"
    begin "$1" 0 'ok disk-flushes' 'ok disk-holds' 'ok network-answer' 'domain 1 \(vmlinuz\): restart 1' \
        'ok disk-queues-used' 'ok network-queues' 'ok disk-kept' 'devices: all is well' 'domain 1 \(vmlinuz\) powered off' -- \
        build/cli/paravane run --verbose --audit --timeout "$limit" --memory 160M "${@:2}" \
        --disk "$log/$1.raw" --net user --ramdisk $linux/cloud-amd64/ramdisk.img \
        --cmdline "$words paravane.devices" $linux/cloud-amd64/vmlinuz
}
devices devices-pc --machine pc
devices devices-microvm --machine microvm
devices devices-queues --vcpus 4 --cpus 1

# Directories of this machine's, read and written from both sides.  The cloud kernel has no 9P.
begin share 0 'ok share-read-large' 'ok share-keeps-modes' 'ok share-read-only-keeps' 'share: all is well' \
    'domain 1 \(vmlinuz\) powered off' 'ok host-plain' 'share: all is well here, too' -- \
    tests/linux/share "$PWD/$log/shares" build/cli/paravane run --verbose --audit --timeout "$limit" --memory 160M \
    --ramdisk $linux/amd64/ramdisk.img --cmdline "$words paravane.share" $linux/amd64/vmlinuz

# One command, and its exit status; a program of this machine's that comes along.
begin command 7 '^[0-9]+ words: two  and one$' '^paravane: the command ended with status 7$' \
    'audit after the release of domain 1 .*: every count is right' -- \
    "${run[@]}" --memory 160M --ramdisk $linux/amd64/ramdisk.img $linux/amd64/vmlinuz -- \
    busybox sh -c 'echo "$# words: $*"; exit 7' sh 'two  and' one
begin command-killed 137 '^paravane: the command ended with status 137$' -- \
    "${run[@]}" --memory 160M --ramdisk $linux/amd64/ramdisk.img $linux/amd64/vmlinuz -- busybox sh -c 'kill -9 $$'
begin command-brought 1 '^paravane: the command ended with status 1$' -- \
    "${run[@]}" --memory 160M $linux/amd64/vmlinuz -- $linux/busybox false
begin command-dynamic 126 'link it statically' -- "${run[@]}" --memory 160M $linux/amd64/vmlinuz -- /bin/true

# Spoken to from outside, in the host's time: two boots.
truncate -s 16M "$log/control.raw"
begin control 0 'control: all is well' 'control: the second has gone' 'linux reboots' 'control: the disk has what was written' 'control: the network answers' 'domain 1 \(linux\): restart 1' 'domain 1 \(linux\) powered off' \
    'audit after the release of domain 1 .*: every count is right' -- \
    tests/linux/control --verbose --audit --timeout "$limit" --cpus 1 --guest linux --memory 160M --maxmem 192M --vcpus 1,max=2 \
    --disk "$log/control.raw" --net user \
    --ramdisk $linux/cloud-amd64/ramdisk.img --cmdline "$words" $linux/cloud-amd64/vmlinuz

# On a terminal: a shell with job control, and twice with the same disk.
rm -f "$log/terminal.img"
begin terminal 0 'all is well' -- env "PARAVANE_DISK=$log/terminal.img" tests/linux/terminal tools/run-linux amd64 --timeout "$limit"

# ---- Guests that fail: the exit code, and why.
begin too-small 4 'do not fit into 64 MiB of memory' -- tools/run-linux amd64 --memory 64M
begin not-made 2 'build/linux/vax/vmlinuz is not there; `make linux`' -- tools/run-linux vax
begin no-init 3 'Kernel panic - not syncing: .*(init|root)' 'rip e033:[0-9a-f]{16} <xen_hypercall' '<panic.0x' 'domain 1 \(vmlinuz\) crashed' 'the guest crashed' -- \
    "${run[@]}" --cmdline "$words" $linux/amd64/vmlinuz
begin check-fails 3 'usage: check' 'exitcode=0x00000100' 'the guest crashed' -- \
    "${run[@]}" --ramdisk $linux/amd64/ramdisk.img --cmdline "$words paravane.check=fail" $linux/amd64/vmlinuz

runs_end
