#!/usr/bin/env bash
# Several guests in one bundle: each comes to its own end, whatever the others do, and their frames come back.
#
# Usage: tests/several/run.sh [PATTERN]      only the runs whose name matches the extended regular expression
#
# The last line is "N passed, N failed".  Logs: build/log/several.  Environment:
#   PARAVANE_JOBS   how many at a time (default: 2); and the limits of tests/lib/limits.sh
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit 1

pattern=${1:-}
jobs=${PARAVANE_JOBS:-2}
log=build/log/several
kernels=build/guests/tests narrow=build/guests32

. tests/lib/runs.sh

# What QEMU exits with: twice the code of hv/base/exit.h plus one.
GOOD=33 CRASHED=43 REFUSED=45

# Of a guest in the background, behind its name; of a back end, in the hypervisor's log.
bad='^([a-z0-9]+: |domain [0-9]+ \([a-z0-9]+\): )?(not ok |verdict: (failure|error))|bug of the hypervisor|hypervisor fault|broken invariant|frames behind'
audited='audit after the release of .*: every count is right'

# guest BUNDLE NAME KIB KERNEL [COMMAND-LINE [SETTING...]]: the next one of the bundle, whose number is the next as well;
# that of the privileged one is 0.
guest() {
    local bundle=$work/$1 number directory
    [[ $1 =~ $pattern ]] || return 0
    mkdir -p "$bundle"
    number=$(($(find "$bundle" -mindepth 1 -maxdepth 1 ! -name 0 | wc -l) + 1))
    case " ${*:6} " in *" privileged=1 "*) number=0 ;; esac
    directory=$bundle/$number
    mkdir "$directory"
    printf '%s\n' "name=$2" "memory=$3" vcpus=1 privileged=0 "${@:6}" >"$directory/settings"
    cp "$4" "$directory/kernel"
    [ -z "${5:-}" ] || printf '%s' "$5" >"$directory/cmdline"
}

# run BUNDLE WANTED TEXT...; with the words of the array `machine` for QEMU, and those of `words` for the hypervisor.
machine=() words=audit
run() {
    local bundle=$1
    [[ $1 =~ $pattern ]] || return 0
    shift
    (cd "$work/$bundle" && find . -mindepth 1 | sed 's|^\./||' | sort | cpio --quiet -o -H newc) >"$work/$bundle.cpio"
    [ "$words" != audit ] || set -- "$@" "$audited"
    begin "$bundle" "$@" -- qemu-system-x86_64 -display none -serial stdio -no-reboot -cpu max,-smap -m 256M \
        "${virtual_time_qemu[@]}" ${machine[@]+"${machine[@]}"} -device isa-debug-exit,iobase=0xf4,iosize=0x04 -kernel build/hv/paravane.elf \
        -initrd "$work/$bundle.cpio" -append "$words"
}

# ---- Each does what it does alone; lines of those in the background have a name.
guest together first 16384 build/guests/demo.elf
guest together second 16384 $kernels/timer.elf
guest together third 16384 $kernels/events.elf
run together $GOOD '^demo: all 18 steps passed' '^(second: )?verdict: success' '^third: ok ' '^domain 1 \(first\) powered off' \
    '^domain 2 \(second\) powered off' '^domain 3 \(third\) powered off'

# ---- So they do beside guests of the other width.
guest widths first 16384 $narrow/demo.elf
guest widths second 16384 $kernels/timer.elf
guest widths third 16384 $narrow/tests/timer.elf
guest widths fourth 16384 $narrow/tests/exceptions.elf
guest widths fifth 16384 $kernels/exceptions.elf
run widths $GOOD '^demo: all 18 steps passed' '^(second: )?verdict: success' '^(third: )?verdict: success' \
    '^(fourth: )?verdict: success' '^(fifth: )?verdict: success' '^domain 5 \(fifth\) powered off'

# ---- What a processor has of a 32-bit guest's segments comes back with it.
for name in first second; do
    guest segments-narrow $name 16384 build/guests32/tests/rings.elf switches=1
done
guest segments-narrow third 16384 $kernels/timer.elf
run segments-narrow $GOOD '^(first: )?verdict: success' '^(second: )?verdict: success' '^domain 3 \(third\) powered off'

# ---- One crashes, one is ended by its watchdog, one wants to reboot: the others go on.
guest ends crashes 8192 $kernels/ending.elf how=crash
guest ends watched 8192 $kernels/ending.elf how=watchdog
guest ends reboots 8192 $kernels/ending.elf how=reboot on_reboot=destroy
guest ends works 16384 $kernels/timer.elf
run ends $CRASHED '^domain 1 \(crashes\) crashed' '^domain 2 \(watched\) was ended by its watchdog' \
    '^domain 3 \(reboots\) wants to reboot' '^(works: )?verdict: success' '^domain 4 \(works\) powered off'

