#!/usr/bin/env -S python3 -B
# One row of what a machine with Debian's system on its disk must do.
#
# Usage: tests/machine/rows.py MODE ROW      the last line is "all is well", and the status 0
#   MODE   native (QEMU's virtio devices: the test proves itself) or paravane (a PV guest)
#   ROW    boot, fetch, login, kept, cut-raw, cut-qcow2, verify, exchange, replug; of a PV guest alone: mounted, dies,
#          given-up
# Environment: PARAVANE_SEED; PARAVANE_CUTS (of the power, for each format of a disk: 10), PARAVANE_FIO_SECONDS (120)
import contextlib
import functools
import hashlib
import http.server
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

sys.path.append(os.path.join(os.path.dirname(__file__), "../lib"))
import machine
import records
import shown
from machine import DEBIAN, Disk, Machine, Trouble, ssh

CUTS = int(os.environ.get("PARAVANE_CUTS", 10))  # of each format
PLUGS = 5
FIO_SECONDS = int(os.environ.get("PARAVANE_FIO_SECONDS", 120))


class Row:
    """What a row works with: disks of its own, which are copies."""

    def __init__(self, mode, directory):
        self.mode = mode
        self.directory = directory

    def path(self, name):
        return os.path.join(self.directory, name)

    def disk(self, kind="qcow2", name="disk"):
        """Debian's disk, as a file of that format."""
        path = self.path(f"{name}.{kind}")
        if kind == "raw":
            subprocess.run(["cp", "--sparse=always", f"{DEBIAN}/disk.img", path], check=True)
        else:
            backing = os.path.abspath(f"{DEBIAN}/disk.img")
            subprocess.run(["qemu-img", "create", "-q", "-f", kind, "-b", backing, "-F", "raw", path], check=True)
        return Disk(path, kind)

    def blank(self, kind, size):
        path = self.path(f"blank.{kind}")
        subprocess.run(["qemu-img", "create", "-q", "-f", kind, path, size], check=True)
        return Disk(path, kind)

    def start(self, *disks, **keys):
        return Machine(self.mode, list(disks), **keys)

    def device(self, letter):
        return f"/dev/{'vd' if self.mode == 'native' else 'xvd'}{letter}"


def want(what, good):
    if not good:
        raise Trouble(what)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# ---- From the boot loader to the login prompt; nothing has failed; and down again.


def check_shown(guest):
    """linux/README.md shows what comes."""
    (session,) = shown.sessions("linux/README.md", "make run-debian", "root@debian:~# ")
    for line, lines in session[:-1]:  # the last one is the end
        said = guest.run(line)
        want(f"linux/README.md does not show what {line} says: {said}", said.splitlines() == lines)


def boot(row):
    with row.start(row.disk()) as guest:
        said = guest.log_in()
        if row.mode == "paravane":
            want("GRUB has not said what it reads", b"grub.cfg" in said or b"GNU GRUB" in said)
        state = guest.run("systemctl is-system-running --wait || systemctl --failed --no-pager --no-legend --plain")
        want(f"the system is not well: {state}", state == "running")
        want("the root file system is elsewhere", guest.run("findmnt -n -o SOURCE /") == row.device("a1"))
        if row.mode == "paravane":
            check_shown(guest)
        guest.power_off()


# ---- HTTP, to the memory and to the disk.


@contextlib.contextmanager
def server(directory):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=directory)) as daemon:
        threading.Thread(target=daemon.serve_forever, daemon=True).start()
        yield daemon.server_address[1]
        daemon.shutdown()


def fetch(row):
    data = random.randbytes(64 << 20)
    digest = hashlib.sha256(data).hexdigest()
    os.mkdir(row.path("www"))
    with open(row.path("www/file"), "wb") as file:
        file.write(data)
    with server(row.path("www")) as port, row.start(row.disk()) as guest:
        guest.log_in()
        url = f"http://10.0.2.2:{port}/file"
        said = guest.run(f"set -o pipefail; wget -q -t 1 -O - {url} | sha256sum")
        want(f"what came has the wrong checksum: {said}", said.startswith(digest))
        said = guest.run(f"wget -q -t 1 -O f {url} && sync && echo 3 >/proc/sys/vm/drop_caches && sha256sum f")
        want(f"what is on the disk has the wrong checksum: {said}", said.startswith(digest))
        guest.power_off()


