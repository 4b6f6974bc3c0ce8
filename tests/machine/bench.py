#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""What disks and networks cost a Debian guest of Paravane, beside the same Debian on QEMU's virtio devices without us,
and as a guest of Debian's Xen, whose first domain serves it with Linux's back ends.

Usage: tests/machine/bench.py [instructions] [time] [PATTERN]     default: both; PATTERN: only the rows that match

`make bench-devices` builds what this needs, and passes on what is in ROWS.  The machines are the same QEMU, with the
same emulated processor, kernel and images, and as much memory for the guest.  Where Debian's Xen could not be fetched
there are two, and the last line says so.
  instructions   all that the machine carries out, counted by a plugin of QEMU's: programs, kernel, and the hypervisor
                 and the back end or the first domain where there are such, for one request.  QEMU lets an instruction
                 take a nanosecond (-icount shift=0).  A row is counted with few requests and with many, and the
                 difference is divided: what it takes to start the program does not count.  The median of three.
                 The last two columns are the guest's kernel alone, of what Paravane's machine carries out: no
                 hypervisor and no back end could cost less than nothing, so no ratio can be below that one.
  time           what fio, or the program in the guest, sees by the guest's clock, which is the host's.  The machines
                 take turns, row by row and three times; the median.  The one that does not have its turn is idle.

The table is printed; all figures, the ratios and whether each goal is met are in build/bench-devices.json, what the
machines said is in build/log/bench-devices.  Environment, for less than that: PARAVANE_BENCH_ROUNDS (3),
PARAVANE_BENCH_SECONDS (5, of a measurement of time), PARAVANE_BENCH_MODES (native paravane xen).
"""
import concurrent.futures
import contextlib
import json
import os
import re
import shutil
import socketserver
import statistics
import subprocess
import sys
import threading
import time

import records
import xen
from machine import DEBIAN, Disk, Machine, Trouble, native_command, native_network, paravane_command

BEGUN = time.monotonic()
LOG = "build/log/bench-devices"
ALL_MODES = ("native", "paravane", "xen")  # ratios are to the first of them that is measured
WANTED = os.environ.get("PARAVANE_BENCH_MODES", " ".join(ALL_MODES)).split()
MODES = [mode for mode in ALL_MODES if mode in WANTED and (mode != "xen" or xen.is_there())]
ROUNDS = int(os.environ.get("PARAVANE_BENCH_ROUNDS", 3))
SECONDS = int(os.environ.get("PARAVANE_BENCH_SECONDS", 5))  # of a measurement of time
SIZE = 256  # MiB of the disk that is measured
LINUX = "from=ffffffff81000000,to=fffffffffffff000"  # its code; the back end's lies below, the hypervisor's far below
LARGE, SMALL = 0.8, 1.5  # the goals: at least so much of native throughput, at most so much of native instructions


class DiskRow:
    """few, many: requests."""

    def __init__(self, name, rw, block, depth, few, many, **goals):
        self.name, self.rw, self.block, self.depth, self.few, self.many = name, rw, block, depth, few, many
        self.goals = goals
        self.unit = "MiB/s" if block == 1024 else "requests/s"

    def command(self):
        return f"fio --name={self.name} --filename=$device --direct=1 --ioengine=libaio --norandommap " \
            f"--rw={self.rw} --bs={self.block}k --iodepth={self.depth} --size={SIZE}m --output-format=json $1"

    def amount_of(self, count):
        return f"--io_size={count * self.block}k"

    def timed(self, side):
        said = side.measure_in_guest("time", self.name, f"'--time_based --runtime={SECONDS}'")
        job = json.loads(said[said.index("{"):])["jobs"][0]
        way = job["write" if "write" in self.rw else "read"]
        return way["bw_bytes"] / (1 << 20) if self.block == 1024 else way["iops"]


class NetRow:
    """few, many: MiB, or questions.  An amount for the time is found by doubling."""

    def __init__(self, name, way, few, many, **goals):
        self.name, self.way, self.few, self.many, self.goals = name, way, few, many, goals
        self.size = 1 if way == "ask" else 1 << 20
        self.unit = "answers/s" if way == "ask" else "MiB/s"
        self.amount = many

    def command(self):
        return f"/traffic {self.way} $port $1"

    def amount_of(self, count):
        return count * self.size

    def timed(self, side):
        while True:
            said = side.measure_in_guest("time", self.name, self.amount_of(self.amount))
            seconds = int(re.search(r"traffic (\d+)", said)[1]) / 1e9
            if seconds >= SECONDS / 2:
                return self.amount / seconds
            self.amount *= 2


ROWS = [
    DiskRow("read-sequential", "read", 1024, 4, 16, 272, time=LARGE),
    DiskRow("write-sequential", "write", 1024, 4, 16, 272, time=LARGE),
    DiskRow("read-random-1", "randread", 4, 1, 500, 16500, instructions=SMALL),
    DiskRow("read-random-32", "randread", 4, 32, 500, 16500, instructions=SMALL),
    DiskRow("write-random-1", "randwrite", 4, 1, 500, 16500),
    DiskRow("write-random-32", "randwrite", 4, 32, 500, 16500),
    NetRow("tcp-to-host", "send", 2, 66, time=LARGE),
    NetRow("tcp-from-host", "receive", 2, 66, time=LARGE),
    NetRow("tcp-ask", "ask", 200, 4200),
]


# What the machines have as /measure: a console may lose some of a long line.
MEASURE = """#!/bin/bash
port=$1 how=$2 row=$3
device=/dev/vdb
test -b $device || device=/dev/xvdb
once() { # AMOUNT
    case $row in
%s    esac
}
case $how in
count)
    once "$4" >/dev/null; /traffic mark
    once "$4" >/dev/null; /traffic mark
    once "$5" >/dev/null; /traffic mark ;;
