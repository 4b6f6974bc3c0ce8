# shellcheck shell=bash
# shellcheck disable=SC2154 # what tests/cli/run.sh has, which reads this file
# Disks, networks and directories: on the command line, as QEMU and the bundle are told of them, and their images.

cp "$good" "$work/lib/backend.elf"
disks=$work/disks
mkdir "$disks"
truncate -s 1M "$disks/a" "$disks/b" "$disks/c,d" "$disks/e:f"
# A qcow2 image: its version, where the name of another file would be, features.
qcow2() { # FILE VERSION BACKING FEATURES
    python3 -c 'import struct, sys
version, backing, features = map(int, sys.argv[2:])
start = struct.pack(">4sIQ56xQ", b"QFI\xfb", version, backing, features)
open(sys.argv[1], "wb").write(start.ljust(65536, b"\0"))' "$disks/$1" "${@:2}"
}
qcow2 v1 1 0 0 && qcow2 v2 2 0 4 && qcow2 v3 3 0 0 && qcow2 backed 3 512 0 && qcow2 external 3 0 4

# ---- Wrong use.
expect disk-of-initial 2 '^paravane run: --privileged: the initial domain has no xenstore' -- run --privileged --disk x "$good"
expect share-of-initial 2 '^paravane run: b: --privileged: the initial domain has no xenstore' -- \
    run --guest a "$good" --guest b --privileged --share / "$good"
expect net-of-initial 2 '^paravane run: b: --privileged: the initial domain has no xenstore' -- \
    run --guest a "$good" --guest b --privileged --net none "$good"
expect disk-empty-name 2 '--disk: the name of the image is empty' -- run --disk '' "$good"
expect disk-bad-word 2 '--disk x: rw: not one of ro, format=FORMAT' -- run --disk x,rw "$good"
expect disk-bad-format 2 'format=iso: not one of raw, qcow2' -- run --disk x,format=iso "$good"
expect disk-bad-place 2 "as=vda: not a disk's name such as xvda" -- run --disk x,as=vda "$good"
expect disk-same-place 2 'x and y are both xvdb: give one another name' -- run --disk x,as=xvdb --disk y,as=xvdb "$good"
seventeen=() && for i in {1..17}; do seventeen+=(--disk "x$i"); done
expect disk-seventeen 2 '--disk x17: one too many; a guest has at most 16' -- run "${seventeen[@]}" "$good"
expect disk-no-slots 2 '32 disks, directories and network cards: the machine has room for 28' -- \
    run --demo --guest a "${seventeen[@]:0:32}" --guest b "${seventeen[@]:0:32}"
expect net-bad-way 2 '--net bridge: not one of user, tap, none' -- run --net bridge "$good"
expect net-bad-mac 2 'mac=01:16:3e:00:00:01: not an address of one card' -- run --net user,mac=01:16:3e:00:00:01 "$good"
expect net-short-mac 2 'mac=00:16:3e:00:00:0: not an address' -- run --net user,mac=00:16:3e:00:00:0 "$good"
expect net-bad-bridge 2 'bridge=a b: a name has 1 to 31' -- run --net 'user,bridge=a b' "$good"
expect net-bad-forward 2 'hostfwd=2222: say tcp:ADDRESS' -- run --net user,hostfwd=2222 "$good"
expect net-forward-comma 2 'hostfwd=tcp::1-:2,smb=/etc: say tcp:ADDRESS' -- run --net user,hostfwd=tcp::1-:2,,smb=/etc "$good"
expect net-ifname-comma 2 'ifname=t0,script=/x: not one of mac=MAC' -- run --net tap,ifname=t0,,script=/x "$good"
expect net-forward-of-tap 2 'hostfwd=tcp::1-:2: not one of mac=MAC' -- run --net tap,hostfwd=tcp::1-:2 "$good"
expect net-ifname-of-user 2 'ifname=tap0: not one of mac=MAC' -- run --net user,ifname=tap0 "$good"
expect net-same-mac 2 'mac=00:16:3e:00:00:01 is the address of two cards' -- \
    run --net user,mac=00:16:3e:00:00:01 --demo --guest a --guest b