# ---- ssh through a forwarded port, with files both ways.


def login(row):
    port, data = free_port(), random.randbytes(4 << 20)
    with row.start(row.disk(), forwards={port: 22}) as guest:
        guest.log_in()
        want("who is that?", ssh(port, "hostname; whoami") == b"debian\nroot\n")
        ssh(port, "cat >file && sync", data)
        want("the file came back changed", ssh(port, "cat file") == data)
        guest.power_off()


# ---- Files are there after a reboot, and after a power-off.


def kept(row):
    disk = row.disk("raw")
    write = "head -c 3000000 /dev/urandom >{0} && sync && sha256sum {0}"
    with row.start(disk) as guest:
        guest.log_in()
        first = guest.run(write.format("before-reboot"))
        begun = guest.run("cat /proc/sys/kernel/random/boot_id")
        guest.reboot()
        guest.log_in()
        want("it has not been started again", guest.run("cat /proc/sys/kernel/random/boot_id") != begun)
        want("a file changed in a reboot", guest.run("sha256sum before-reboot") == first)
        second = guest.run(write.format("before-power-off"))
        guest.power_off()
    records.copy_partition(disk, row.path("seen"))
    records.check_file_system(row.path("seen"))
    with row.start(disk) as guest:
        guest.log_in()
        want("files changed", guest.run("sha256sum before-reboot before-power-off") == f"{first}\n{second}")
        guest.power_off()


# ---- The power is cut while records are written.


def look_at(row, disk, last):
    """At a copy: the disk itself is left as it was when the power failed."""
    image = row.path("seen")
    records.copy_partition(disk, image)
    records.check_file_system(image, cut=True)
    with tempfile.TemporaryDirectory(dir=row.directory) as directory:
        records.check_records(records.read_records(image, directory), last)


ACKNOWLEDGED = rb"acknowledged ([0-9]+)\.\r*\n"


def newest(said, last):
    return max([last] + [int(number) for number in re.findall(ACKNOWLEDGED, said)])


def disk_with_writer(row, kind):
    raw = row.disk("raw")
    records.put_writer(raw.path)
    if kind == "raw":
        return raw
    disk = Disk(row.path(f"cut.{kind}"), kind)
    records.tool("qemu-img", "convert", "-f", "raw", "-O", kind, raw.path, disk.path)
    return disk


def cut(row, kind):
    disk = disk_with_writer(row, kind)
    last = -1
    for number in range(1, CUTS + 1):
        patience = random.randrange(1, 60)
        with row.start(disk, start=f"rw quiet init=/writer -- {last + 1}") as guest:
            until = last + patience
            while last < until:
                last = newest(guest.wait_for(ACKNOWLEDGED), last)
            guest.listen(random.random() / 4)
            guest.cut()
            last = newest(guest.seen, last)
        look_at(row, disk, last)
        print(f"\ncut {number}: clean, with records 0 to {last}", flush=True)


# ---- fio writes and verifies, on a raw disk and on a qcow2 one at the same time.


def verify(row):
    with row.start(row.disk(), row.blank("raw", "256M"), row.blank("qcow2", "256M")) as guest:
        guest.log_in()
        common = f"--direct=1 --ioengine=libaio --iodepth=8 --rw=randwrite --bsrange=4k-64k --time_based " \
            f"--runtime={FIO_SECONDS} --verify=crc32c --verify_fatal=1 --verify_backlog=256 --minimal"
        guest.run(f"fio {common} --name=raw --filename={row.device('b')} --name=qcow2 --filename={row.device('c')}")
        guest.power_off()


# ---- Two guests exchange files.


def pair(row, port):
    """
    Two machines on one network; the forwarded port leads to the one whose address is 10.0.2.15.
    Of one run with both, the second one's lines go to a file: they could come in the middle of the first one's prompt.
    """
    disks = [row.disk(name="one"), row.disk(name="two")]
    if row.mode == "native":
        link = free_port()
        networks = [
            machine.native_network({port: 22}, f"listen=127.0.0.1:{link}"),
            machine.native_network({}, f"connect=127.0.0.1:{link}"),
        ]
        return [machine.native_command([disk], network, "") for disk, network in zip(disks, networks)]
    command = ["build/cli/paravane", "run", "--verbose", "--net", f"user,hostfwd=tcp:127.0.0.1:{port}-:22"]
    command += ["--console", f"two={row.path('two')}"]
    for name, disk in zip(("one", "two"), disks):
        command += ["--guest", name, "--memory", machine.MEMORY, *machine.paravane_disks([disk])]
    return [command]