# ---- One reboots as often as it can: it keeps the console, the others come to their ends, all frames come back each time.
guest reboots again 8192 $kernels/ending.elf how=again
guest reboots works 16384 $kernels/timer.elf
guest reboots rings 16384 $kernels/events.elf
run reboots $GOOD '^domain 1 \(again\): restart 3' '^domain 1 \(again\) powered off' '^(works: )?verdict: success' \
    '^domain 2 \(works\) powered off' '^domain 3 \(rings\) powered off'

# ---- The same on two processors, where a domain ends while the other processor runs its vCPU, or one of another's,
# and says so within a line of it.
machine=(-smp 2)
guest beside first 16384 build/guests/demo.elf
guest beside second 16384 $narrow/tests/timer.elf
guest beside third 16384 $kernels/exceptions.elf
run beside $GOOD '^processors: 2' '^demo: all 18 steps passed' '^(second: )?verdict: success' \
    '^(third: )?verdict: success' 'domain 3 \(third\) powered off' \
    '^processor 1 waited for locks [0-9]+ times, [0-9]+ us, of these [0-9]+ halts, [0-9]+ us; for answers [0-9]+ times'
guest ends-beside crashes 8192 $kernels/ending.elf how=crash
guest ends-beside again 8192 $kernels/ending.elf how=again
guest ends-beside works 16384 $kernels/timer.elf
guest ends-beside rings 16384 $kernels/events.elf
run ends-beside $CRASHED '^processors: 2' 'domain 1 \(crashes\) crashed' 'domain 2 \(again\): restart 3' \
    '^(works: )?verdict: success' 'domain 3 \(works\) powered off' 'domain 4 \(rings\) powered off'
machine=()

# ---- CR4.PGE on where no processor keeps what is global, as on those that do; on one processor and on two.
words='audit global=on'
for count in 1 2; do
    machine=(-smp $count)
    guest global-$count first 16384 build/guests/demo.elf
    guest global-$count second 16384 $narrow/tests/rings.elf switches=1
    guest global-$count third 16384 $kernels/exceptions.elf
    run global-$count $GOOD '^demo: all 18 steps passed' '^(second: )?verdict: success' '^(third: )?verdict: success' \
        'domain 3 \(third\) powered off' "$audited"
done
machine=() words=audit

# ---- One cannot be built, for its kernel or for its size: the others run.
head -c 5000 /dev/zero >"$work/nothing"
guest refused broken 8192 "$work/nothing"
guest refused large 4194304 $kernels/ending.elf how=poweroff
guest refused works 16384 $kernels/timer.elf
run refused $REFUSED '^domain 1 \(broken\) cannot be built: ' '^domain 2 \(large\) cannot be built: ' '^verdict: success' \
    '^domain 3 \(works\) powered off'

# ---- One that may name the others, and what becomes of those that end meanwhile: guests/tests/foreign.
guest foreign initial 16384 $kernels/foreign.elf 'role=1 victims=6' privileged=1
for number in {1..6}; do guest foreign "victim$number" 8192 $kernels/foreign.elf role=0; done
run foreign $GOOD '^verdict: success' '^victim1: verdict: success' '^victim6: verdict: success' \
    '^domain 6 \(victim6\): 2 of its frames are still in use' \
    '^domain 6 \(victim6\): the last of its frames has come back' 'audit without .*: every count is right'
guest foreign-narrow initial 16384 $narrow/tests/foreign.elf 'role=1 victims=6' privileged=1
for number in {1..6}; do guest foreign-narrow "victim$number" 8192 $narrow/tests/foreign.elf role=0; done
run foreign-narrow $GOOD '^verdict: success' '^victim1: verdict: success' '^victim6: verdict: success' \
    '^domain 6 \(victim6\): 2 of its frames are still in use' \
    '^domain 6 \(victim6\): the last of its frames has come back' 'audit without .*: every count is right'
guest intruder initial 16384 $kernels/timer.elf '' privileged=1
guest intruder ordinary 16384 $kernels/timer.elf
guest intruder intruder 8192 $kernels/foreign.elf 'role=2 domains=1'
run intruder $GOOD '^intruder: ok nothing is done to another' '^([a-z]+: )?verdict: success'
guest intruder-narrow initial 8192 $kernels/ending.elf how=poweroff privileged=1
guest intruder-narrow ordinary 16384 $kernels/timer.elf
guest intruder-narrow intruder 8192 $narrow/tests/foreign.elf 'role=2 domains=1'
run intruder-narrow $GOOD '^intruder: ok nothing is done to another' '^([a-z]+: )?verdict: success'