expect net-two-ways 2 'the network lan is said to be two things' -- \
    run --demo --guest a --net user,bridge=lan --guest b --net none,bridge=lan
expect net-two-taps 2 'the network lan is said to be two things' -- \
    run --demo --guest a --net tap,ifname=t0,bridge=lan --guest b --net tap,ifname=t1,bridge=lan
expect disk-no-places 2 '25 disks, directories and network cards: the machine has room for 24' -- \
    run --machine microvm --demo --guest a --net user "${seventeen[@]:0:24}" --guest b "${seventeen[@]:0:24}"
expect snapshot-inside-guest 2 '--snapshot is about the whole run' -- run --guest a "$good" --snapshot

expect share-empty-name 2 '--share: the name of the directory is empty' -- run --share '' "$good"
expect share-bad-word 2 '--share x: rw: not one of ro, tag=NAME' -- run --share x,rw "$good"
expect share-bad-tag 2 'tag=a b: a name has 1 to 31' -- run --share 'x,tag=a b' "$good"
expect share-long-tag 2 'tag=x{32}: a name has 1 to 31' -- run --share "x,tag=$(printf 'x%.0s' {1..32})" "$good"
expect share-no-tag 2 'tag=: a name has 1 to 31' -- run --share x,tag= "$good"
expect share-same-tag 2 'x and y are both t: give one another name' -- run --share x,tag=t --share y,tag=t "$good"
expect share-seventeen 2 '--share z: one too many; a guest has at most 16' -- run "${seventeen[@]:0:32}" --share z "$good"
expect share-no-slots 2 '30 disks, directories and network cards: the machine has room for 28' -- \
    run --demo --guest a "${seventeen[@]:0:30}" --guest b "${seventeen[@]:0:28}" --share z

# ---- Images and directories.
never='error=QEMU_must_not_be_started'
image() { # NAME STATUS TEXT... -- ARGUMENT...
    with "$never" expect "image-$1" "$2" '!QEMU must not be' "${@:3}" "$good"
}
image missing 2 "$disks/x: cannot be opened for writing: No such file" -- run --disk "$disks/x"
image directory 2 'opened for writing: a directory, where an image is wanted' -- run --disk "$disks"
image directory-ro 2 'neither a file nor a block device' -- run --cdrom "$disks"
image null 2 'neither a file nor a block device' -- run --disk /dev/null
: >"$disks/empty"
image empty 2 'empty: empty; .truncate' -- run --disk "$disks/empty"
image backed 2 'a qcow2 image that stands on another file; if it is meant to, say format=qcow2' -- run --disk "$disks/backed"
image external 2 'stands on another file' -- run --cdrom "$disks/external"
image shared 2 'disks/a is a disk of one, xvda, and of two, xvdb, and one that is written cannot be shared' -- \
    run --guest one --disk "$disks/a" "$good" --guest two --disk "$disks/b" --disk "$disks/../disks/a,ro"
image twice 2 'disks/a is a disk of the guest, xvda, and of the guest, xvdb' -- run --disk "$disks/a,ro" --disk "$disks/a"
image no-room 2 '--console: .*/disks/a is a kernel, ramdisk or disk of this run' -- \
    run --console "g=$disks/a" --guest g --disk "$disks/a"
image share-missing 2 "--share $disks/x: No such file" -- run --share "$disks/x"
image share-file 2 '/disks/a: not a directory; a file of its own is a --disk' -- run --share "$disks/a"
if [ "$(id -u)" -eq 0 ]; then # others may not write there
    image share-attributes 2 '--share /proc: its file system has no user attributes, .*; take one elsewhere, .* say ro' -- run --share /proc
    arguments share-no-attributes '^local,id=share-1-0,path=/proc,.*readonly=on' -- --share /proc,ro "$good"
