#!/usr/bin/env bash
# Boot the hypervisor's image under QEMU: each protocol, machine, memory size and processor that it should run on, and
# those that it should refuse.
#
# Usage: tests/boot/run.sh [PATTERN]      only the runs whose name matches the extended regular expression
#
# The last line is "N passed, N failed".  What each run said is in build/log/boot.  `make test-boot` builds what is
# needed.  Environment:
#   PARAVANE_JOBS   how many at a time (default: the processors); and the limits of tests/lib/limits.sh
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1

pattern=${1:-}
jobs=${PARAVANE_JOBS:-$(nproc)}
log=build/log/boot
image=build/hv/paravane.elf
clang_image=build/hv-clang/paravane.elf

# What QEMU exits with: twice the code of hv/base/exit.h plus one.
GOOD=33 USAGE=37 UNSUPPORTED=39 BROKEN=41

. tests/lib/runs.sh

# shellcheck disable=SC2054 # the commas are QEMU's
bare_qemu=(qemu-system-x86_64 -display none -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=0x04)
qemu=("${bare_qemu[@]}" "${virtual_time_qemu[@]}")
# shellcheck disable=SC2054
small=(-m 128M -cpu max,-smap -serial stdio)

# boot NAME WANTED TEXT... -- OPTION...: QEMU with these options
boot() {
    local arguments=()
    while [ "$1" != -- ]; do arguments+=("$1"); shift; done
    shift
    begin "${arguments[@]}" -- "${qemu[@]}" "$@"
}

# The same with processors that run at once, in time that is no longer virtual.
boot_at_once() {
    local arguments=()
    while [ "$1" != -- ]; do arguments+=("$1"); shift; done
    shift
    begin "${arguments[@]}" -- "${bare_qemu[@]}" -accel tcg,thread=multi "$@"
}

# A disk that GRUB boots by `multiboot` or `multiboot2`, with a bundle of the size given, in bytes; 0: none.
make_disk() { # FILE COMMAND BUNDLE-SIZE
    local root=$work/root-$2-$3 module=module
    [ "$2" = multiboot ] || module=module2
    mkdir -p "$root/boot/grub"
    cp "$image" "$root/boot/paravane.elf"
    {
        echo 'serial --unit=0 --speed=115200'
        echo 'terminal_output serial'
        echo 'set timeout=0'
        echo 'menuentry Paravane {'
        echo "$2 /boot/paravane.elf selftest"
        if [ "$3" -gt 0 ]; then
            head -c "$3" /dev/zero >"$root/boot/bundle"
            echo "$module /boot/bundle"
        fi
        echo 'boot'
        echo '}'
    } >"$root/boot/grub/grub.cfg"
    grub-mkrescue -o "$1" "$root" >"$1.log" 2>&1 || cat "$1.log"
}

# ---- The image for loaders that take PVH: QEMU prefers Multiboot 1 wherever it finds the header.
pvh=$work/pvh.elf
cp "$image" "$pvh" || exit 1
offset=$(LC_ALL=C grep -obUaP '\x02\xb0\xad\x1b' "$pvh" | head -n 1 | cut -d: -f1)
printf '\0\0\0\0' | dd of="$pvh" bs=1 seek="${offset:?no Multiboot 1 header in the image}" conv=notrunc status=none
head -c 123457 /dev/zero >"$work/bundle"
# As much as fits behind the image into 2 MiB, of which the firmware keeps 128 KiB, but for four pages.
read -r last size < <(readelf -lW "$image" | awk '$1 == "LOAD" { last = $4; size = $6 } END { print last, size }')
head -c $((0x1e0000 - last - size - 0x5000)) /dev/zero >"$work/some"
head -c 1200000 /dev/zero >"$work/large"
disk1=$work/disk1.iso disk2=$work/disk2.iso
make_disk "$disk1" multiboot 54321
make_disk "$disk2" multiboot2 54321

# ---- Every protocol on every machine.
passed='selftest: passed'
for machine in pc q35 microvm; do
    boot "mb1-$machine" $GOOD "$passed" 'booted by Multiboot 1' -- \
        -machine $machine "${small[@]}" -kernel "$image" -append selftest
    boot "pvh-$machine" $GOOD "$passed" 'booted by PVH: selftest' -- \
        -machine $machine "${small[@]}" -kernel "$pvh" -append selftest
done
boot grub-mb1 $GOOD "$passed" 'booted by Multiboot 1' 'bundle: 54321 bytes' -- -machine pc "${small[@]}" -cdrom "$disk1"
boot grub-mb2 $GOOD "$passed" 'booted by Multiboot 2' 'bundle: 54321 bytes' -- -machine pc "${small[@]}" -cdrom "$disk2"
boot clang $GOOD "$passed" -- -machine q35 "${small[@]}" -kernel "$clang_image" -append selftest
boot clang-pvh-smp $GOOD "$passed" -- -machine microvm "${small[@]}" -smp 2 -kernel "$clang_image" -append selftest

