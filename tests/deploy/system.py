#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""
The image of a guest with Debian's system on its disk, and the directory that it shares: system.py DIRECTORY COMMAND...

COMMAND starts the machine.  The guest boots from its disk, gets a file through its network, exchanges some through the
shared directory and powers off, whereupon COMMAND ends, with status 0.
"""
import hashlib
import os
import random
import sys

sys.path.append(os.path.join(os.path.dirname(__file__), "../machine"))
from machine import Machine
from rows import server, want


def fetch(guest, directory):
    """Over the network, what this machine has in the directory."""
    data = random.randbytes(4 << 20)
    with open(directory + "/file", "wb") as file:
        file.write(data)
    with server(directory) as port:
        guest.run(f"wget -q -t 1 -O fetched http://10.0.2.2:{port}/file")
    said = guest.run("sync && echo 3 >/proc/sys/vm/drop_caches && sha256sum fetched")
    want(f"what is on the disk has the wrong checksum: {said}", said.startswith(hashlib.sha256(data).hexdigest()))


def exchange(guest, directory):
    """By the shared directory, both ways."""
    guest.run("modprobe 9pnet_xen && mount -t 9p -o trans=xen share /mnt && cmp fetched /mnt/file")
    guest.run("echo of the guest >/mnt/answer && umount /mnt")
    with open(directory + "/answer", encoding="ascii") as file:
        want("the guest's file says something else", file.read() == "of the guest\n")


def use(guest, directory):
    """Logs in, and uses all that the guest has."""
    guest.log_in()
    want("the root file system is elsewhere", guest.run("findmnt -n -o SOURCE /") == "/dev/xvda1")
    print("\nbooted from its disk", flush=True)
    fetch(guest, directory)
    print("fetched over its network", flush=True)
    exchange(guest, directory)
    print("shared a directory", flush=True)


def main():
    directory, command = sys.argv[1], sys.argv[2:]
    with Machine("paravane", [], command=command) as guest:
        use(guest, directory)
        guest.power_off()


if __name__ == "__main__":
    main()