fi
mv "$work/lib/backend.elf" "$work/backend.elf"
image no-backend 1 'backend.elf: not there' -- run --disk "$disks/a"
mv "$work/backend.elf" "$work/lib/backend.elf"
PARAVANE_GRUB=/nowhere/grub with "$never" expect grub-missing 1 '/nowhere/grub: not there .*grub-xen-host' '!must not be' -- \
    run --disk "$disks/a"

# Locks as QEMU takes them: of who writes, of who only reads.
locked() { # NAME BYTES STATUS TEXT... -- ARGUMENT...
    local name=$1 bytes=$2 texts=()
    [[ image-$name =~ $pattern ]] || return 0
    shift 2
    python3 tests/cli/lock "$disks/a" "$bytes" "$work/is-locked" &
    local locker=$!
    until [ -e "$work/is-locked" ] || ! is_alive $locker; do sleep 0.1; done
    with '' expect "image-$name" "$@" "$good"
    kill $locker
    wait $locker 2>/dev/null
    rm -f "$work/is-locked"
}
locked in-use '100 101 201' 2 'in use by another QEMU; end that, or give' '!both can read' -- run --disk "$disks/a"
locked in-use-ro '100 101 201' 2 'in use by another QEMU' -- run --disk "$disks/a,ro"
locked in-use-by-reader '100 201' 2 'in use by another QEMU.* both can read it: say ro, or --snapshot' -- run --disk "$disks/a"
locked beside-reader '100 201' 0 'powered off' -- run --disk "$disks/a,ro"

# ---- What QEMU is told.
arguments qemu-no-devices '!-drive' '!-netdev' -- "$good"
arguments qemu-disk "^if=none,id=vbd-1-51712,file=$disks/a,format=raw,cache=writeback,discard=unmap\$" \
    '^virtio-blk-pci,drive=vbd-1-51712,serial=vbd-1-51712,werror=report,rerror=report$' '^56[0-9]M$|^57[0-9]M$' -- \
    --disk "$disks/a" "$good"
arguments qemu-disks "id=vbd-1-51728,file=$disks/a,.*,readonly=on\$" "id=vbd-1-768,file=$disks/c,,d,format=vpc,.*unmap\$" \
    "id=vbd-1-51712,file=$disks/b,.*,discard=ignore,readonly=on\$" -- \
    --disk "$disks/a,ro,as=xvdb" --disk "$disks/c,,d,as=hda,format=vhd" --cdrom "$disks/b" "$good"
cd "$disks" || exit
arguments qemu-relative 'file=./e:f,format=raw,' -- --disk e:f "$good"
cd - >/dev/null || exit
arguments qemu-snapshot "file=$disks/a,.*,snapshot=on\$" "file=$disks/b,.*readonly=on\$" -- \
    --snapshot --disk "$disks/a" --disk "$disks/b,ro" "$good"
arguments qemu-snapshot-shared 'id=vbd-1-51712,' 'id=vbd-2-51712,' -- --snapshot --disk "$disks/a" --demo --guest a --guest b
for format in v1=raw v2=qcow2 v3=qcow2 a=raw; do
    arguments "qemu-format-${format%=*}" "file=$disks/${format%=*},format=${format#*=}," -- --disk "$disks/${format%=*}" "$good"
done
arguments qemu-format-said 'backed,format=qcow2' '!by its looks' -- --disk "$disks/backed,format=qcow2" "$good"
arguments qemu-format-raw 'v3,format=raw' 'v3: a qcow2 image by its looks, but taken as raw' -- --disk "$disks/v3,format=raw" "$good"
arguments qemu-net '^user,id=net0,hostfwd=tcp::2222-:22,hostfwd=udp::1-:2$' \
    '^virtio-net-pci,netdev=net0,mac=52:54:00:[0-9a-f:]{8},romfile=$' -- \
    --net user,hostfwd=tcp::2222-:22,hostfwd=udp::1-:2 "$good"