def show(path):
    if os.path.exists(path):
        with open(path, "rb") as file:
            os.write(1, file.read())


BACKGROUND = "setsid sh -c '{}' >/dev/null 2>&1 </dev/null &"


def exchange(row):
    port = free_port()
    data = random.randbytes(16 << 20)
    with contextlib.ExitStack() as stack:
        stack.callback(show, row.path("two"))
        runs = []
        for command in pair(row, port):
            runs.append(stack.enter_context(Machine(row.mode, [], command=command)))
            runs[-1].log_in()
        ssh(port, "cat >given", data)
        ssh(port, "true", through="10.0.2.16")
        for through in (None, "10.0.2.16"):
            ssh(port, BACKGROUND.format("python3 -m http.server 8000"), through=through)
        get = "wget -q --retry-connrefused -O {} http://{}:8000/{}"
        ssh(port, get.format("taken", "10.0.2.15", "given"), through="10.0.2.16")
        ssh(port, get.format("back", "10.0.2.16", "taken"))
        want("the file came back changed", ssh(port, "sync; cat back") == data)
        for through in ("10.0.2.16", None):
            ssh(port, BACKGROUND.format("sleep 2; systemctl poweroff"), through=through)
        for run in runs:
            run.wait_end()


# ---- An interface is unplugged and plugged in again, and a disk unplugged, while both are at work: inside, by their
# drivers; and by whoever runs the machine.


def driver(row, kind):
    """Of disks or of networks, and which of its devices is the one that is unplugged: the last."""
    if row.mode == "native":
        path = f"/sys/bus/virtio/drivers/virtio_{'blk' if kind == 'vbd' else 'net'}"
        return path, f"$(ls -d {path}/virtio* | tail -n 1 | xargs basename)"
    return f"/sys/bus/xen/drivers/{kind}", "vif-0" if kind == "vif" else "vbd-51728"


def ask(guest, verb, device, name="disk.qcow2"):
    """Of the command, which is another one's run; name: the guest's there."""
    wait = ["--timeout", str(machine.LIMIT)] if verb == "unplug" else []
    command = ["build/cli/paravane", verb, "--run", str(guest.child), *wait, name, device]
    done = subprocess.run(command, capture_output=True, text=True, timeout=machine.LIMIT, check=False)
    want(f"{' '.join(command)}: {done.stderr}", done.returncode == 0)


def replug_interface(row, guest, get, by_command):
    """A connection may outlive the plug, so that it does not end the load."""
    path, name = driver(row, "vif")
    load = f"touch busy; (while test -e busy; do {get} g; done) >/dev/null 2>&1 & sleep 1"
    guest.run(f"until {get} f; do sleep 1; done; {load}")
    if by_command:
        ask(guest, "unplug", "vif0")
        ask(guest, "plug", "vif0")
    else:
        guest.run(f"d={name}; echo $d >{path}/unbind; echo $d >{path}/bind")
    guest.run("rm busy")


def unplug_disk(row, guest):
    path, name = driver(row, "vbd")
    fio = f"fio --name=load --filename={row.device('b')} --rw=randwrite --direct=1 --ioengine=libaio --iodepth=8"
    guest.run(f"d={name}; {fio} --time_based --runtime=1000000 >/dev/null 2>&1 & sleep 3")
    if row.mode == "paravane":
        ask(guest, "unplug", "xvdb")
    else:
        guest.run(f"echo $d >{path}/unbind")
    guest.run(f"wait; test ! -b {row.device('b')}; head -c 3000000 /dev/urandom >f && sync")


def replug(row):
    data = random.randbytes(4 << 20)
    digest = hashlib.sha256(data).hexdigest()
    os.mkdir(row.path("www"))
    with open(row.path("www/file"), "wb") as file:
        file.write(data)
    with server(row.path("www")) as port, row.start(row.disk(), row.blank("raw", "64M")) as guest:
        guest.log_in()
        get = f"wget -q -t 1 -T 30 http://10.0.2.2:{port}/file -O"
        for number in range(PLUGS):
            replug_interface(row, guest, get, row.mode == "paravane" and number % 2 == 0)
            said = guest.run(f"wait; until {get} f; do sleep 1; done; sha256sum f")
            want(f"what came has the wrong checksum: {said}", digest in said)
        unplug_disk(row, guest)
        guest.power_off()