time) once "$4" ;;
esac
""" % "".join(f"    {row.name}) {row.command()} ;;\n" for row in ROWS)


# ---- The host's end of linux/traffic.


class Traffic(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        way, count = self.rfile.readline().split()
        with contextlib.suppress(OSError):  # a machine that ends in the middle is told of elsewhere
            getattr(self, way.decode())(int(count))

    def send(self, count):
        while count > 0:
            count -= len(self.rfile.read1(1 << 20)) or count
        self.wfile.write(b".")

    def receive(self, count):
        block = bytes(1 << 20)
        for _ in range(count // len(block)):
            self.wfile.write(block)

    def ask(self, count):
        for _ in range(count):
            self.rfile.read(1)
            self.wfile.write(b"!")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


@contextlib.contextmanager
def server():
    with Server(("127.0.0.1", 0), Traffic) as daemon:
        threading.Thread(target=daemon.serve_forever, daemon=True).start()
        yield daemon.server_address[1]
        daemon.shutdown()


# ---- The machines.


class Side:
    """A machine of the one kind or the other, that has been started, with the disk that is measured as its second."""

    def __init__(self, mode, what, directory, port):
        self.port = port
        self.name = f"{what}-{mode}"
        self.marks = f"{LOG}/{self.name}.marks"
        self.of_kernel = {}  # row -> instructions of Linux's for one, each time
        disks = make_disks(directory, mode)
        count = ["-icount", "shift=0", "-plugin", f"build/linux/count.so,out={self.marks},{LINUX}"]
        if what != "instructions":
            count = []
        if mode == "native":
            command = native_command(disks, native_network({}), "quiet") + ["-cpu", "max,-smap"] + count
        elif mode == "xen":
            command = xen.command(disks, directory, "quiet") + ["-cpu", "max,-smap"] + count
        else:
            one = ["--cpus", "1"] if count else []  # -icount lets one processor run at a time
            command = paravane_command(disks, {}, "quiet") + one + [f"--qemu-arg={word}" for word in count]
        output = os.open(f"{LOG}/{self.name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self.machine = Machine(mode, [], command=command, output=output)

    def counts(self):
        """Instructions up to each mark so far, and those of them that were Linux's."""
        with open(self.marks, encoding="ascii") as marks:
            return [[int(word) for word in line.split()[2:]] for line in marks]

    def measure_in_guest(self, how, name, *amounts):
        return self.machine.run(f"/measure {self.port} {how} {name} {' '.join(map(str, amounts))}")

    def count(self, row):
        """Instructions for one.  The first time is not counted: what is needed is read from the disk then."""
        self.measure_in_guest("count", row.name, row.amount_of(row.few), row.amount_of(row.many))
        whole, kernel = (((end - middle) - (middle - begin)) / (row.many - row.few)
                         for begin, middle, end in zip(*self.counts()[-3:]))
        self.of_kernel.setdefault(row.name, []).append(kernel)
        return whole

    def measure(self, what, row):
        return self.count(row) if what == "instructions" else row.timed(self)


def put_script(image, path):
    with open(path, "w", encoding="ascii") as file:
        file.write(MEASURE)
    os.chmod(path, 0o755)
    records.put_program(image, path, "/measure")


def make_disks(directory, mode):
    """Debian's, with the programs in it, and one that is full: what has never been written costs the host nothing."""
    base, system, full = (os.path.join(directory, name) for name in ("base", f"{mode}.qcow2", f"{mode}.raw"))
    if not os.path.exists(base):
        subprocess.run(["cp", "--sparse=always", f"{DEBIAN}/disk.img", base], check=True)
        records.put_program(base, "build/linux/traffic", "/traffic")
        put_script(base, f"{directory}/measure")
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", os.path.abspath(base), "-F", "raw", system],
                   check=True)
    with open(full, "wb") as file:
        for _ in range(SIZE):
            file.write(b"paravane" * (1 << 17))
    return [Disk(system, "qcow2"), Disk(full, "raw")]


