# shellcheck shell=bash
# shellcheck disable=SC2154 # what tests/cli/run.sh and tests/cli/devices.sh have, which are read before this file
# Configuration files, as `xl` reads them.

configs=$work/configs
mkdir "$configs"
config() { cat >"$configs/$1"; } # NAME: from stdin
grub=$work/lib/demo.elf
refused() { # NAME STATUS TEXT... -- ARGUMENT...: before QEMU is started
    PARAVANE_GRUB=$grub with "$never" expect "config-$1" "$2" '!QEMU must not be' "${@:3}"
}
taken() { # NAME TEXT... -- ARGUMENT...: each TEXT in the settings, as one line
    PARAVANE_GRUB=$grub bundle "config-$1" "${@:2}"
}

config all.cfg <<END
# A file as people have it.
name = "web server"
type = "pv"
kernel = '$good'
ramdisk = "$work/text"
root = "/dev/xvda1 ro"
extra = "console=hvc0"
memory = 256; maxmem = 0x200
vcpus = 2
cpus = "all,^1"
maxvcpus = 4
cpu_weight = "300"
uuid = "11111111-2222-3333-4444-AAAAAAAAAAAA"
on_reboot = "destroy"
on_crash = 'preserve'
disk = [ 'phy:$disks/a,xvda1,w', "$disks/v3,qcow2,hdc,r",
         'format=raw, vdev=sdb, access=ro, devtype=cdrom, target=$disks/c,d', ]
vif = [ 'mac=00:16:3e:00:00:01, bridge=br0, script=vif-bridge, rate=10Mb/s, mtu=1400', '' ]
vif += [ 'bridge=br0' ]
p9 = [ 'tag=share,security_model=none,path=$disks' ]
vfb = [ 'vnc=1' ]
END
taken all 'name=web_server memory=262144 vcpus=2 weight=300 .*on_reboot=destroy maxmem=524288 maxvcpus=4 cpus=0-0,2-63 .*uuid=11111111-2222-3333-4444-aaaaaaaaaaaa ' \
    'device=vbd/51713 2 .*type disk back=params vbd-1-51713 back=mode w back=dev xvda1 .*removable 0 back=discard-enable 1 back=reattach 1 device=vbd/5632 2 .*back=mode r back=dev hdc .*device=vbd/2064 2 front=virtual-device 2064 front=device-type cdrom .*back=mode r back=dev sdb .*removable 1' \
    'device=vif/0 2 .*mac 00:16:3e:00:00:01 front=mtu 1400 .*bridge br0 .*rate 62500,50000 back=reattach 1 device=vif/1 2 .*bridge xenbr0 .*device=vif/2 2 .*bridge br0 ' \
    'device=9pfs/0 2 front=tag share back=params share-1-0 back=reattach 2 ' -- "$configs/all.cfg"
arguments config-all-said "file=$disks/a,format=raw,.*unmap\$" "file=$disks/v3,format=qcow2,.*readonly=on" \
    "file=$disks/c,,d,format=raw,.*readonly=on" '^user,id=net0$' '^user,id=net1$' '!id=net2' \
    'on_crash = "preserve": a guest that crashes has ended here' \
    'all.cfg: without effect, or not yet: vfb$' \
    "^local,id=share-1-0,path=$disks," -- "$configs/all.cfg"
if [[ config-cmdline =~ $pattern ]]; then
    strings "$work/kept/bundle" >"$work/out"
    judge config-cmdline 0 0 '^root=/dev/xvda1 ro console=hvc0'
fi

# Parts of the machine.
config rights.cfg <<END
kernel = "$good"
iomem = [ 'fed00,1', '0xa0,0x20' ]
ioports = [ '3e8-3ef', '378' ]
irqs = [ 5, '17' ]
END
taken rights 'name=rights .*iomem=fed00,1 iomem=a0,20 ioports=3e8-3ef ioports=378-378 irq=5 irq=17$' '!without effect' -- "$configs/rights.cfg"
for wrong in "iomem=['fed00']" "iomem=['fed00,0']" "iomem=['fed00,1@0']" "iomem=['-1,1']" "iomem=[',1']" "iomem=['10000000001,1']" \
    "ioports=['3ef-3e8']" "ioports=['3e8-']" "ioports=['10000']" "ioports=['3e8-3ef ']" "irqs=[64]" "irqs=['a']" "irqs=['-5']"; do
    config wrong.cfg < <(printf 'kernel = "%s"\n%s\n' "$good" "$wrong")
    refused "rights-${wrong//[^a-z0-9]/-}" 2 "wrong.cfg: ${wrong%%=*}: .*: not " -- run "$configs/wrong.cfg"
done