# ---- A disk is unplugged with its file system mounted and written to, and plugged in again.

LINUX = "build/linux/amd64"


def start_small(row, *more, shared=None, **keys):
    """Linux with a shell in its ramdisk, and a disk with a file system, which it mounts on /disk; shared: a directory."""
    disk = Disk(row.path("mounted"), "raw")
    records.tool("mke2fs", "-q", "-t", "ext4", disk.path, "48M")
    command = ["build/cli/paravane", "run", "--verbose", "--memory", "256M", *machine.paravane_disks([disk, *more])]
    command += ["--net", "user", "--ramdisk", f"{LINUX}/ramdisk.img", "--cmdline", "console=hvc0"]
    command += ["--share", shared] if shared else []
    return row.start(command=command + [f"{LINUX}/vmlinuz"], **keys)


def use_small(guest):
    """A file, and a load that ends with the first error."""
    guest.wait_for(rb"~ # ")
    guest.say("stty -echo; dmesg -n 1; PS1=")
    guest.run("mount | grep /disk; echo first >/disk/file; sync")
    guest.run("(while dd if=/dev/zero of=/disk/load bs=4k count=64 conv=fsync; do :; done) >/dev/null 2>&1 & sleep 1")


def mounted(row):
    with start_small(row) as guest:
        use_small(guest)
        ask(guest, "unplug", "xvda", "vmlinuz")
        guest.run("wait; umount /disk; test ! -b /dev/xvda")
        ask(guest, "plug", "xvda", "vmlinuz")
        guest.run("until test -b /dev/xvda; do sleep 1; done; mount -t ext4 /dev/xvda /disk && grep first /disk/file")
        guest.run("echo second >/disk/file && sync")
        guest.say("poweroff")
        guest.wait_end()


# ---- The domain that serves the disks dies, with requests of a file system under way: tests/backend/dying.


def with_dying(row):
    """For the command: its parts, with a back end that dies at a word."""
    library = row.path("lib")
    os.mkdir(library)
    for name, path in (("paravane", "hv/paravane"), ("backend", "backend/tests/dying"), ("demo", "guests/demo")):
        os.symlink(os.path.abspath(f"build/{path}.elf"), f"{library}/{name}.elf")
    os.symlink(os.path.abspath("build/grub/grub-x86_64-xen.bin"), f"{library}/grub-x86_64-xen.bin")
    return {"PARAVANE_LIB": library}


def word(sector, device):
    """The device has 64 MiB; that it is zeros that are written does not matter."""
    return f"dd if=/dev/zero of={device} bs=4k count=1 seek={sector // 8} conv=notrunc,fsync 2>/dev/null"


def dies(row):
    """Nothing is to be seen of it: files, connections and the interface's address are there."""
    data = random.randbytes(4 << 20)
    digest = hashlib.sha256(data).hexdigest()
    os.mkdir(row.path("www"))
    with open(row.path("www/file"), "wb") as file:
        file.write(data)
    with server(row.path("www")) as port:
        with row.start(row.disk(), row.blank("raw", "64M"), environment=with_dying(row)) as guest:
            guest.log_in()
            get = f"wget -q -t 1 -T 600 http://10.0.2.2:{port}/file -O -"
            show = "ip -o -4 address show scope global | awk '{ print $4 }'"
            address = guest.run(show)
            for number in range(1, 4):
                write = "rm -f f; dd if=/dev/urandom bs=4k count=2000 2>/dev/null | tee f | sha256sum"
                said = guest.run(f"{get} | sha256sum >g & {word(8480, row.device('b'))} && {write} && sync; wait")
                want(f"the back end has not died: {said}", f"(backend): restart {number}" in said)
                said = re.search("[0-9a-f]{64}", said)[0]
                kept = guest.run("echo 3 >/proc/sys/vm/drop_caches; cat g; sha256sum f")
                want(f"what came, or what is on the disk, is wrong: {kept}", digest in kept and said in kept)
            want("the address is another", guest.run(show) == address)
            want("the kernel complains", not guest.run("dmesg | grep -iE 'I/O error|hung|blocked for' || true"))
            guest.power_off()


