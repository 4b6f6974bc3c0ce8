# A machine with disks, a network and a console: Debian's system as a guest of Paravane, or natively in QEMU.
#
#   with Machine("native", [Disk(path, "raw")], forwards={2222: 22}) as machine:
#       machine.log_in()
#       machine.run("sync")           what it says; an error unless it ends with 0
#       machine.power_off()           the run ends with status 0
#
# Everything fails with Trouble, which says what was waited for.  Nothing is a measure of speed: the limits find what
# hangs.
import collections
import os
import pty
import re
import select
import signal
import subprocess
import time

LIMIT = int(os.environ.get("PARAVANE_TIMEOUT", 3600))  # seconds for one answer
DEBIAN = "build/linux/debian"
MEMORY = "512M"

Disk = collections.namedtuple("Disk", "path format")


class Trouble(Exception):
    pass


def qemu_command(memory, disks, network):
    """QEMU with its own virtio devices; what it starts is to be added."""
    command = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-machine", "pc"]
    command += ["-accel", "tcg", "-cpu", "max", "-m", memory, "-serial", "stdio"]
    for number, disk in enumerate(disks):
        command += ["-drive", f"if=none,id=disk{number},file={disk.path},format={disk.format}"]
        command += ["-device", f"virtio-blk-pci,drive=disk{number}"]
    return command + network


def native_command(disks, network, start):
    """QEMU with Debian's kernel.  start: words for the kernel's command line."""
    command = qemu_command(MEMORY, disks, network)
    command += ["-kernel", f"{DEBIAN}/vmlinuz", "-initrd", f"{DEBIAN}/initrd.img"]
    return command + ["-append", f"console=ttyS0 root=LABEL=paravane ro {start}"]


def forward_words(forwards):
    return "".join(f",hostfwd=tcp:127.0.0.1:{here}-:{there}" for here, there in forwards.items())


def native_network(forwards, link=None):
    """QEMU's user network; link: a port of this machine where a second one is connected to it (listen or connect)."""
    forward = forward_words(forwards)
    if not link:
        return ["-netdev", f"user,id=net{forward}", "-device", "virtio-net-pci,netdev=net"]
    hub = []
    if link.startswith("listen"):
        hub = ["-netdev", f"user,id=out{forward}", "-netdev", "hubport,id=port1,hubid=0,netdev=out"]
    hub += ["-netdev", f"socket,id=peer,{link}", "-netdev", "hubport,id=port2,hubid=0,netdev=peer"]
    mac = "52:54:00:00:00:" + ("01" if link.startswith("listen") else "02")
    return hub + ["-netdev", "hubport,id=net,hubid=0", "-device", f"virtio-net-pci,netdev=net,mac={mac}"]


def paravane_disks(disks):
    return [word for disk in disks for word in ("--disk", f"{disk.path},format={disk.format}")]


def paravane_command(disks, forwards, start):
    """A guest that GRUB starts from the first disk; with words for the kernel (start) it is started without GRUB."""
    command = ["build/cli/paravane", "run", "--verbose", "--memory", MEMORY, *paravane_disks(disks)]
    command += ["--net", "user" + forward_words(forwards)]
    if start:
        command += ["--ramdisk", f"{DEBIAN}/initrd.img", "--cmdline", f"console=hvc0 root=LABEL=paravane ro {start}"]
        command += [f"{DEBIAN}/vmlinuz"]
    return command


def find_qemu(process):
    """A process or a child of it."""
    with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as children:
        family = [process] + [int(child) for child in children.read().split()]
    for member in family:
        with open(f"/proc/{member}/comm", encoding="ascii") as name:
            if name.read().startswith("qemu"):
                return member
    raise Trouble("QEMU is not running")