# ---- In the xenstore: one that watches the others, which end after more and more steps, and one that wants everything:
# guests/tests/xenstore/neighbours.h.
guest neighbours watcher 8192 $kernels/xenstore.elf 'role=1 writers=6'
for steps in {0..5}; do guest neighbours "writer$steps" 4096 $kernels/xenstore.elf "role=2 steps=$steps"; done
guest neighbours hostile 8192 $kernels/xenstore.elf role=3
run neighbours $GOOD '^(watcher: )?ok the inbox is empty again' '^(watcher: )?verdict: success' \
    '^writer5: verdict: success' '^(hostile: )?ok there is an end of what it may have' '^(hostile: )?verdict: success'

# ---- Rights to device memory: one has one, one has none, and some ask for what they do not get.
device=$kernels/device_memory.elf
guest rights timer 16384 $device hpet=1 iomem=fed00,1
guest rights other 16384 $device hpet=0
guest rights second 8192 $kernels/ending.elf how=poweroff iomem=fec00,200
guest rights greedy 8192 $kernels/ending.elf how=poweroff iomem=1000,1
guest rights third 8192 $kernels/ending.elf how=poweroff iomem=fecff,2
guest rights fourth 8192 $kernels/ending.elf how=poweroff iomem=fed00,1
run rights $REFUSED '^ok it is the HPET' '^(other: )?verdict: success' '^domain 1 \(timer\) powered off' \
    '^domain 2 \(other\) powered off' '^domain 3 \(second\) cannot be built: iomem: .*interrupt controllers' \
    '^domain 4 \(greedy\) cannot be built: iomem: .*RAM' '^domain 5 \(third\) cannot be built: iomem: .*interrupt' \
    '^domain 6 \(fourth\) cannot be built: iomem: another domain'

# ---- Rights to ports and to an interrupt line: one has a UART's, one has none, and some ask for what they do not get.
# One that begins anew has them again.
uart=$kernels/uart.elf
for chipset in pc q35; do
    machine=(-machine $chipset -chardev null,id=third -device isa-serial,chardev=third,iobase=0x3e8,irq=5)
    guest ports-$chipset driver 16384 $uart own=1 ioports=3e8-3ef irq=5
    guest ports-$chipset other 16384 $uart own=0
    guest ports-$chipset second 8192 $kernels/ending.elf how=poweroff ioports=3e0-3e8
    guest ports-$chipset third 8192 $kernels/ending.elf how=poweroff irq=5
    guest ports-$chipset console 8192 $kernels/ending.elf how=poweroff ioports=3f0-3f8
    guest ports-$chipset exits 8192 $kernels/ending.elf how=poweroff ioports=f4
    guest ports-$chipset resets 8192 $kernels/ending.elf how=poweroff ioports=cf9
    guest ports-$chipset timer 8192 $kernels/ending.elf how=poweroff irq=2
    guest ports-$chipset beyond 8192 $kernels/ending.elf how=poweroff irq=24
    guest ports-$chipset virtio 8192 $kernels/ending.elf how=poweroff virtio-mmio=fec00,1,8
    run ports-$chipset $REFUSED '^ok each has come once' '^verdict: success' '^(other: )?verdict: success' \
        '^domain 3 \(second\) cannot be built: ioports: another domain' \
        '^domain 4 \(third\) cannot be built: irq.*another domain' \
        '^domain 5 \(console\) cannot be built: ioports: .*the serial line of the console' \
        "^domain 6 \(exits\) cannot be built: ioports: .*the machine's own" \
        '^domain 7 \(resets\) cannot be built: ioports: .*reset' '^domain 8 \(timer\) cannot be built: irq.*timer' \
        '^domain 9 \(beyond\) cannot be built: irq.*not so many' \
        '^domain 10 \(virtio\) cannot be built: iomem: .*interrupt controllers'
done
machine=(-machine q35 -chardev null,id=third -device isa-serial,chardev=third,iobase=0x3e8,irq=5)
guest ports-again again 8192 $kernels/ending.elf how=again ioports=3e8-3ef irq=5
run ports-again $GOOD '^domain 1 \(again\): restart 3' '^domain 1 \(again\) powered off'
machine=()