LOAD_9P = "for m in netfs fscache 9pnet 9pnet_xen 9p; do insmod /modules/9p/$m.ko || exit; done; mkdir /share"
MOUNT_9P = "mount -t 9p -o trans=xen share /share"


def write_shared(row, name, text="of the host\n"):
    with open(row.path(f"shared/{name}"), "w", encoding="ascii") as file:
        file.write(text)


def share_dies(row):
    """A mounted directory goes on: what is open stays so, unless it is not there any more."""
    os.makedirs(row.path("shared/in"))
    write_shared(row, "in/file", "one\ntwo\nthree\nfour\n")
    with start_small(row, row.blank("raw", "64M"), shared=row.path("shared"), environment=with_dying(row)) as guest:
        use_small(guest)
        guest.run(f"{LOAD_9P} && {MOUNT_9P} && cd /share/in && exec 4<file 5>made && read line <&4 && echo begun >&5")
        for number, word_read in enumerate(("two", "three", "four"), 1):
            write_shared(row, f"gone{number}")
            guest.run(f"exec 6</share/gone{number}")
            os.remove(row.path(f"shared/gone{number}"))
            said = guest.run(f"{word(8480, '/dev/xvdb')}; for i in $(seq 100); do echo $i >/disk/more; sync; "
                             "cat /share/in/file >/dev/null 2>&1; done")
            want(f"the back end has not died: {said}", f"(backend): restart {number}" in said)
            said = guest.run(f"read line <&4 && echo $line && echo {number} >&5 && cat made && ls && echo {number} >/share/new")
            wanted = f"{word_read} begun {' '.join(map(str, range(1, number + 1)))} file made"
            want(f"the directory has not gone on: {said}", said.split() == wanted.split())
            with open(row.path("shared/new"), encoding="ascii") as file:
                want("the host has not got it", file.read() == f"{number}\n")
            said = guest.run("! cat <&6 2>&1 && exec 6<&-")
            want(f"what has gone is not said to be stale: {said}", "Stale file handle" in said)
        guest.run(f"cd / && exec 4<&- 5>&- && umount /share && {MOUNT_9P} && cat /share/in/file && umount /share")
        guest.say("poweroff")
        guest.wait_end()


def given_up(row):
    """When it dies for good, what waits for the disk gets errors, and Linux ends as it should."""
    os.mkdir(row.path("shared"))
    with start_small(row, row.blank("raw", "64M"), shared=row.path("shared"), environment=with_dying(row)) as guest:
        use_small(guest)
        guest.run(f"{LOAD_9P} && {MOUNT_9P} && echo of the guest >/share/file")
        said = guest.run(f"! {word(4240, '/dev/xvdb')} && wait")
        want(f"the back end has not been given up: {said}", "is given up" in said)
        guest.run("test -z \"$(dd if=/dev/xvda bs=4k count=1 2>/dev/null)\"")
        guest.run("echo 3 >/proc/sys/vm/drop_caches; ! cat /disk/file")
        guest.run("! dd if=/dev/zero of=/disk/new conv=fsync count=1")
        guest.run("umount /disk; ! mount | grep /disk")
        guest.run("! cat /share/file && ! ls /share && umount /share")
        guest.say("poweroff")
        guest.wait_end()


ROWS = {
    "boot": boot,
    "fetch": fetch,
    "login": login,
    "kept": kept,
    "cut-raw": functools.partial(cut, kind="raw"),
    "cut-qcow2": functools.partial(cut, kind="qcow2"),
    "verify": verify,
    "exchange": exchange,
    "replug": replug,
    "mounted": mounted,
    "dies": dies,
    "share-dies": share_dies,
    "given-up": given_up,
}


def main():
    mode, name = sys.argv[1:]
    seed = int(os.environ.get("PARAVANE_SEED", random.randrange(1 << 32)))
    print(f"rows.py: {mode} {name}; PARAVANE_SEED={seed} draws the same once more", flush=True)
    random.seed(seed)
    os.makedirs("build/machine", exist_ok=True)
    directory = tempfile.mkdtemp(prefix=f"{mode}-{name}.", dir="build/machine")
    try:
        ROWS[name](Row(mode, directory))
    except Trouble as trouble:
        print(f"\nnot ok: {trouble}")
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print("\nall is well")
    return 0


if __name__ == "__main__":
    sys.exit(main())