arguments qemu-microvm '^microvm,ioapic2=on$' '^virtio-mmio.force-legacy=false$' \
    '^virtio-blk-device,drive=vbd-1-51712,serial=vbd-1-51712,werror=report,rerror=report$' \
    '^virtio-net-device,netdev=net0,mac=52:54:00:[0-9a-f:]{8}$' '!virtio-[a-z]*-pci' -- \
    --machine microvm --disk "$disks/a" --net user "$good"
arguments qemu-microvm-alone '!virtio-mmio' -- --machine microvm "$good"
arguments qemu-net-tap '^tap,id=net0,ifname=t0,script=no,downscript=no$' -- --net tap,ifname=t0 "$good"
arguments qemu-net-none '!-netdev' '!virtio-net' -- --net none "$good"
arguments qemu-processors-of-devices "${here[@]}" -- --net user "$good"
with "keep=$work log=record_at_nonsense" expect record-devices 1 'nothing was recorded' -- \
    run --record "$work/recording" --net user "$good"
if [[ record-devices-processor =~ $pattern ]]; then
    ! grep -qx -e '-smp' "$work/arguments"
    judge record-devices-processor $? 0
fi
arguments qemu-net-shared '^user,id=net0$' '!id=net1' -- --net user --demo --guest a --guest b
arguments qemu-net-own '^user,id=net0$' '^user,id=net1$' -- --demo --guest a --net user --guest b --net user
arguments qemu-net-joined '^user,id=net0,hostfwd=tcp::1-:2,hostfwd=tcp::3-:4$' '!id=net1' -- --demo \
    --guest a --net user,bridge=lan,hostfwd=tcp::1-:2 --guest b --net user,bridge=lan,hostfwd=tcp::3-:4
mkdir "$disks/f,g"
arguments qemu-share "^local,id=share-1-0,path=$disks,security_model=mapped-xattr,multidevs=remap\$" \
    "^local,id=share-1-1,path=$disks/f,,g,security_model=mapped-xattr,multidevs=remap,readonly=on\$" \
    '^virtio-9p-pci,fsdev=share-1-0,mount_tag=share-1-0$' '^virtio-9p-pci,fsdev=share-1-1,mount_tag=share-1-1$' -- \
    --share "$disks" --share "$disks/f,,g,ro" "$good"
arguments qemu-share-of-two 'id=share-1-0,' 'id=share-2-0,' -- --share "$disks" --demo --guest a --guest b

# ---- What the bundle says.
bundle() { # NAME TEXT... -- ARGUMENT...: each TEXT in the settings, as one line
    local name=$1 texts=()
    [[ bundle-$name =~ $pattern ]] || return 0
    shift
    while [ "$1" != -- ]; do texts+=("$1"); shift; done
    arguments "bundle-$name" "$@"
    tr '\0' '\n' <"$work/kept/bundle" | grep -aE '^[a-z_-]+=' | paste -sd ' ' >"$work/out"
    judge "bundle-$name-settings" 0 0 "${texts[@]}"
}
bundle microvm 'name=backend .* backend=1 virtio-mmio=feb00,3,18 mmio=0xfeb00000 mmio_count=24 mmio_line=24$' -- \
    --machine microvm --disk "$disks/a" "$good"
bundle disk 'name=good .*device=vbd/51712 2 front=virtual-device 51712 front=device-type disk back=params vbd-1-51712 back=mode w back=dev xvda back=type file back=removable 0 back=discard-enable 1 back=reattach 1 name=backend memory=32768 vcpus=1 weight=512 .*backend=1 pci=1af4$' \
    -- --disk "$disks/a" "$good"
bundle cdrom 'device=vbd/2048 2 front=virtual-device 2048 front=device-type cdrom back=params vbd-1-2048 back=mode r back=dev sda back=type file back=removable 1 back=discard-enable 0 ' \
    -- --cdrom "$disks/a,as=sda" "$good"
bundle net 'name=a .*device=vif/0 3 front=handle 0 front=mac 00:16:3e:00:00:01 back=handle 0 back=mac 00:16:3e:00:00:01 back=bridge own0 back=uplink 52:54:00:[0-9a-f:]{8} back=reattach 1 name=b .*device=vif/0 3 front=handle 0 front=mac 00:16:3e:([0-9a-f:]{8}) back=handle 0 back=mac 00:16:3e:\1 back=bridge own1 back=reattach 1 name=backend' \
    -- --demo --guest a --net user,mac=00:16:3e:00:00:01 --guest b --net none