# A key that is none is passed over, as by xl, but said if it looks like one; not in lists, texts and remarks.
config keys.cfg <<END
kernel = "$good" # kernal = 1
vcpu = 2; memmory = 64
ramdsik = 'a; kernal = 1'
boot = "cd"
vnclisten = [ 'a',
"kernal" ]
disks = [ 'a' ]
END
arguments config-keys 'keys.cfg: vcpu: .* is vcpus meant' 'keys.cfg: memmory: .* is memory meant' \
    'keys.cfg: ramdsik: .* is ramdisk meant' 'keys.cfg: disks: .*: is disk meant' '!: boot:' '!: vnclisten:' '!kernal' -- "$configs/keys.cfg"

# The command line says what a bridge is; what stands behind a file goes before what the file says, what stands before
# it is for what the file does not say.
config small.cfg <<END
kernel = "$good"
memory = 128
vif = [ 'bridge=lan' ]
END
config other.cfg <<<"kernel = \"$good\""
taken small 'name=small memory=131072 vcpus=1 weight=9 .*vif/0 2 .*bridge lan .*uplink' -- --memory 1G --weight 9 "$configs/small.cfg"
taken behind 'name=small memory=65536 ' -- "$configs/small.cfg" --memory 64M --timeout 9
taken given-name 'name=given memory=131072 ' -- --guest given "$configs/small.cfg"
taken two 'name=small .*name=other .*weight=7 .*name=backend' -- "$configs/small.cfg" "$configs/other.cfg" --weight 7
arguments config-tap '^tap,id=net0,ifname=t0,' '!id=net1' -- --net tap,ifname=t0,bridge=lan "$configs/small.cfg"
arguments config-user '^user,id=net0$' '^user,id=net1,hostfwd=tcp::1-:2$' '!id=net2' -- \
    --net user,bridge=other "$configs/small.cfg" --net user,bridge=lan,hostfwd=tcp::1-:2
config twice.cfg <<<"kernel = '$good'; vif = [ 'bridge=lan', 'bridge=lan' ]"
taken twice 'device=vif/0 2 .*bridge lan back=reattach 1 device=vif/1 2 .*bridge lan ' -- --net none,bridge=lan "$configs/twice.cfg"
sed 's/$/\r/' "$configs/small.cfg" >"$configs/dos.cfg"
taken carriage-returns 'name=dos memory=131072 ' -- "$configs/dos.cfg"
# By its contents, whatever it is called; a kernel is one under any name.
cp "$configs/other.cfg" "$configs/other" && cp "$good" "$configs/kernel.cfg"
taken no-suffix 'name=other ' -- "$configs/other"
taken kernel-suffix 'name=kernel.cfg ' -- "$configs/kernel.cfg"

# ---- From a disk.
config disk.cfg <<<"disk = [ '$disks/a,raw,xvda,w' ]"
config pygrub.cfg <<<"disk = [ '$disks/a,raw,xvda,w' ]; bootloader = '/usr/bin/pygrub'"
for file in disk pygrub; do
    PARAVANE_GRUB=$grub arguments config-$file "file=$disks/a,format=raw" -- "$configs/$file.cfg"
done
PARAVANE_GRUB=$grub arguments boots-from-disk "file=$disks/a,format=raw" -- --disk "$disks/a"
config pvgrub32.cfg <<<"disk = [ '$disks/a,raw,xvda,w' ]; firmware = 'pvgrub32'"
config pvgrub64.cfg <<<"disk = [ '$disks/a,raw,xvda,w' ]; firmware = 'pvgrub64'"
PARAVANE_GRUB=/nowhere PARAVANE_GRUB32=$grub arguments config-pvgrub32 "file=$disks/a,format=raw" -- "$configs/pvgrub32.cfg"
PARAVANE_GRUB32=/nowhere PARAVANE_GRUB=$grub arguments config-pvgrub64 "file=$disks/a,format=raw" -- "$configs/pvgrub64.cfg"
config lost.cfg <<<"disk = [ '$disks/a,raw,xvda,w' ]; kernel = '/usr/lib/xen-4.0/boot/pv-grub-x86_64.gz'"
PARAVANE_GRUB32=/nowhere PARAVANE_GRUB=$grub arguments config-lost-loader "file=$disks/a,format=raw" \
    "pv-grub-x86_64.gz\": it is not here; GRUB's PV image boots the disk" -- "$configs/lost.cfg"
sed 's/x86_64/x86_32/' "$configs/lost.cfg" >"$configs/lost32.cfg"
PARAVANE_GRUB=/nowhere PARAVANE_GRUB32=$grub arguments config-lost-loader32 "file=$disks/a,format=raw" -- "$configs/lost32.cfg"
PARAVANE_GRUB32=/nowhere refused no-grub32 1 '/nowhere: not there.*PARAVANE_GRUB32' -- run "$configs/pvgrub32.cfg"
grub=/nowhere refused no-grub 1 'apt install grub-xen-host' -- run "$configs/pygrub.cfg"

