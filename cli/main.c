/* SPDX-License-Identifier: MIT */
/* The `paravane` command: which sub-command, and help. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cli/command_ask.h>
#include <cli/command_console.h>
#include <cli/command_list.h>
#include <cli/decode.h>
#include <cli/inspect.h>
#include <cli/make_image.h>
#include <cli/map.h>
#include <cli/replay.h>
#include <cli/run.h>
#include <cli/suite.h>
#include <cli/version.h>

static const char help[] =
    "Usage: paravane COMMAND [OPTION...]\n"
    "Run Xen PV guests anywhere, without Xen.\n"
    "\n"
    "  run KERNEL        boot a kernel as a PV guest, its console on the terminal\n"
    "  run --disk IMAGE  boot what is on a disk\n"
    "  run GUEST.cfg ... boot guests as Xen's configuration files say\n"
    "  run --guest A KERNEL --guest B KERNEL ...   several of them side by side\n"
    "  run --demo        boot the guest that comes with Paravane: a first try that needs no file\n"
    "  list              the guests of all runs under way\n"
    "  console NAME      a guest's console, from another terminal\n"
    "  shutdown NAME, reboot NAME   ask a guest to, and wait until it has\n"
    "  destroy NAME      end a guest at once\n"
    "  set NAME memory SIZE, set NAME vcpus NUMBER   change what a guest has, while it runs\n"
    "  unplug NAME DEVICE, plug NAME DEVICE   take a disk or a network from a guest, and give it back\n"
    "  test DIR          run a suite of kernels, and compare with what is expected of each\n"
    "  image ... -o FILE what `run` would boot, as an image that any virtual machine boots\n"
    "  replay RECORDING  carry out once more what `run --record` has recorded, without QEMU\n"
    "  map FILE          a page of such a recording, for a browser: all frames, over time, and their tables\n"
    "  inspect KERNEL    what a kernel is, and whether and how it would boot\n"
    "  decode entry HEX  what a page-table entry means, and what the hypervisor says of it\n"
    "\n"
    "  COMMAND --help    all about a command\n"
    "  --help            this text\n"
    "  --version         the version\n"
    "\n"
    "A kernel is what Linux calls vmlinux or vmlinuz (bzImage), built for Xen PV; Debian's are.\n"
    "\n"
    "Exit codes: 0 the guest powered off, the kernel would boot; 1 something is missing here; 2 wrong use;\n"
    "3 the guest crashed; 4 it was refused, the kernel would not boot; 5 the hypervisor's fault; 6 QEMU failed;\n"
    "7 left by Ctrl-A x; 8 ended by `paravane destroy`; 124 out of time.\n"
    "\n"
    "Examples:\n"
    "  paravane inspect /boot/vmlinuz-$(uname -r)\n"
    "  paravane run --memory 1G --ramdisk initrd.img --cmdline 'console=hvc0' vmlinuz\n";

static enum status do_run(int count, char **arguments)
{
    /* What it points to is kept until the end, and it is large. */
    static struct run_options options;

    options_read_run(count, arguments, &options);
    return run_guest(&options);
}

static enum status do_inspect(int count, char **arguments)
{
    struct inspect_options options;

    options_read_inspect(count, arguments, &options);
    return inspect_kernel(options.kernel);
}

static enum status do_decode(int count, char **arguments)
{
    struct decode_options options;

    options_read_decode(count, arguments, &options);
    return decode_entry(&options);
}

static enum status do_image(int count, char **arguments)
{
    static struct image_options options;

    options_read_image(count, arguments, &options);
    return make_image(&options);
}

static enum status do_test(int count, char **arguments)
{
    struct suite_options options;

    options_read_suite(count, arguments, &options);
    return suite_perform(&options);
}

static enum status do_replay(int count, char **arguments)
{
    (void)count;
    return replay_recording(arguments);
}

static enum status do_map(int count, char **arguments)
{
    struct map_options options;

    options_read_map(count, arguments, &options);
    return map_recording(&options);
}

/* Those with options of their own perform; all others ask a run under way for @verb. */
static const struct command {
    const char *name;
    char *title; /* what its messages begin with */
    enum status (*perform)(int count, char **arguments);
    enum status (*ask)(const struct control_options *options);
    enum ask_verb verb;
} commands[] = {
    {"run", (char[]){"paravane run"}, do_run, NULL, 0},
    {"list", (char[]){"paravane list"}, NULL, command_list, ASK_LIST},
    {"console", (char[]){"paravane console"}, NULL, command_console, ASK_CONSOLE},
    {"shutdown", (char[]){"paravane shutdown"}, NULL, command_ask, ASK_POWEROFF},
    {"reboot", (char[]){"paravane reboot"}, NULL, command_ask, ASK_REBOOT},
    {"destroy", (char[]){"paravane destroy"}, NULL, command_ask, ASK_DESTROY},
    {"set", (char[]){"paravane set"}, NULL, command_ask, ASK_MEMORY},
    {"plug", (char[]){"paravane plug"}, NULL, command_ask, ASK_PLUG},
    {"unplug", (char[]){"paravane unplug"}, NULL, command_ask, ASK_UNPLUG},
    {"image", (char[]){"paravane image"}, do_image, NULL, 0},
    {"test", (char[]){"paravane test"}, do_test, NULL, 0},
    {"replay", (char[]){"paravane replay"}, do_replay, NULL, 0},
    {"map", (char[]){"paravane map"}, do_map, NULL, 0},
    {"inspect", (char[]){"paravane inspect"}, do_inspect, NULL, 0},
    {"decode", (char[]){"paravane decode"}, do_decode, NULL, 0},
};

static enum status perform(const struct command *command, int count, char **arguments)
{
    struct control_options options;

    arguments[0] = command->title;
    if (command->perform)
        return command->perform(count, arguments);
    options_read_control(command->verb, count, arguments, &options);
    return command->ask(&options);
}

/* A closed stdin, stdout or stderr must not become the number of a file that is opened later. */
static void open_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) != fd)
            _exit(STATUS_FAILED);
    }
}

/* What was printed must have arrived: a full disk is not a success.  Told once. */
static enum status finish(enum status status)
{
    static bool is_told;

    if (!is_told && (fflush(stdout) || ferror(stdout))) {
        is_told = true;
        say_error("stdout cannot be written: %s", strerror(errno));
        return status == STATUS_GOOD ? STATUS_FAILED : status;
    }
    return status;
}

/* The help of a sub-command is printed by argp, which exits by itself. */
static void finish_at_exit(void)
{
    if (finish(STATUS_GOOD))
        _exit(STATUS_FAILED);
}

static enum status print(const char *format, const char *text)
{
    printf(format, text);
    return finish(STATUS_GOOD);
}

int main(int count, char **arguments)
{
    open_standard_files();
    if (atexit(finish_at_exit))
        return STATUS_FAILED;
    if (count < 2) {
        fputs(help, stderr);
        return STATUS_USAGE;
    }
    if (!strcmp(arguments[1], "--help") || !strcmp(arguments[1], "-h") || !strcmp(arguments[1], "help"))
        return (int)print("%s", help);
    if (!strcmp(arguments[1], "--version"))
        return (int)print("paravane %s\n", version);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(arguments[1], commands[i].name))
            continue;
        return (int)finish(perform(&commands[i], count - 1, arguments + 1));
    }
    if (arguments[1][0] == '-')
        say_error("%s: a command comes first, its options behind it; `paravane --help` lists the commands",
                  arguments[1]);
    else
        say_error("%s: no such command; `paravane --help` lists them", arguments[1]);
    return STATUS_USAGE;
}