bundle share 'name=a .*extent_order=6 device=9pfs/0 3 front=tag share back=params share-1-0 back=reattach 2 device=9pfs/1 3 front=tag share3 back=params share-1-1 back=reattach 2 device=9pfs/2 3 front=tag share2 .*name=b .*extent_order=6 device=9pfs/0 3 front=tag x back=params share-2-0 back=reattach 2 name=backend .*extent_order=6 ' \
    -- --demo --guest a --share "$disks" --share "$disks" --share "$disks,ro,tag=share2" --guest b --share "$disks,tag=x"
bundle no-devices '!device=' '!backend' '!extent_order' -- "$good"
# The address is the card's that QEMU makes, and the same in each run; no two cards of a run have the same.
if [[ mac-stays =~ $pattern ]]; then
    macs() {
        arguments mac-stays -- --net user --net none --demo --guest a --guest b >/dev/null
        grep -aoE '(front=mac|uplink) [0-9a-f:]{17}' "$work/kept/bundle" | sort
        sed -n 's/.*netdev=net0,mac=\([^,]*\),.*/uplink \1/p' "$work/kept/arguments"
    }
    macs >"$work/macs" && macs | diff "$work/macs" - >"$work/out"
    judge mac-stays $? 0
    [ "$(grep -c front "$work/macs")" -eq 4 ] && [ "$(grep front "$work/macs" | uniq | wc -l)" -eq 4 ]
    judge mac-differs $? 0
    [ "$(grep uplink "$work/macs" | sort -u | wc -l)" -eq 1 ]
    judge mac-of-card $? 0
fi

# ---- Memory that nobody has: QEMU is not asked for it.  A kernel for that much is said to be there.
with "$never" expect memory-not-there 1 'MiB are more than a program can have here, of the .* MiB .*--memory' '!must not be' -- \
    run --memory 1000G "$good"
with '' expect memory-overruled 0 'powered off' -- run --memory 1000G --qemu-arg -m --qemu-arg 64M "$good"

# ---- The end.  The back end's domain ends after the guest's, and its line is not the guest's end.
with 'log=domain_1_(good)_powered_off log=domain_2_(backend)_powered_off' expect ends-before-backend 0 \
    '^paravane: domain 1 .good. powered off$' '!backend' -- run "$good"
with 'log=domain_2_(backend):_built,_and_so_on sleep=inf' expect timeout-building-after-backend 124 \
    'the guest was still being built' -- run --timeout 3 "$good"