# ---- What is wrong, with the file and, where it is known, the line.
config syntax.cfg <<<$'memory = 5\nkernel = foo'
refused syntax 2 "syntax.cfg:2: config parsing error near .foo'" 'syntax.cfg: a line is NAME = VALUE, .* in quotes' -- \
    run "$configs/syntax.cfg"
config python.cfg <<<$'import os\nname = "web" + os.uname()[1]'
refused python 2 'python.cfg:1: .*syntax error' 'python.cfg: .*Python, as in files for xm, is not run' -- run "$configs/python.cfg"
config binary.cfg <<<$'memory = "\033[31m"'
refused control 2 'not a kernel' '!'$'\033' -- run "$configs/binary.cfg"
config list.cfg <<<$'\nkernel = [ "a" ]\nmemory = "lots"\nvif = "none"'
refused types 2 "list.cfg:2: .*kernel' is a list" "list.cfg:3: .*memory' is not a valid number" "list.cfg:4: .*vif' is a single value" -- \
    run "$configs/list.cfg"
config hvm.cfg <<<"type = 'hvm'; kernel = '$good'"
refused hvm 2 'type = "hvm": only PV guests run here.*say type = "pv" and bootloader = "pygrub"' -- run "$configs/hvm.cfg"
config old.cfg <<<"builder = 'hvm'; kernel = '/usr/lib/xen/boot/hvmloader'"
refused builder 2 'builder = "hvm": only PV guests run here.*say type = "pv" and bootloader = "pygrub"' -- run "$configs/old.cfg"
config lilo.cfg <<<"bootloader = 'lilo'"
refused bootloader 2 'bootloader = "lilo": pygrub and pvgrub are known' -- run "$configs/lilo.cfg"
config bios.cfg <<<"firmware = 'bios'"
refused firmware 2 'firmware = "bios": pvgrub64 and pvgrub32 are known' -- run "$configs/bios.cfg"
config bare.cfg <<<"bootloader = 'pygrub'"
refused no-disk 2 'bare: there is no disk to boot from' -- run "$configs/bare.cfg"
config nothing.cfg <<<'name = "x"'
refused nothing 2 'x: which kernel' -- run "$configs/nothing.cfg"
config devices.cfg <<<"kernel = '$good'
disk = [ '/a', '/b,raw,vda,w', '/c,iso,xvda,w' ]
vif = [ 'mac=1', 'bridge=a b', 'rate=fast', 'mtu=0', 'speed=9' ]"
refused devices 2 "disk specification: no vdev specified in ./a'" 'disk /b,raw,vda,w: vda: not a disk' "iso" 'mac=1: not an address' \
    'bridge=a b: a name has' 'fast' 'mtu=0: not a number' 'vif: speed: not a word' -- run "$configs/devices.cfg"
config shares.cfg <<<"kernel = '$good'
p9 = [ 'tag=a b,path=/srv', 'tag=x,security_model=none', 'path=/srv,security_model=mapped', 'path=/srv,ro' ]"
refused shares 2 'p9: tag=a b: a name has 1 to 31' 'p9 tag=x,.*: path is missing' 'security_model=mapped: say none' \
    'p9: ro: not a word' -- run "$configs/shares.cfg"
config numbers.cfg <<<"memory = 0; vcpus = 0; cpu_weight = 70000; uuid = '1'; kernel = '$good'"
refused numbers 2 'memory = 0: not a number from 1' 'vcpus = 0: not a number' 'cpu_weight = 70000: not a number from 1 to 65535' \
    'uuid = "1": not of the form' -- \
    run "$configs/numbers.cfg"
config less.cfg <<<"vcpus = 3; maxvcpus = 2; kernel = '$good'"
refused less 2 'maxvcpus = 2: less than vcpus = 3' -- run "$configs/less.cfg"
config long.cfg <<<"name = '$(printf '%032d' 0)'; kernel = '$good'"
refused long-name 2 'a name has 1 to 31' -- run "$configs/long.cfg"
refused same-name 2 'small: there are two of that name' -- run "$configs/small.cfg" "$configs/small.cfg"
refused two-of-one 2 'one kernel or configuration file at a time' -- run --guest a "$configs/small.cfg" "$configs/other.cfg"
config deep.cfg <<<"disk = [ [ 'a' ] ]; kernel = '$good'"
refused deep 2 'disk: item 1 is no string' -- run "$configs/deep.cfg"