# ---- PCI functions: one has one, of which the others see nothing; a second one does not get it, nor any of its memory.
pci=$kernels/pci.elf
for chipset in pc q35; do
    machine=(-machine $chipset -device virtio-rng-pci)
    guest pci-$chipset driver 16384 $pci '' pci=1af4
    guest pci-$chipset other 16384 $pci functions=0
    guest pci-$chipset second 8192 $kernels/ending.elf how=poweroff pci=1af4
    guest pci-$chipset none 8192 $kernels/ending.elf how=poweroff pci=1af5 pci=1af6
    run pci-$chipset $REFUSED '^domain 1 \(driver\): has PCI function 00:[0-9a-f.]*, 1af4:1005' '^verdict: success' \
        '^(other: )?verdict: success' '^domain 3 \(second\) cannot be built: pci: another domain' \
        '^domain 1 \(driver\): interrupt storm on pirq 40' '^domain 1 \(driver\) powered off' \
        '^domain 2 \(other\) powered off' \
        '^domain 4 \(none\): the machine has no PCI function of its vendors' '^domain 4 \(none\) powered off'
done

# ---- It is there again for one that begins anew.
machine=(-machine q35 -device virtio-rng-pci)
guest pci-again again 8192 $kernels/ending.elf how=again pci=1af4
run pci-again $GOOD '^domain 1 \(again\): restart 3' '^domain 1 \(again\): has PCI function' '^domain 1 \(again\) powered off'
machine=()

# ---- The back end's drivers: two disks, a card and a directory, by MSI-X and by lines, with all that rings can do and with the least.
truncate -s 4M "$work/first"
mkdir "$work/shared" && printf 'in the directory' >"$work/shared/file"
ln -s ../outside "$work/shared/link" && printf 'not in the directory' >"$work/outside"
{ printf 'the second disk' && head -c 1048561 /dev/zero; } >"$work/second"
virtio() { # NAME MACHINE BUS BUS BUS DISK CARD INTERRUPTS OPTIONS: the devices' buses, numbers, and what each has besides
    local options=${9:-}
    cp "$work/first" "$work/$1.first"
    machine=(-machine "$2" -device "pcie-root-port,id=port1,chassis=1" -device "pcie-root-port,id=port2,chassis=2"
        -drive "if=none,id=a,file=$work/$1.first,format=raw,discard=unmap"
        -device "virtio-blk-pci,drive=a,serial=first,bus=$3$options"
        -drive "if=none,id=b,file=$work/second,format=raw,readonly=on"
        -device "virtio-blk-pci,drive=b,serial=second,bus=$4$options"
        -netdev user,id=n -device "virtio-net-pci,netdev=n,mac=52:54:00:12:34:56,bus=$5$options"
        -fsdev "local,id=d,path=$work/shared,security_model=mapped-xattr,readonly=on"
        -device "virtio-9p-pci,fsdev=d,mount_tag=shared$options")
    # A pc has no ports of PCI Express.
    [ "$2" = q35 ] || machine=("${machine[@]:0:2}" "${machine[@]:6}")
    guest "$1" driver 32768 build/backend/tests/virtio.elf '' pci=1af4
    run "$1" $GOOD "^virtio device $6 at .*: by $8" "^virtio device $7 at .*: by $8" '^disk second: 2048 sectors, read-only' \
        '^ok and it is the same' '^ok echoes' '^ok all packets are back' \
        '^ok it is not followed' '^ok or that it is nothing' '^verdict: success' '^domain 1 \(driver\) powered off'
    machine=()
}
virtio virtio-pc pc pci.0 pci.0 pci.0 1001 1000 MSI-X
virtio virtio-q35 q35 port1 pcie.0 port2 1042 1041 MSI-X ,vectors=1
virtio virtio-lines pc pci.0 pci.0 pci.0 1001 1000 'its line' ,vectors=0,event_idx=off,indirect_desc=off

# The same without PCI, the registers in memory; QEMU puts the first device into the last place.
cp "$work/first" "$work/virtio-microvm.first"
machine=(-machine microvm,ioapic2=on -global virtio-mmio.force-legacy=false -drive
    "if=none,id=a,file=$work/virtio-microvm.first,format=raw,discard=unmap" -device virtio-blk-device,drive=a,serial=first
    -drive "if=none,id=b,file=$work/second,format=raw,readonly=on" -device virtio-blk-device,drive=b,serial=second
    -netdev user,id=n -device virtio-net-device,netdev=n,mac=52:54:00:12:34:56
    -fsdev "local,id=d,path=$work/shared,security_model=mapped-xattr,readonly=on"
    -device virtio-9p-device,fsdev=d,mount_tag=shared)
guest virtio-microvm driver 32768 build/backend/tests/virtio.elf 'mmio=0xfeb00000 mmio_count=24 mmio_line=24' \
    virtio-mmio=feb00,3,18