# ---- QEMU itself: as many devices as are said to fit; and a kernel that GRUB finds on a disk, read by way of the back end.
if [ -e build/hv/paravane.elf ] && [ -e build/backend/backend.elf ] && command -v qemu-system-x86_64 >/dev/null; then
    full=(--guest a --net user --share "$disks") && for i in {1..12}; do full+=(--cdrom "$disks/a"); done
    full+=(--guest b) && for i in {1..14}; do full+=(--cdrom "$disks/b"); done
    for machine in pc q35; do
        expect "real-slots-$machine" 124 'out of time' '!qemu: ' -- \
            run --machine $machine --timeout 1 --memory 16M --qemu-arg -S "$good" "${full[@]}"
    done
    # A kernel that the GRUB of that format finds on a disk by a menu, read by way of the back end.  Status: is there the
    # disk?
    real_disk() { # NAME FORMAT KERNEL [MENU TEXT]
        grub=build/grub/grub-$2.bin
        [ -r $grub ] && [ -n "$mke2fs" ] && [ -e "$3" ] || { skip "$1" "no $grub, no mke2fs, or no $3"; return 1; }
        local menu=${4:-boot/grub/grub.cfg} text=${5:-'echo GRUB is here\nlinux /kernel.elf\nboot\n'}
        rm -rf "$work/root" "$disks/$1.img"
        mkdir -p "$work/root/$(dirname "$menu")"
        cp "$3" "$work/root/kernel.elf"
        printf "$text" >"$work/root/$menu"
        truncate -s 16M "$disks/$1.img" && "$mke2fs" -q -F -t ext4 -d "$work/root" "$disks/$1.img"
        PARAVANE_GRUB=$grub expect "$1" 0 "Reading .*$menu" 'demo: all [0-9]+ steps passed' \
            "paravane: domain 1 .$1.img. powered off" -- run --timeout "$limit" --memory 64M --disk "$disks/$1.img"
        return 0
    }
    mke2fs=$(PATH=$PATH:/usr/sbin:/sbin command -v mke2fs)
    if real_disk real-disk-32 i386-xen build/guests32/demo.elf; then
        cat >"$disks/pvgrub32.cfg" <<<"memory = 64; disk = [ '$disks/real-disk-32.img,raw,xvda,w' ]; firmware = 'pvgrub32'"
        PARAVANE_GRUB=/nowhere PARAVANE_GRUB32=$grub expect real-pvgrub32 0 'GRUB is here' 'demo: all [0-9]+ steps passed' \
            -- run --timeout "$limit" "$disks/pvgrub32.cfg"
    fi
    old='default 0\ntimeout 0\ntitle Kernel\nroot (hd0)\nkernel /kernel.elf console=hvc0\n'
    real_disk real-disk-menu-lst x86_64-xen build/guests/demo.elf boot/grub/menu.lst "$old"
    real_disk real-disk-grub-conf x86_64-xen build/guests/demo.elf grub/grub.conf "$old"
    real_disk real-disk-grub2 x86_64-xen build/guests/demo.elf grub2/grub.cfg
    if real_disk real-disk x86_64-xen build/guests/demo.elf; then
        if command -v qemu-img >/dev/null; then
            qemu-img convert -O qcow2 "$disks/real-disk.img" "$disks/grub.qcow2"
            PARAVANE_GRUB=$grub expect real-disk-qcow2 0 'demo: all [0-9]+ steps passed' -- \
                run --timeout "$limit" --memory 64M --machine q35 --snapshot --disk "$disks/grub.qcow2"
        else
            skip real-disk-qcow2 'no qemu-img'
        fi
    fi
else
    skip real-devices 'no image, no back end, or no QEMU'
fi

# ---- What a guest wrote and never flushed is in the image when the run is over: of a raw one the host has it at once, of
# a qcow2 one QEMU still has to write down where it is (guests/tests/blkfront/steady.c).
blkfront=build/guests/tests/blkfront.elf
if ! [ -e build/hv/paravane.elf ] || ! [ -e build/backend/backend.elf ] || ! [ -e $blkfront ] ||
    ! command -v qemu-system-x86_64 >/dev/null || ! command -v qemu-img >/dev/null; then
    skip disk-unflushed 'no image, no guest or no QEMU'
elif [[ disk-unflushed =~ $pattern ]]; then
    for machine in pc q35 microvm; do
        rm -f "$work/kept.raw" "$work/kept.qcow2"
        truncate -s 8M "$work/kept.raw" && qemu-img create -q -f qcow2 "$work/kept.qcow2" 8M
        expect disk-unflushed-$machine 0 '^paravane: kept: powered off' '^paravane: noted: powered off' '!not ok' -- \
            run --machine $machine --timeout "$limit" --memory 16M --cmdline steady=9 --guest kept --disk "$work/kept.raw" $blkfront \
            --guest noted --disk "$work/kept.qcow2" $blkfront
        qemu-img compare -f raw -F qcow2 "$work/kept.raw" "$work/kept.qcow2" >"$work/out" 2>"$work/err"
        judge disk-unflushed-$machine-there $? 0 'Images are identical'
        qemu-img map --output=json "$work/kept.qcow2" | grep -c '"data": true' >"$work/out"
        judge disk-unflushed-$machine-written $? 0
    done
fi
