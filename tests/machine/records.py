# What must be on a disk after the power was cut: a clean file system, and every record that was acknowledged.
#
# A copy of the partition is looked at with e2fsprogs: the journal is replayed as a kernel would at its next start, then
# nothing may be wrong, and the records are what tests/machine/writer says.
import importlib.machinery
import importlib.util
import os
import subprocess

from machine import Trouble

START = 1 << 20  # of the partition on the disk
os.environ["PATH"] += ":/usr/sbin:/sbin"  # only root looks for e2fsprogs there by itself


def load_writer():
    loader = importlib.machinery.SourceFileLoader("writer", os.path.join(os.path.dirname(__file__), "writer"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("writer", loader))
    loader.exec_module(module)
    return module


writer = load_writer()


def put_program(image, source, name):
    """Into a raw disk, as a file of that name."""
    tool("debugfs", "-w", "-R", f"write {source} {name}", f"{image}?offset={START}")


def put_writer(image):
    """Into a raw disk, as /writer."""
    put_program(image, os.path.join(os.path.dirname(__file__), "writer"), "/writer")


def tool(*command, good=(0,)):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode not in good:
        raise Trouble(f"{' '.join(command)}: status {done.returncode}: {done.stdout.decode(errors='replace')}")
    return done.stdout


def copy_partition(disk, to):
    source = f"driver=raw,offset={START},file.driver={disk.format},file.file.driver=file,file.file.filename={disk.path}"
    tool("qemu-img", "convert", "--image-opts", source, "-O", "raw", to)


def check_file_system(image, cut=False):
    """Of a partition.  After a cut its journal is replayed first."""
    if cut:
        tool("e2fsck", "-p", image, good=(0, 1))
    tool("e2fsck", "-fn", image)


def read_records(image, directory):
    tool("debugfs", "-R", f"rdump {writer.DIRECTORY} {directory}", image)
    files = {}
    if not os.path.isdir(directory + writer.DIRECTORY):
        raise Trouble(f"{writer.DIRECTORY} is not there, which was made to last before the first record")
    for name in os.listdir(directory + writer.DIRECTORY):
        with open(f"{directory}{writer.DIRECTORY}/{name}", "rb") as file:
            files[name] = file.read()
    return files


def check_slots(slots, last):
    """Each holds the newest record of its own that was acknowledged, or a newer one; one may be half written."""
    torn = 0
    for place in range(writer.SLOTS):
        own = [number for number in range(2, last + 1, 3) if writer.slot(number) == place]
        held = slots[place * writer.SLOT_SIZE : (place + 1) * writer.SLOT_SIZE].rstrip(b" ")
        words = held.split(b" ", 2)
        number = int(words[1]) if len(words) == 3 and words[0] == b"record" and words[1].isdigit() else -1
        if own and (number < own[-1] or held != writer.body(number)):
            torn += 1
            print(f"records: slot {place} should hold record {own[-1]} or a newer one, and has {held[:24]!r}")
    if torn > 1:
        raise Trouble(f"{torn} slots lost what was acknowledged; one may be half written")


def check_records(files, last):
    """Every record up to last, which was acknowledged, is there."""
    for number in range(last + 1):
        way = writer.WAYS[number % 3]
        if way is writer.append and writer.body(number) not in files["log"]:
            raise Trouble(f"record {number} was acknowledged, and is not in the log")
        if way is writer.new_file and files.get(str(number)) != writer.body(number):
            raise Trouble(f"record {number} was acknowledged, and its file is wrong or not there")
    check_slots(files["slots"], last)
