#!/usr/bin/env bash
# Images of `paravane image`, booted without the command: by QEMU with a BIOS and with UEFI, and by libvirt.
#
# Usage: tests/deploy/run.sh [PATTERN]      only the rows whose name matches the extended regular expression
#
# The last line is "N passed, N failed".  What each run said is in build/log/deploy.  `make test-deploy` builds what is
# needed, and installs it.  Environment: PARAVANE_JOBS (how many at a time, default: 1), and the limits of
# tests/lib/limits.sh.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1

pattern=${1:-}
jobs=${PARAVANE_JOBS:-1}
log=build/log/deploy
linux=build/linux/cloud-amd64

. tests/lib/runs.sh

# What no console of a guest's should show where all goes well: the hypervisor's log, or that the machine stays on.
quiet='its tables validated|^halted'

# image FILE OPTION...: what `paravane image` is to make FILE from, once a row needs it.
declare -A images
image() {
    images[$1]="${*:2}"
}

# command_of FILE: make it, and print the last line that is said of it, the command for QEMU.
command_of() {
    local file=$work/$1
    # shellcheck disable=SC2086 # no option has a blank in it
    [ -e "$file" ] || build/cli/paravane image -o "$file" ${images[$1]} >"$file.said" || cat "$file.said" >&2
    tail -n 1 "$file.said"
}

# boot NAME TEXT... -- FILE [SED [OPTION...]]: the printed command, changed by SED, with further options for QEMU; the
# machine has to power off.
boot() {
    local name=$1 texts=() plain command
    shift
    [[ $name =~ $pattern ]] || return 0
    while [ "$1" != -- ]; do texts+=("$1"); shift; done
    plain=$(command_of "$2")
    command=$(sed "${3:-}" <<<"$plain")
    # Unchanged it would be another row's, and pass.
    [ -z "${3:-}" ] || [ "$command" != "$plain" ] || command='echo the command is not changed:'
    begin "$name" 0 "${texts[@]}" -- bash -c "exec $command \"\$@\"" boot -snapshot "${virtual_time_qemu[@]}" "${@:4}"
}

# converse NAME TEXT ACTION WORDS... -- FILE [OPTION...]: the same, with what tests/deploy/machine does at TEXT.
converse() {
    local name=$1 text=$2 action=$3 texts=() command
    shift 3
    [[ $name =~ $pattern ]] || return 0
    while [ "$1" != -- ]; do texts+=("$1"); shift; done
    command=$(command_of "$2")
    begin "$name" 0 "${texts[@]}" -- tests/deploy/machine "$text" "$action" bash -c "exec $command \"\$@\"" machine \
        -snapshot "${@:3}"
}

uefi=(-bios /usr/share/ovmf/OVMF.fd)
passed='demo: all 18 steps passed'
bad=$quiet

# ---- Each firmware, machine and format.
image demo.img --memory 64M --machine pc --demo
image demo.iso --memory 64M --demo
image demo.qcow2 --memory 64M --demo
boot bios-pc-disk "$passed" -- demo.img
boot bios-pc-cdrom "$passed" -- demo.img 's/ide-hd/ide-cd/; s/format=raw/&,readonly=on/'
boot bios-q35-cdrom-quick "$passed" -- demo.iso
boot bios-q35-qcow2 "$passed" -- demo.qcow2
boot bios-q35-virtio "$passed" -- demo.qcow2 's/ide-hd/virtio-blk-pci/'
boot uefi-pc-disk "$passed" -- demo.img '' "${uefi[@]}"
boot uefi-q35-cdrom "$passed" -- demo.iso '' "${uefi[@]}"
boot uefi-q35-virtio "$passed" -- demo.qcow2 's/ide-hd/virtio-blk-pci/' "${uefi[@]}"

# ---- The log has a line of its own where there is one.
bad= boot log 'Paravane [^ ]' 'booted by Multiboot 2: .*log=com2 quiet poweroff.?$' 'domain 1 .* powered off' -- \
    demo.img 's/-serial stdio/-serial null -serial stdio/'

# ---- Disks are found by their serial numbers, whatever is before them.
truncate -s 64M "$work/first.img"
truncate -s 16M "$work/second.img"
image disks.img --memory 64M --disk "$work/first.img" --disk "$work/second.img,ro" build/guests/tests/blkfront.elf
for firmware in bios uefi; do
    extra=()
    [ $firmware = bios ] || extra=("${uefi[@]}")
    boot $firmware-disks 'verdict: success' -- disks.img \
        's/-drive if=none,id=vbd-1-51712.*/-device virtio-rng-pci &/' ${extra[@]+"${extra[@]}"}
done

# ---- A bad end: its last words on the console, then no power, or none to be had.
image crash.img --memory 64M build/guests/tests/iret_no_user.elf
image halt.img --memory 64M --on-failure halt build/guests/tests/iret_no_user.elf
bad= boot crash 'domain 1 .* crashed: a return to user mode' -- crash.img
bad= converse halt halted end 'domain 1 .* crashed: a return to user mode' '^halted' -- halt.img
bad= converse no-acpi halted end "$passed" '^halted' -- demo.img -no-acpi

# ---- Several guests, and Linux, which listens to the power button.
image two.img --memory 64M --guest first --demo --guest second --demo
boot several "$passed" '^second:    .ok. the answer arrived' -- two.img
image linux.img --memory 256M --ramdisk $linux/ramdisk.img --cmdline console=hvc0 $linux/vmlinuz
converse bios-button '~ # ' press 'Requesting system poweroff' -- linux.img
converse uefi-button '~ # ' press 'Requesting system poweroff' -- linux.img "${uefi[@]}"
if [[ libvirt =~ $pattern ]]; then
    command_of linux.img >/dev/null
    begin libvirt 0 defined started 'typed at the console, and answered' 'shut down, and off' -- \
        tests/deploy/libvirt "$work/linux.img"
fi

# ---- Debian's system on a disk, with a network and a directory: started by the image, used, powered off.
mkdir "$work/shared"
image debian.img --memory 512M --disk build/linux/debian/disk.img --net user --share "$work/shared"
used=('booted from its disk' 'fetched over its network' 'shared a directory')
system() { # NAME [OPTION...]
    [[ $1 =~ $pattern ]] || return 0
    local command
    command=$(command_of debian.img)
    begin "$1" 0 "${used[@]}" -- bash -c "exec tests/deploy/system.py $work/shared $command \"\$@\"" system \
        -snapshot "${@:2}"
}
system bios-system
system uefi-system "${uefi[@]}"
if [[ libvirt-system =~ $pattern ]]; then
    command_of debian.img >/dev/null
    begin libvirt-system 0 "${used[@]}" 'shut down, and off' -- tests/deploy/libvirt "$work/debian.img"
fi
runs_end