guest virtio-microvm second 8192 $kernels/ending.elf how=poweroff virtio-mmio=feb02,1,28
guest virtio-microvm third 8192 $kernels/ending.elf how=poweroff iomem=feb01,1
guest virtio-microvm line 8192 $kernels/ending.elf how=poweroff irq=47
run virtio-microvm $REFUSED '^virtio device 2 at feb02e00: by its line' '^virtio device 1 at feb02a00: by its line' \
    '^disk second: 2048 sectors, read-only' '^ok and it is the same' '^ok echoes' '^ok all packets are back' \
    '^ok or that it is nothing' '^verdict: success' '^domain 1 \(driver\) powered off' '^domain 2 \(second\) cannot be built: irq.*another domain' \
    '^domain 3 \(third\) cannot be built: iomem: another domain' '^domain 4 \(line\) cannot be built: irq.*another domain'
machine=(-machine microvm,ioapic2=on -global virtio-mmio.force-legacy=false -device virtio-rng-device)
guest microvm-again again 8192 $kernels/ending.elf how=again virtio-mmio=feb00,3,18
run microvm-again $GOOD '^domain 1 \(again\): restart 3' '^domain 1 \(again\) powered off'
machine=()

# ---- Event channels between pairs of guests of which one ends at a step of its own, and one guest that tries to get at
# them; then one that may name the other: guests/tests/channels.
pair() { # BUNDLE FIRST OFFER-DIES BIND-DIES: its first one has number FIRST
    guest "$1" "offer$2" 4096 $kernels/channels.elf "role=0 peer=$(($2 + 1)) $3"
    guest "$1" "bind$2" 4096 $kernels/channels.elf "role=1 peer=$2 $4"
}
alone='^([a-z0-9]+: )?ok without the other a port is unbound' # the console is anybody's in turn
pair bind-dies 1 '' ''
for step in 0 1 2 3; do pair bind-dies $((3 + 2 * step)) '' die=$step; done
guest bind-dies guess 8192 $kernels/channels.elf 'role=2 domains=11'
run bind-dies $GOOD '^bind1: ok connected again' "$alone" '^(offer5: )?verdict: success' \
    '^domain 5 \(offer5\) powered off' '^domain 9 \(offer9\) powered off' \
    '^([a-z0-9]+: )?ok nothing of another' '^domain 11 \(guess\) powered off'
for step in 0 1 2 3; do pair offer-dies $((1 + 2 * step)) die=$step ''; done
guest offer-dies guess 8192 $kernels/channels.elf 'role=2 domains=9'
run offer-dies $GOOD "$alone" '^domain 2 \(bind1\) powered off' '^domain 8 \(bind7\) powered off' \
    '^([a-z0-9]+: )?ok nothing of another' '^domain 9 \(guess\) powered off'
guest talk offer1 4096 build/guests32/tests/channels.elf 'role=0 peer=2'
guest talk bind1 4096 $kernels/channels.elf 'role=1 peer=1'
guest talk offer3 4096 $kernels/channels.elf 'role=0 peer=4'
guest talk bind3 4096 build/guests32/tests/channels.elf 'role=1 peer=3 die=2'
guest talk guess 8192 build/guests32/tests/channels.elf 'role=2 domains=5'
run talk $GOOD '^([a-z0-9]+: )?ok connected again' "$alone" '^domain 1 \(offer1\) powered off' \
    '^domain 3 \(offer3\) powered off' '^([a-z0-9]+: )?ok nothing of another'
guest ruler initial 8192 $kernels/channels.elf 'role=3 peer=1' privileged=1
guest ruler other 8192 $kernels/channels.elf role=4
run ruler $GOOD '^(initial: )?ok reset of the other' '^(initial: )?verdict: success' '^domain 1 \(other\) powered off'

# ---- As many as a bundle may have, with one that would serve them.
for number in {1..16}; do guest sixteen "guest$number" 4096 $kernels/ending.elf how=poweroff; done
guest sixteen server 4096 $kernels/served.elf 'role=server idle=1' backend=1
run sixteen $GOOD '^domain 1 \(guest1\) powered off' '^domain 16 \(guest16\) powered off' '^domain 17 \(server\) powered off'

# ---- The hostile ones, side by side.
guest hostile one 16384 $kernels/hostile.elf
guest hostile two 16384 $kernels/grant.elf
guest hostile three 16384 $kernels/xenstore.elf
guest hostile four 16384 $kernels/refusals.elf
run hostile $GOOD '^domain 1 \(one\) powered off' '^domain 2 \(two\) powered off' '^domain 3 \(three\) powered off' \
    '^domain 4 \(four\) powered off'

# ---- One lends pages to another, which maps, copies, moves and returns them; a third one guesses.
guest lend lender 16384 $kernels/lend.elf 'role=1 peer=2'
guest lend borrower 16384 $kernels/lend.elf 'role=2 peer=1'
guest lend thief 16384 $kernels/lend.elf role=3
run lend $GOOD '^verdict: success' '^(borrower: )?verdict: success' '^(thief: )?verdict: success' \
    '^(borrower: )?ok the lender has seen it'