# ---- Sizes of memory.
boot 32M $GOOD "$passed" 'memory: 3[0-2] MiB' -- \
    -machine pc -m 32M -cpu max,-smap -serial stdio -kernel "$image" -append selftest
boot 5G $GOOD "$passed" 'memory: 511[0-9] MiB' -- \
    -machine q35 -m 5G -cpu max,-smap -serial stdio -kernel "$image" -append selftest
boot 5G-pvh $GOOD "$passed" 'memory: 51[12][0-9] MiB' -- \
    -machine microvm -m 5G -cpu max,-smap -serial stdio -kernel "$pvh" -append selftest
boot too-small $UNSUPPORTED 'cannot run here: .* of RAM in a row are needed' -- \
    -machine pc -m 2M -cpu max,-smap -serial stdio -kernel "$image" -initrd "$work/some"
boot bundle-outside-ram $UNSUPPORTED 'cannot run here: the loader put the bundle at .*, which is not RAM' -- \
    -machine pc -m 2M -cpu max,-smap -serial stdio -kernel "$image" -initrd "$work/large"

# ---- Processors.
boot cpu-smap $GOOD "$passed" -- -machine pc -m 128M -cpu max -serial stdio -kernel "$image" -append selftest
boot cpu-smap-off $GOOD "$passed" -- \
    -machine pc -m 128M -cpu max -serial stdio -kernel "$image" -append 'selftest smap=off'
boot cpu-global-on $GOOD "$passed" -- \
    -machine pc -m 128M -cpu max,-smap -serial stdio -kernel "$image" -append 'selftest global=on'
boot cpu-plain $GOOD "$passed" -- -machine q35 -m 128M -cpu qemu64 -serial stdio -kernel "$image" -append selftest
boot cpu-pentium3 $UNSUPPORTED 'lacks long mode' -- \
    -machine pc -m 128M -cpu pentium3 -serial stdio -kernel "$image" -append selftest
boot cpu-qemu32-pvh $UNSUPPORTED 'lacks long mode' -- \
    -machine microvm -m 128M -cpu qemu32 -serial stdio -kernel "$pvh" -append selftest
boot cpu-nx $UNSUPPORTED 'lacks the execute-disable bit' -- \
    -machine pc -m 128M -cpu max,-nx -serial stdio -kernel "$image" -append selftest

# ---- What QEMU 7.2 makes of cmpxchg16b is found; not where it translates each instruction by itself or has none like
# that, nor in QEMU 10.  What versions between them do nobody has looked at.
spoils='^processor: cmpxchg16b spoils flags'
plain=(-machine pc -m 128M -serial stdio -kernel "$image")
version=$(qemu-system-x86_64 --version | sed -nE '1s/.* version ([0-9]+)[.].*/\1/p')
case $version in
7)
    boot cpu-flags $USAGE 'no bundle' "$spoils" -- "${plain[@]}" -cpu max,-smap
    bad=$spoils boot cpu-flags-singly $USAGE 'no bundle' -- "${plain[@]}" -cpu max,-smap -singlestep
    ;;
8 | 9) echo "cpu-flags is left out: not known of QEMU $version" ;;
*) bad=$spoils boot cpu-flags $USAGE 'no bundle' -- "${plain[@]}" -cpu max,-smap ;;
esac
bad=$spoils boot cpu-no-exchange $USAGE 'no bundle' -- "${plain[@]}" -cpu max,-smap,-cx16

# ---- Several of them: on each machine, by each protocol, at once and in turns, and as many as are allowed.
for machine in pc q35 microvm; do
    for count in 2 4 8; do
        boot_at_once smp-$machine-$count $GOOD "$passed" "^processors: $count" "kicks arrive on $count processors" -- \
            -machine $machine "${small[@]}" -smp $count -kernel "$image" -append selftest
    done
    boot smp-turns-$machine $GOOD "$passed" '^processors: 3' -- \
        -machine $machine "${small[@]}" -smp 3 -kernel "$image" -append selftest
    boot_at_once smp-pvh-$machine $GOOD "$passed" 'booted by PVH' '^processors: 4' -- \
        -machine $machine "${small[@]}" -smp 4 -kernel "$pvh" -append selftest
done
boot_at_once smp-grub-mb1 $GOOD "$passed" '^processors: 2' -- -machine pc "${small[@]}" -smp 2 -cdrom "$disk1"
boot_at_once smp-grub-mb2 $GOOD "$passed" '^processors: 2' -- -machine q35 "${small[@]}" -smp 2 -cdrom "$disk2"
boot_at_once smp-clang $GOOD "$passed" '^processors: 4' -- \
    -machine q35 "${small[@]}" -smp 4 -kernel "$clang_image" -append selftest
boot_at_once smp-5G $GOOD "$passed" '^processors: 2' -- \
    -machine q35 -m 5G -cpu max,-smap -serial stdio -smp 2 -kernel "$image" -append selftest
boot_at_once smp-64 $GOOD "$passed" '^processors: 64' 'kicks arrive on 64 processors' -- \
    -machine q35 "${small[@]}" -smp 64 -kernel "$image" -append selftest