def start(side):
    side.machine.log_in()
    side.machine.run("systemctl is-system-running --wait")
    progress(f"{side.name} is up")


def together(function, sides):
    """Of a machine whose console nobody reads, the processor soon waits."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(function, sides))


def progress(text):
    minutes, seconds = divmod(int(time.monotonic() - BEGUN), 60)
    print(f"bench-devices: {minutes}:{seconds:02}: {text}", flush=True)


def run(what, rows, directory, port):
    """Figures by row and machine, and those by row of the guest's kernel in Paravane's."""
    with contextlib.ExitStack() as stack:
        progress(f"{what}: starting the machines; their consoles: {LOG}")
        sides = {mode: Side(mode, what, directory, port) for mode in MODES}
        for side in sides.values():
            stack.enter_context(side.machine)
        together(start, sides.values())
        figures = {row.name: {mode: [] for mode in MODES} for row in rows}
        for number in range(ROUNDS):
            for row in rows:
                for mode, side in sides.items():
                    figures[row.name][mode].append(side.measure(what, row))
                progress(f"{what}, round {number + 1} of {ROUNDS}: {row.name}: " +
                         ", ".join(f"{mode} {figures[row.name][mode][-1]:.0f}" for mode in MODES))
        together(lambda side: side.machine.power_off(), sides.values())
    of_kernel = sides["paravane"].of_kernel if "paravane" in sides else {}
    return figures, of_kernel


# ---- What came of it.


def judge(what, row, figures, of_kernel):
    figure = {mode: statistics.median(figures[mode]) for mode in MODES}
    for mode in MODES[1:]:
        figure["ratio" if mode == "paravane" else f"ratio_{mode}"] = round(figure[mode] / figure[MODES[0]], 3)
    figure["unit"] = "instructions" if what == "instructions" else row.unit
    figure["all"] = figures
    if row.name in of_kernel:
        figure["kernel"] = statistics.median(of_kernel[row.name])
        figure["ratio_kernel"] = round(figure["kernel"] / figure[MODES[0]], 3)
    if what in row.goals and "ratio" in figure:
        goal = figure["goal"] = row.goals[what]
        figure["met"] = figure["ratio"] <= goal if what == "instructions" else figure["ratio"] >= goal
    return figure


def verdict(what, figure):
    if "goal" not in figure:
        return ""
    return f"{'at most' if what == 'instructions' else 'at least'} {figure['goal']}: " \
        f"{'met' if figure['met'] else 'MISSED'}"


def ratio(figure, mode):
    value = figure.get("ratio" if mode == "paravane" else f"ratio_{mode}")
    return "" if value is None else f"{value:.2f}"


def print_table(results):
    for what, rows in results.items():
        columns = MODES + ["kernel"] * all("kernel" in figure for figure in rows.values())
        print(f"\n{what:18}" + "".join(f"{column:>12}{'ratio' if column != MODES[0] else '':>7}" for column in columns) +
              "  unit          goal")
        for name, figure in rows.items():
            print((f"{name:18}" + "".join(f"{figure[column]:12.0f}{ratio(figure, column):>7}" for column in columns) +
                   f"  {figure['unit']:12}  {verdict(what, figure)}").rstrip())
    if not xen.is_there():
        print("xen: not measured, since it is not there: tools/fetch-first-domain fetches it")


def commit():
    return subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True,
                          check=False).stdout.strip()


def check_patterns(patterns):
    for pattern in patterns:
        if not any(re.search(pattern, row.name) for row in ROWS):
            print(f"bench-devices: no row matches {pattern}; there are: {' '.join(row.name for row in ROWS)}")
            sys.exit(2)


def main():
    words = sys.argv[1:]
    wanted = [what for what in ("instructions", "time") if what in words] or ["instructions", "time"]
    patterns = [word for word in words if word not in ("instructions", "time")] or ["."]
    check_patterns(patterns)
    rows = [row for row in ROWS if any(re.search(pattern, row.name) for pattern in patterns)]
    os.makedirs(LOG, exist_ok=True)
    directory = "build/bench-devices"
    os.makedirs(directory, exist_ok=True)
    try:
        with server() as port:
            results = {}
            for what in wanted:
                figures, of_kernel = run(what, rows, directory, port)
                results[what] = {row.name: judge(what, row, figures[row.name], of_kernel) for row in rows}
    except Trouble as trouble:
        progress(f"{trouble}; what was said: {LOG}")
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print_table(results)
    with open("build/bench-devices.json", "w", encoding="ascii") as out:
        json.dump({"commit": commit(), "figures": results}, out, indent=2)
        out.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