for width in 32 64; do
    case $width in 32) of=$narrow/tests/lend.elf to=$kernels/lend.elf ;; 64) of=$kernels/lend.elf to=$narrow/tests/lend.elf ;; esac
    guest lend-$width lender 16384 $of 'role=1 peer=2'
    guest lend-$width borrower 16384 $to 'role=2 peer=1'
    run lend-$width $GOOD '^verdict: success' '^(borrower: )?verdict: success' '^(borrower: )?ok the lender has seen it'
done

# ---- Either of them ends at each step, with what is mapped then.
for step in {1..7}; do
    guest "borrower$step" lender 16384 $kernels/lend.elf 'role=1 peer=2'
    guest "borrower$step" borrower 16384 $kernels/lend.elf "role=2 peer=1 end=$step"
    run "borrower$step" $GOOD '^verdict: success' '^(borrower: )?verdict: success' '^ok not in use any more'
    guest "lender$step" lender 16384 $kernels/lend.elf "role=1 peer=2 end=$step"
    guest "lender$step" borrower 16384 $kernels/lend.elf "role=2 peer=1 orphan=$step"
    run "lender$step" $GOOD '^verdict: success' '^(borrower: )?ok the control page is still what it was'
done

# ---- Who borrows keeps it when the lender reboots: that one is built anew beside what is left of it, after a while.
guest kept lender 16384 $kernels/lend.elf 'role=1 peer=2 end=2 again=1'
guest kept borrower 16384 $kernels/lend.elf 'role=2 peer=1 orphan=2 next=1'
run kept $GOOD '^domain 1 \(lender\): it is to be built anew, and 3 frames of it are still in use' \
    '^domain 2 \(borrower\): it maps 3 grants of domain 1 \(lender\)' '^domain 1 \(lender\): restart 1' \
    '^domain 1 \(lender\): what is left of it is number 63' '^domain 63 \(lender\): the last of its frames has come back' \
    'audit without domain 63 .*: every count is right' '^verdict: success' '^(borrower: )?verdict: success' \
    '^(borrower: )?ok the lender is there again' '^(borrower: )?ok which can be written'

# ---- Some that do all of this at random, with frames that the hypervisor uses as well, and reboot in the middle of it:
# guests/tests/chaos.
for number in {1..5}; do guest chaos "chaos$number" 4096 $kernels/chaos.elf "seed=$number peers=5 until=10"; done
run chaos $GOOD '^domain [1-5] \(chaos[1-5]\): restart 3' 'of its frames are still in use' \
    'audit without .*: every count is right'

for number in {1..5}; do
    guest chaos-narrow "chaos$number" 4096 $narrow/tests/chaos.elf "seed=$number peers=5 until=10"
done
run chaos-narrow $GOOD '^domain [1-5] \(chaos[1-5]\): restart 3' 'of its frames are still in use' \
    'audit without .*: every count is right'