boot_at_once smp-more $GOOD "$passed" '^6 processors are left alone: there is room for 64' '^processors: 64' -- \
    -machine q35 "${small[@]}" -smp 70 -kernel "$image" -append selftest
boot_at_once smp-plugs $GOOD "$passed" '^processors: 2' -- \
    -machine pc "${small[@]}" -smp 2,maxcpus=4 -kernel "$image" -append selftest
boot_at_once smp-word $GOOD "$passed" '^processors: 3' 'kicks arrive on 3 processors' -- \
    -machine pc "${small[@]}" -smp 4 -kernel "$image" -append 'selftest cpus=3'
boot smp-word-one $GOOD "$passed" '^processors: 1' -- \
    -machine pc "${small[@]}" -smp 2 -kernel "$image" -append 'selftest cpus=1'
boot smp-no-acpi $GOOD "$passed" '^one processor runs: the machine has no ACPI tables' -- \
    -machine microvm,acpi=off "${small[@]}" -smp 2 -kernel "$pvh" -append selftest
boot_at_once smp-odd $GOOD "$passed" 'processor with APIC 1 is left alone: CPUID tells' '^processors: 2' -- \
    -machine q35 "${small[@]}" -smp 1,sockets=3,cores=1,threads=1,maxcpus=3 -kernel "$image" -append selftest \
    -device max-x86_64-cpu,socket-id=1,core-id=0,thread-id=0,umip=off \
    -device max-x86_64-cpu,socket-id=2,core-id=0,thread-id=0

# ---- Consoles: a debug port where there is no serial line; neither, and it does not wait for one.
boot console-debug-port $GOOD "$passed" -- \
    -machine pc -m 128M -cpu max,-smap -serial none -debugcon stdio -kernel "$image" -append selftest
boot console-none $GOOD -- -machine pc -m 128M -cpu max,-smap -serial none -kernel "$image" -append selftest

# ---- Where nothing ends the virtual machine, the processor halts: it says so, and is still there.
begin no-exit-device 0 "$passed" '^halted' -- bash -c '
    exec {console}< <(exec "$@")
    while read -r line; do
        echo "$line"
        [[ $line != halted* ]] || { kill $!; exit; }
    done <&$console
    exit 1' halted \
    qemu-system-x86_64 -display none -no-reboot -machine microvm "${small[@]}" -kernel "$image" -append selftest

# ---- Faults are reported, and name the functions that led there.
boot fault $BROKEN '#PF page fault' 'rip e008:.* break_by_reading' '  [0-9a-f]{16} selftest_break\+' \
    '  [0-9a-f]{16} main_start\+' -- -machine pc "${small[@]}" -kernel "$image" -append selftest=fault
boot fault-clang $BROKEN '#PF page fault' 'rip e008:.* break_by_reading' '  [0-9a-f]{16} selftest_break\+' \
    '  [0-9a-f]{16} main_start\+' -- -machine pc "${small[@]}" -kernel "$clang_image" -append selftest=fault
boot overflow $BROKEN '#DF double fault' '  [0-9a-f]{16} break_by_recursion\+' -- \
    -machine pc "${small[@]}" -kernel "$image" -append selftest=overflow
for machine in pc q35 microvm; do
    boot hang-$machine $BROKEN 'hypervisor fault: no interrupt has been taken' 'rip e008:.* hang\+' \
        '  [0-9a-f]{16} selftest_hang\+' -- -machine $machine "${small[@]}" -kernel "$image" -append selftest=hang
done
boot_at_once hang-smp $BROKEN 'no interrupt has been taken' 'rip e008:.* hang\+' '^processor 1: in the hypervisor, rip .* idle' \
    '^processor 2: in the hypervisor' '  [0-9a-f]{16} sched_run_beside\+' -- \
    -machine pc "${small[@]}" -smp 3 -kernel "$image" -append selftest=hang
boot halt $BROKEN 'broken invariant: hv/selftest.c:' '  [0-9a-f]{16} selftest_break\+' -- \
    -machine pc "${small[@]}" -kernel "$image" -append selftest=halt

# ---- Bundles and options.
boot no-bundle $USAGE 'no bundle: ' -- -machine pc "${small[@]}" -kernel "$image"
boot bundle $GOOD "$passed" 'bundle: 123457 bytes' -- \
    -machine q35 "${small[@]}" -kernel "$image" -initrd "$work/bundle" -append selftest
boot bundle-damaged $USAGE 'the bundle is damaged: ' -- -machine pc "${small[@]}" -kernel "$image" -initrd "$work/bundle"
boot bundle-pvh $GOOD "$passed" 'bundle: 123457 bytes' -- \
    -machine microvm "${small[@]}" -kernel "$pvh" -initrd "$work/bundle" -append selftest
boot two-modules $UNSUPPORTED 'more than one module' -- \
    -machine pc "${small[@]}" -kernel "$image" -initrd "$work/bundle,$work/bundle"
boot seed $GOOD "$passed" 'seed 123456a' -- \
    -machine pc "${small[@]}" -kernel "$image" -append 'selftest seed=123456a'
runs_end
