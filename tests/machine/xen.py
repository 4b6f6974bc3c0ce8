# The same machine under Debian's Xen: Debian's Linux as first domain serves its disks and its network to one guest.
#
# The packages are fetched by tools/fetch-first-domain; what the first domain does is linux/first-domain/init.
import os
import shutil
import subprocess

from machine import DEBIAN, MEMORY, native_network, qemu_command

XEN = "build/xen"
WHOLE = "1200M"  # of the machine: the guest's, the first domain's, and Xen's own
FIRST = "400M"  # of that the first domain's, whose ramdisk has the guest's kernel and ramdisk in it


def is_there():
    return os.path.exists(f"{XEN}/xen.elf") and os.path.exists(f"{XEN}/root/modules/bridge.ko")


def write_settings(path, start):
    disks = '"phy:/dev/vda,xvda,w", "phy:/dev/vdb,xvdb,w"'
    with open(path, "w", encoding="ascii") as file:
        file.write('name="guest"\ntype="pv"\nkernel="/vmlinuz"\nramdisk="/initrd.img"\n'
                   f'extra="console=hvc0 root=LABEL=paravane ro {start}"\nmemory={MEMORY[:-1]}\nvcpus=1\n'
                   f'disk=[{disks}]\nvif=["bridge=bridge0"]\n'
                   'on_crash="destroy"\non_poweroff="destroy"\non_reboot="destroy"\n')


def make_ramdisk(directory, start):
    """Of the first domain; its path."""
    root, ramdisk = os.path.join(directory, "first"), os.path.join(directory, "first.gz")
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(f"{XEN}/root", root, symlinks=True)
    shutil.copy("linux/first-domain/init", root)
    os.makedirs(f"{root}/etc/xen/scripts", exist_ok=True)
    for script in ("block", "vif-bridge"):
        shutil.copy(f"linux/first-domain/{script}", f"{root}/etc/xen/scripts")
    for file in ("vmlinuz", "initrd.img"):
        shutil.copy(f"{DEBIAN}/{file}", root)
    write_settings(f"{root}/guest.cfg", start)
    pack = "cpio --quiet -o -H newc -R 0:0" if shutil.which("cpio") else "bsdcpio --quiet -o -H newc -R 0:0"
    with open(ramdisk, "wb") as out:
        subprocess.run(f"find . | {pack} | gzip -1", cwd=root, shell=True, stdout=out, check=True)
    return os.path.abspath(ramdisk)


def command(disks, directory, start):
    """QEMU that starts it.  start: words for the guest's kernel; directory: where the ramdisk may be."""
    qemu = qemu_command(WHOLE, disks, native_network({})) + ["-no-reboot", "-kernel", f"{XEN}/xen.elf"]
    qemu += ["-append", f"com1=115200,8n1 console=com1 dom0_mem={FIRST} spec-ctrl=no xpti=no loglvl=warning"]
    return qemu + ["-initrd", f"{XEN}/vmlinuz console=hvc0 quiet,{make_ramdisk(directory, start)}"]