class Machine:
    """
    A command that runs one, on a terminal of its own.  output: where what it says is shown; environment: what is
    different there.
    """

    def __init__(self, mode, disks, forwards=None, start="", command=None, output=1, environment=None):
        if not command and mode == "native":
            command = native_command(disks, native_network(forwards or {}), start)
        self.command = command or paravane_command(disks, forwards or {}, start)
        self.seen = b""
        self.output = output
        os.write(output, ("machine: " + " ".join(self.command) + "\n").encode())
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.execvpe(self.command[0], self.command, os.environ | (environment or {}))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child:
            os.kill(self.child, signal.SIGTERM)
            self.drain()

    # ---- The console.

    def read_some(self, until):
        ready, _, _ = select.select([self.terminal], [], [], max(0, until - time.time()))
        if not ready:
            raise Trouble("out of time")
        try:
            some = os.read(self.terminal, 65536)
        except OSError:  # the other end is closed
            some = b""
        os.write(self.output, some)
        self.seen += some
        return some

    def wait_for(self, pattern, limit=LIMIT):
        """What was said up to the end of the first match, which is taken off."""
        until = time.time() + limit
        while True:
            match = re.search(pattern, self.seen, re.DOTALL)
            if match:
                said, self.seen = self.seen[: match.end()], self.seen[match.end() :]
                return said
            try:
                if not self.read_some(until):
                    raise Trouble("the run has ended")
            except Trouble as trouble:
                raise Trouble(f"{trouble}, while waiting for {pattern!r}") from None

    def listen(self, seconds):
        """Let it run for so long."""
        until = time.time() + seconds
        while time.time() < until and select.select([self.terminal], [], [], max(0, until - time.time()))[0]:
            self.read_some(until)

    def say(self, line):
        os.write(self.terminal, line.encode() + b"\r")

    def log_in(self):
        """A shell for run(): nothing is echoed, and the kernel's messages stay away."""
        said = self.wait_for(rb"login: ")
        self.say("root")
        self.wait_for(rb"root@\S+# ")
        self.say("stty -echo; dmesg -n 1; exec bash --noediting --norc")
        self.wait_for(rb"bash\S*# ")
        self.say("PS1= PAGER=cat; echo shell-$((40 + 2))")
        self.wait_for(rb"shell-42\r*\n")
        return said

    def run(self, line):
        self.say(line + "; echo end-$((40 + 2)) $?")
        said = self.wait_for(rb"end-42 [0-9]+\r*\n").decode(errors="replace").replace("\r", "")
        said, _, status = said.rpartition("end-42 ")
        if int(status):
            raise Trouble(f"{line}: status {status.strip()}: {said.strip()}")
        return said.strip()

    # ---- How it ends.

    def power_off(self):
        self.say("systemctl poweroff")
        self.wait_end()

    def reboot(self):
        """It has come up again when log_in() returns."""
        self.say("systemctl reboot")

    def wait_end(self):
        """The command ends by itself, with status 0."""
        status = self.drain()
        if status:
            raise Trouble(f"the run ended with status {status}")

    def cut(self):
        """The power fails: QEMU gets no chance to write anything more."""
        os.kill(find_qemu(self.child), signal.SIGKILL)
        self.drain()

    def drain(self):
        """What was still said; then it is over."""
        try:
            while self.read_some(time.time() + LIMIT):
                pass
        except Trouble:
            os.kill(self.child, signal.SIGKILL)
            raise
        finally:
            status = os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])
            self.child = None
            os.close(self.terminal)
        return status


# ---- From outside.


def ssh_command(port, *words, through=None):
    """ssh to a machine's forwarded port; through: another machine's address, reached over that one."""
    options = ["-i", f"{DEBIAN}/id_ed25519", "-p", str(port)]
    for option in ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "BatchMode=yes"):
        options += ["-o", option]
    if through:
        way = " ".join(["ssh", *options, "-W", "%h:%p", "root@127.0.0.1"])
        return ["ssh", *options[:2], *options[4:], "-o", f"ProxyCommand={way}", f"root@{through}", *words]
    return ["ssh", *options, "root@127.0.0.1", *words]


def ssh(port, line, data=None, through=None):
    """Run a line over ssh: what it wrote.  A server that is not up yet is asked again."""
    until = time.time() + LIMIT
    while True:
        done = subprocess.run(ssh_command(port, line, through=through), input=data, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=LIMIT, check=False)
        if done.returncode == 0:
            return done.stdout
        if done.returncode != 255 or time.time() > until:
            raise Trouble(f"ssh: {line}: status {done.returncode}: {done.stderr.decode(errors='replace').strip()}")
        time.sleep(1)