# ---- Guests with a device, and the domain that serves them: guests/tests/served.  They reboot and crash with the device
# in use, the server crashes in the middle, is late, does not look, or crashes for ever.
served() { # BUNDLE SERVER-WORDS CLIENT-WORDS...
    local bundle=$1 server=$(($# - 1)) words=$2 client
    for client in "${@:3}"; do
        guest "$bundle" "client" 8192 $kernels/served.elf "role=client server=$server $client" "device=test/7 $server" \
            'front=word of the front' 'back=word of the back'
    done
    guest "$bundle" server 8192 $kernels/served.elf "role=server $words" backend=1
}
served served-reboots '' lives=4 lives=2
run served-reboots $GOOD '^domain 1 \(client\): restart 3' '^domain 2 \(client\): restart 1' '^verdict: success' \
    '^domain 3 \(server\): the server begins' '^domain 3 \(server\): no guest is left' '^domain 3 \(server\) powered off'
served served-crash '' 'lives=2 end=crash' lives=3
run served-crash $CRASHED '^domain 1 \(client\) crashed' '^domain 2 \(client\): restart 2' \
    '^(client: )?verdict: success' '^domain 3 \(server\) powered off'
served served-killed '' kill=1 again=1
run served-killed $GOOD '^domain 3 \(server\) crashed' '^domain 3 \(server\): restart 1' '^verdict: success' \
    '^(client: )?ok a new server knows nobody' '^domain 3 \(server\) powered off'
machine=(-machine microvm,ioapic2=on)
served served-microvm '' kill=1 again=1
run served-microvm $GOOD '^domain 3 \(server\) crashed' '^domain 3 \(server\): restart 1' '^verdict: success' \
    '^domain 3 \(server\) powered off'
machine=()
served served-kept keep=1 early=1
run served-kept $GOOD '^domain 2 \(server\): it maps 1 grants of domain 1 \(client\)' '^domain 2 \(server\): it is ended' \
    '^domain 2 \(server\): restart 1' '^domain 1 \(client\): the last of its frames has come back' \
    '^domain 1 \(client\): restart 1' '^verdict: success' '^domain 2 \(server\) powered off'
served served-late delay=3000 lives=1
run served-late $GOOD '^ok the back end is ready before its guest starts' '^verdict: success'
served served-idle idle=1 alone=1
run served-idle $GOOD '^domain 1 \(client\): it starts without test/7, which has not been looked at for 10 s' \
    '^verdict: success' '^domain 2 \(server\) powered off'
served served-gone crash=1 none=1
run served-gone $GOOD '^domain 2 \(server\): restart 8' '^domain 2 \(server\): it has ended too often' '^verdict: success'

# ---- Networks, with a card of the machine's: guests/tests/netfront.  One visitor tries each way to send to a mirror; then
# one that only wants to be left alone, beside hostile ones that reboot in the middle, by seed.  SEEDS="2 3 4" are others,
# UNTIL=60 is for longer.
card=52:54:00:12:34:56
net_guest() { # BUNDLE NUMBER INTERFACES NAME WORDS [SETTING...]: of a bundle whose back end has number 9
    local settings=() id
    for ((id = 0; id < $3; id++)); do
        settings+=("device=vif/$id 9" "front=handle $id" "front=mac 02:00:00:00:0$2:0$id" "back=bridge lan" "back=uplink $card")
    done
    guest "$1" "$4" 8192 $kernels/netfront.elf "$5" "${settings[@]}" "${@:6}"
}
net_run() { # BUNDLE EXPECTED...: the back end, with its card, and the run
    local bundle=$work/$1
    machine=(-machine q35 -netdev user,id=n -device "virtio-net-pci,netdev=n,mac=$card")
    guest "$1" backend 32768 build/backend/backend.elf '' backend=1 pci=1af4
    if [ -d "$bundle" ]; then mv "$bundle/$(find "$bundle" -mindepth 1 -maxdepth 1 | wc -l)" "$bundle/9"; fi
    run "$1" $GOOD "${@:2}" '^domain 9 \(backend\) powered off'
    machine=()
}
net_guest net-pair 1 1 visitor 'role=2 mirror=2'
net_guest net-pair 2 2 mirror role=1
net_run net-pair '^ok which has got one on its way' '^ok it comes in segments' '^verdict: success' '^mirror: verdict: success'
for seed in ${SEEDS:-1}; do
    hostile="role=4 mirror=2 bystander=1 until=${UNTIL:-3}"
    net_guest "net-hostile-$seed" 1 1 bystander 'role=3 mirror=2 hostile=2'
    net_guest "net-hostile-$seed" 2 2 mirror role=1
    net_guest "net-hostile-$seed" 3 1 hostile "$hostile seed=$seed"
    net_guest "net-hostile-$seed" 4 1 other "$hostile seed=$((seed + 1000))"
    net_run "net-hostile-$seed" '^ok each frame has come back' '^(mirror: )?verdict: success' \
        '^domain 3 \(hostile\): restart' '^(hostile: )?ok the bystander hears' '^(other: )?ok the bystander hears'
done

# ---- One of a size reboots all the time; others do not feel it, whether they use the processor or sleep: guests/tests/gap.
# Not audited: a recount lets nobody else run.
words=
for spin in 0 1; do
    guest rebuilt-$spin reboots 131072 $kernels/ending.elf how=again
    guest rebuilt-$spin other 8192 $kernels/gap.elf spin=$spin
    run rebuilt-$spin $GOOD '^domain 1 \(reboots\): restart 3' '^(other: )?ok no longer than a turn' '^domain 2 \(other\) powered off'
done
words=audit

# ---- Disks that are used all the time: by guests that reboot with requests in flight, and while the back end dies with
# them: guests/tests/blkfront, tests/backend/dying.  It dies by requests, not by time, which passes as the host's disk
# answers: three times at least, and less often than a back end may, whether the guests are at it together or in turn.
# Where the ring outlives it, the guest sees nothing of that, until the back end has died too often.
lasting=()
disk_run() { # BUNDLE GUESTS WORDS BACK-END-KERNEL BACK-END-WORDS EXPECTED...
    local name=$1 number
    machine=(-machine q35)
    for ((number = 1; number <= $2; number++)); do
        truncate -s 8M "$work/$name.$number"
        machine+=(-drive "if=none,id=disk$number,file=$work/$name.$number,format=raw"
            -device "virtio-blk-pci,drive=disk$number,serial=disk$number")
        guest "$name" "disk$number" 8192 $kernels/blkfront.elf "$3" "device=vbd/51712 $(($2 + 1))" \
            'front=virtual-device 51712' "back=params disk$number" 'back=mode w' ${lasting[@]+"${lasting[@]}"}
    done
    guest "$name" backend 32768 "$4" "$5" backend=1 pci=1af4
    run "$name" $GOOD "${@:6}" '^domain [0-9]+ \(backend\) powered off'
    machine=()
}
machine=(-machine q35)
for number in 1 2 3; do
    truncate -s 64M "$work/disk-hostile.$number"
    machine+=(-drive "if=none,id=disk$number,file=$work/disk-hostile.$number,format=raw"
        -device "virtio-blk-pci,drive=disk$number,serial=disk$number")
done
guest disk-hostile steady 8192 $kernels/blkfront.elf steady=400 'device=vbd/51712 3' 'front=virtual-device 51712' \
    'back=params disk1' 'back=mode w'
guest disk-hostile hostile 8192 $kernels/blkfront.elf seed=2 'device=vbd/51712 3' 'front=virtual-device 51712' \
    'back=params disk2' 'back=mode w' 'device=vbd/51728 3' 'front=virtual-device 51728' 'back=params disk3' 'back=mode r'
guest disk-hostile backend 32768 build/backend/backend.elf '' backend=1 pci=1af4
run disk-hostile $GOOD '^(hostile: )?ok a ring that cannot be' '^ok and is there at the end' '^(hostile: )?verdict: success' \
    '^verdict: success' '^domain 2 \(hostile\) powered off'
disk_run disk-reboots 2 'steady=40 lives=4' build/backend/backend.elf '' '^domain 1 \(disk1\): restart 3' \
    '^domain 2 \(disk2\): restart 3' '^(disk1: )?ok and is there at the end' '^(disk2: )?ok and is there at the end' \
    '^domain 1 \(disk1\) powered off' '^domain 2 \(disk2\) powered off'
disk_run disk-dies 2 'steady=200 deaths=3' build/backend/tests/dying.elf die=200 \
    '^domain 3 \(backend\): panic: a planted fault' '^domain 3 \(backend\): restart 3' \
    '^(disk1: )?ok and is there at the end' '^(disk2: )?ok and is there at the end' \
    '^domain 1 \(disk1\) powered off' '^domain 2 \(disk2\) powered off'
lasting=('back=reattach 1')
disk_run disk-outlives 2 steady=200 build/backend/tests/dying.elf die=200 \
    '^domain 3 \(backend\): panic: a planted fault' '^domain 3 \(backend\): restart 3' \
    '^(disk1: )?ok and is there at the end' '^(disk2: )?ok and is there at the end' \
    '^(disk1: )?ok how often it has gone' '^(disk2: )?ok how often it has gone'
disk_run disk-given-up 1 'steady=1 lost=1' build/backend/tests/dying.elf die=1 '^domain 2 \(backend\): restart 9' \
    '^ok requests that are answered by errors' '^ok it is closed' '^ok and stays so' '^verdict: success'

# ---- Weights, by the guests' own measure (guests/tests/share), and one that sleeps and wakes meanwhile.
guest weights half 8192 $kernels/share.elf share=50 weight=512
guest weights quarter 8192 $kernels/share.elf share=25
guest weights other 8192 $kernels/share.elf share=25
guest weights sleeper 8192 $kernels/share.elf nap=1
run weights $GOOD '^([a-z]+: )?ok the share of its weight' '^([a-z]+: )?ok awake in time'

# ---- Events without end, from a peer in every rhythm: guests/tests/storm.
guest storm victim 8192 $kernels/storm.elf 'role=1 peer=2'
guest storm peer 8192 $kernels/storm.elf 'role=2 peer=1'
run storm $GOOD '^verdict: success' '^(peer: )?verdict: success'
# ---- What tests/several/scaling.sh measures on two processors works there, in turns: by itself in even slices, all in
# odd ones.
machine=(-smp 2) slices='from=2 slice=100 slices=4'
guest scaling first 32768 build/guests/scaling.elf "$slices"
guest scaling beside 32768 build/guests/scaling.elf "$slices beside=1"
guest scaling separate 32768 build/guests/scaling.elf "$slices" vcpus=2
guest scaling shared 32768 build/guests/scaling.elf "$slices shared=1" vcpus=2
run scaling $GOOD '^slice 2 [1-9]' '^beside: slice 2 0 ' '^beside: slice 3 [1-9]' '^separate: slice 2 [1-9]' \
    '^separate: slice 3 [1-9]' '^shared: slice 3 [1-9]' '^shared: verdict: success' '^domain 4 \(shared\) powered off'
machine=()

runs_end
