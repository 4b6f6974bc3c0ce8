# SPDX-License-Identifier: MIT
"""Commands for gdb: what the engine knows of frames, and what the processor finds in a guest's tables.

tools/gdb reads this file.  The commands read memory, and call nothing of what is being debugged.
"""
import struct

import gdb

PAGE_SHIFT = 12
ENTRY_FRAME = 0x000FFFFFFFFFF000
TYPE_NAMES = ["no type", "an L1 table", "an L2 table", "an L3 table", "an L4 table", "the top L2 table", "descriptors",
              "writable memory"]
OWNERS = {0x7FF1: "not RAM", 0x7FF2: "the hypervisor's", 0x7FF4: "nobody's"}
ENTRY_FLAGS = [(0, "P"), (1, "RW"), (2, "USER"), (3, "PWT"), (4, "PCD"), (5, "A"), (6, "D"), (8, "G"), (63, "NX")]
FRAME_FLAGS = [(0, "allocated"), (1, "shared by the hypervisor"), (2, "perhaps not in the caches as in RAM")]
COUNT_MAX = 0x03FFFFFF
PINNED, BUSY, VALIDATED = 1 << 26, 1 << 27, 1 << 28
FRAME_SIZE = 16


def number(text):
    """An expression of gdb's, as a number without a sign."""
    return int(gdb.parse_and_eval(text)) & 0xFFFFFFFFFFFFFFFF


def machine():
    found = gdb.parse_and_eval("&'hv/main.c'::machine")
    if int(found["nr_frames"]) == 0:
        raise gdb.GdbError("the hypervisor has not set up its memory yet")
    return found


def read(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def entries_of(mfn):
    """The 512 entries of a frame, by the hypervisor's map of all RAM."""
    base = number("'hv/mem/paging.c'::ram_base")
    return struct.unpack("<512Q", read(base + (mfn << PAGE_SHIFT), 1 << PAGE_SHIFT))


def plural(count, what):
    return f"{count} {what}{'' if count == 1 else 's'}"


def names(value, table):
    return [name for bit, name in table if value >> bit & 1]


class Frame:
    """An entry of the frame table: engine/frame.h, engine/type.h."""

    def __init__(self, data):
        self.word, self.refs, self.epoch, self.owner, self.flags = struct.unpack("<IIIHH", data)

    @classmethod
    def find(cls, mfn):
        found = machine()
        if mfn >= int(found["nr_frames"]):
            return None
        return cls(read(int(found["frames"]) + mfn * FRAME_SIZE, FRAME_SIZE))

    def state(self):
        """What it is in use as, in words."""
        kind, count = TYPE_NAMES[self.word >> 29], self.word & COUNT_MAX
        if self.word >> 29 == 0:
            return kind
        if self.word & BUSY:
            return f"{kind}, {'being validated' if count else 'being taken apart'}"
        if count == 0:
            return f"no type any more, but was {kind}"
        return f"{kind}, {'pinned, ' if self.word & PINNED else ''}{plural(count, 'use')}"

    def text(self):
        parts = [OWNERS.get(self.owner, f"domain {self.owner}")]
        if self.owner not in OWNERS:
            parts += [self.state(), plural(self.refs, "reference")] + names(self.flags, FRAME_FLAGS)
        return ", ".join(parts)


def say_frame(mfn, indent=""):
    frame = Frame.find(mfn)
    print(f"{indent}frame 0x{mfn:x}: {frame.text() if frame else 'behind the end of RAM'}")
    return frame


def running():
    """The vCPU that the boot processor runs."""
    vcpu = gdb.parse_and_eval("cpu_boot")["current"]
    if int(vcpu) == 0:
        raise gdb.GdbError("no vCPU is running")
    return vcpu.dereference()["engine"]


class Pv(gdb.Command):
    """What the engine knows of a guest: pv frame, pv walk, pv types."""

    def __init__(self):
        super().__init__("pv", gdb.COMMAND_DATA, prefix=True)


class PvFrame(gdb.Command):
    """pv frame MFN: who owns a machine frame, and what it is in use as."""

    def __init__(self):
        super().__init__("pv frame", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        if not argument:
            raise gdb.GdbError("pv frame MFN")
        mfn = number(argument)
        frame = say_frame(mfn)
        if frame and frame.owner not in OWNERS:
            pfn = struct.unpack("<Q", read(int(machine()["m2p"]) + mfn * 8, 8))[0]
            print(f"    as the guest knows it: page 0x{pfn:x}")


class PvWalk(gdb.Command):
    """pv walk ADDRESS: where the tables of the vCPU that runs lead, entry by entry."""

    def __init__(self):
        super().__init__("pv walk", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        if not argument:
            raise gdb.GdbError("pv walk ADDRESS")
        vcpu, vaddr = running(), number(argument)
        level = 4 if str(vcpu["domain"].dereference()["width"]) == "WIDTH_64" else 3
        mfn = int(vcpu["user_root" if bool(vcpu["user_mode"]) else "kernel_root"]["v"])
        print(f"domain {int(vcpu['domain'].dereference()['id']['v'])}, vCPU {int(vcpu['id'])}, 0x{vaddr:x}")
        while level > 0:
            frame = Frame.find(mfn)
            if not frame or frame.owner in OWNERS:
                say_frame(mfn, "    ")
                return
            slot = vaddr >> (PAGE_SHIFT + 9 * (level - 1)) & 511
            entry = entries_of(mfn)[slot]
            print(f"    L{level} in frame 0x{mfn:x}, slot {slot}: 0x{entry:016x}  {' '.join(names(entry, ENTRY_FLAGS))}")
            if not entry & 1:
                print("    nothing is there")
                return
            mfn, level = (entry & ENTRY_FRAME) >> PAGE_SHIFT, level - 1
        say_frame(mfn, "    ")


class PvTypes(gdb.Command):
    """pv types [DOMAIN]: how many frames of each domain, or of one, are in use as what."""

    def __init__(self):
        super().__init__("pv types", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        wanted = number(argument) if argument else None
        found, counts = machine(), {}
        data = read(int(found["frames"]), int(found["nr_frames"]) * FRAME_SIZE)
        for at in range(0, len(data), FRAME_SIZE):
            frame = Frame(data[at : at + FRAME_SIZE])
            if frame.owner in OWNERS or (wanted is not None and frame.owner != wanted):
                continue
            kinds = counts.setdefault(frame.owner, [0] * len(TYPE_NAMES))
            in_use = frame.word & (COUNT_MAX | BUSY)
            kinds[frame.word >> 29 if in_use else 0] += 1
        if wanted is not None and wanted not in counts:
            raise gdb.GdbError(f"domain {wanted} has no frames")
        for owner in sorted(counts):
            print(f"domain {owner}: {plural(sum(counts[owner]), 'frame')}")
            for name, count in zip(TYPE_NAMES, counts[owner]):
                if count:
                    print(f"{count:8}  {name}")


for command in (Pv, PvFrame, PvWalk, PvTypes):
    command()
