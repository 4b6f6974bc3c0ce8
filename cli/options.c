/* SPDX-License-Identifier: MIT */
/* The command line of `paravane run`, apart from guests: its options, what each sets, what does not go together. */
#include <argp.h>
#include <string.h>

#include <cli/options.h>
#include <cli/options_guest.h>
#include <cli/options_value.h>

#define TIMEOUT_MAX     (365ull * 24 * 3600)
#define SEED_MAX_DIGITS 16u
#define GDB_PORT        1234u
#define PORT_MAX        65535u

#define GROUP_RUN (OPTIONS_GROUP_GUEST + 1)

enum {
    KEY_TIMEOUT = 't',
    KEY_VERBOSE = 'v',
    KEY_SEED = KEY_GUEST + 1,
    KEY_EXPLAIN,
    KEY_AUDIT,
    KEY_QEMU_ARGUMENT,
    KEY_MACHINE,
    KEY_CONSOLE,
    KEY_SNAPSHOT,
    KEY_TRACE,
    KEY_TRACE_ONLY,
    KEY_TRACE_TO,
    KEY_RECORD,
    KEY_MAP,
    KEY_PROCESSORS,
    KEY_GDB,
};

static const char *const machines[] = {"pc", "q35", "microvm"};

static const struct argp_option run_list[] = {
    {NULL, 0, NULL, 0, "The run:", GROUP_RUN},
    {"console", KEY_CONSOLE, "NAME=FILE", 0,
     "write what the guest of that name says to FILE, as it is, and do not show it; can be given for many guests",
     GROUP_RUN},
    {"timeout", KEY_TIMEOUT, "SECONDS", 0, "end it after that time, with exit code 124 (default: never)", GROUP_RUN},
    {"verbose", KEY_VERBOSE, NULL, 0, "show the hypervisor's messages as they come, and how QEMU is called", GROUP_RUN},
    {"explain", KEY_EXPLAIN, "FORMAT", OPTION_ARG_OPTIONAL,
     "say of each call that is refused which, where, why, and what to do instead; FORMAT: text, or json, an object on "
     "a line",
     GROUP_RUN},
    {"trace", KEY_TRACE, "WORD,...", OPTION_ARG_OPTIONAL,
     "tell of each hypercall, or of those named, with what it points to and its result; of upcalls, exceptions or "
     "emulations as well as calls, or of all; with summary, only how many there were of each, and what they took",
     GROUP_RUN},
    {"trace-only", KEY_TRACE_ONLY, "CONDITION,...", 0,
     "of these tell only what fulfils each condition: errors, vcpu=N-N, domain=N, rip=ADDRESS-ADDRESS, rip=FUNCTION",
     GROUP_RUN},
    {"trace-to", KEY_TRACE_TO, "FILE", 0,
     "write that to FILE (default: stderr), as lines of JSON if its name ends in .json", GROUP_RUN},
    {"record", KEY_RECORD, "FILE", 0,
     "record every operation of memory management, for `paravane replay`; the machine has one processor then",
     GROUP_RUN},
    {"map", KEY_MAP, "FILE", 0,
     "record so, and make a page of it that shows the machine's frames: see `paravane map --help`", GROUP_RUN},
    {"audit", KEY_AUDIT, NULL, 0,
     "when a guest has ended, recount every reference to its memory; a wrong one is a failure", GROUP_RUN},
    {"snapshot", KEY_SNAPSHOT, NULL, 0, "leave the images of all disks untouched: what guests write is lost at the end",
     GROUP_RUN},
    {"seed", KEY_SEED, "HEX", 0, "hand out memory in the order of this seed, to repeat a run", GROUP_RUN},
    {"machine", KEY_MACHINE, "NAME", 0, "the machine that QEMU makes: pc, q35 or microvm (default: pc)", GROUP_RUN},
    {"cpus", KEY_PROCESSORS, "NUMBER", 0,
     "its processors, 1 to 64 (default: as many as the guest with most vCPUs has, one more if there are devices, since "
     "what serves them runs beside the guests then, and not more than this machine)",
     GROUP_RUN},
    {"gdb", KEY_GDB, "PORT", OPTION_ARG_OPTIONAL,
     "wait for a debugger before the first instruction, at that port of this machine (default: 1234)", GROUP_RUN},
    {"qemu-arg", KEY_QEMU_ARGUMENT, "ARGUMENT", 0, "one more argument for QEMU; can be given many times", GROUP_RUN},
    {NULL, 0, NULL, 0, "Help:", -1},
    {NULL, 0, NULL, 0, NULL, 0},
};

static const char run_help[] =
    "Boot KERNEL as a Xen PV guest under Paravane, in QEMU, with its console on the terminal.\n"
    "\v"
    "KERNEL is an ELF file (vmlinux) or a bzImage (vmlinuz), compressed or not. A configuration file as Xen's xl has "
    "them "
    "can stand in its place, and begins a guest with the name that it gives. Without either, a guest with a disk boots "
    "from that, by GRUB, which reads the grub.cfg or menu.lst there. On a terminal, keys go to the guest; "
    "Ctrl-A x leaves, and Ctrl-A h says what else there is. Otherwise the console is stdin and stdout, so that pipes "
    "work. What the hypervisor says goes to "
    "stderr, if the run failed or with --verbose or --explain.\n"
    "\n"
    "Several guests share the machine; each begins with --guest. The first has the console, until Ctrl-A and a digit "
    "move that to another, or it ends; Ctrl-A l lists them. What the others say comes by lines, with their names, or "
    "goes to a file with --console.\n"
    "\n"
    "With -- COMMAND the one guest, a Linux, runs that, a program of its ramdisk or without one a static program of "
    "this "
    "machine, and powers off; the exit code is the command's.\n"
    "\n"
    "Disks, networks and directories are served by one more domain, in which QEMU's devices are. The images are the "
    "guests' alone "
    "while they run; a flush of the guest's is one of the image.\n"
    "\n"
    "Exit codes: 0 each guest powered off, or rebooted where that ends it; 1 something is missing here: memory, room, "
    "a part of Paravane, a way to write the output; "
    "2 wrong use; 3 a guest crashed; 4 one was refused before its start (the first of several that did not end well "
    "counts); 5 the hypervisor's fault, or an end that it "
    "has not confirmed; 6 QEMU failed; 7 left by Ctrl-A x; 8 a guest was destroyed; 124 out of time. stderr says why.\n"
    "\n"
    "Environment: PARAVANE_QEMU names the QEMU program (default: qemu-system-x86_64), PARAVANE_LIB the directory with "
    "paravane.elf, backend.elf, demo.elf and first, PARAVANE_GRUB the image of GRUB, PARAVANE_GRUB32 that for kernels "
    "of "
    "32 "
    "bits, TMPDIR that of the bundle (default: /tmp), XDG_RUNTIME_DIR that in which `paravane list` and others find "
    "the run (default: in TMPDIR); "
    "NO_COLOR: no colours.\n"
    "\n"
    "Examples:\n"
    "  paravane run --demo\n"
    "  paravane run --ramdisk initrd.img --cmdline 'console=hvc0' vmlinuz\n"
    "  paravane run --timeout 60 --ramdisk initrd.img vmlinuz -- sh -c 'uname -a'\n"
    "  paravane run --disk debian.img --net user,hostfwd=tcp::2222-:22\n"
    "      and then: ssh -p 2222 localhost\n"
    "  paravane run web.cfg mail.cfg\n"
    "  paravane run --guest web -m 256M -r web.img vmlinuz \\\n"
    "      --guest mail -r mail.img vmlinuz\n"
    "  paravane run --console mail=mail.txt -m 256M vmlinuz \\\n"
    "      --guest web -r web.img --guest mail -r mail.img\n"
    "  paravane run --qemu-arg=-accel --qemu-arg=kvm --memory 2G vmlinux\n"
    "  echo halt | paravane run --timeout 60 guest.elf >console.txt\n";

static const char *parse_machine(const char *name, struct argp_state *state)
{
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
        if (!strcmp(name, machines[i]))
            return machines[i];
    }
    argp_error(state, "--machine %s: not one of pc, q35, microvm", name);
    return NULL;
}

static void read_run_numbers(int key, const char *text, struct run_options *options, struct argp_state *state)
{
    if (key == KEY_TIMEOUT) {
        options->timeout_seconds = (unsigned)options_parse_count(text, TIMEOUT_MAX);
        if (!options->timeout_seconds)
            argp_error(state, "--timeout %s: not a number of seconds from 1 on", text);
    }
    if (key == KEY_PROCESSORS) {
        options->processors = (unsigned)options_parse_count(text, PROCESSORS_MAX);
        if (!options->processors)
            argp_error(state, "--cpus %s: not a number from 1 to %u", text, PROCESSORS_MAX);
    }
    if (key == KEY_GDB) {
        options->gdb_port = text ? (unsigned)options_parse_count(text, PORT_MAX) : GDB_PORT;
        if (!options->gdb_port)
            argp_error(state, "--gdb=%s: not a port from 1 to %u", text, PORT_MAX);
    }
    if (key == KEY_SEED) {
        size_t prefix = strncasecmp(text, "0x", 2) ? 0 : 2, digits = strspn(text + prefix, "0123456789abcdefABCDEF");

        options->seed = text + prefix;
        if (!digits || digits > SEED_MAX_DIGITS || text[prefix + digits] || strspn(text + prefix, "0") == digits)
            argp_error(state, "--seed %s: not a number of up to 16 hexadecimal digits, other than 0", text);
    }
}

/* Options of the second group are not a guest's. */
static void refuse_inside_guest(int key, const struct run_options *options, struct argp_state *state)
{
    bool is_inside = options->nr_guests && options->guests[options->nr_guests - 1].is_begun;

    for (size_t i = 0; is_inside && i < sizeof(run_list) / sizeof(run_list[0]); i++) {
        if (run_list[i].name && run_list[i].key == key && run_list[i].group == GROUP_RUN)
            argp_error(state, "--%s is about the whole run: say it before the first --guest", run_list[i].name);
    }
}

/* What a plain option sets; NULL: it is none. */
static bool *flag_of(int key, struct run_options *options)
{
    switch (key) {
    case KEY_VERBOSE:
        return &options->verbose;
    case KEY_AUDIT:
        return &options->audit;
    case KEY_SNAPSHOT:
        return &options->snapshot;
    default:
        return NULL;
    }
}

static void read_format(const char *text, struct run_options *options, struct argp_state *state)
{
    options->explain = true;
    options->explains_as_json = text && !strcmp(text, "json");
    if (text && !options->explains_as_json && strcmp(text, "text") != 0)
        argp_error(state, "--explain=%s: not one of text, json", text);
}

static void add_qemu_argument(const char *text, struct run_options *options, struct argp_state *state)
{
    if (options->nr_qemu_arguments == QEMU_ARGUMENTS_MAX)
        argp_error(state, "--qemu-arg: at most %u of them", QEMU_ARGUMENTS_MAX);
    options->qemu_arguments[options->nr_qemu_arguments++] = text;
}

static void add_console(char *text, struct run_options *options, struct argp_state *state)
{
    if (options->nr_consoles == GUESTS_MAX)
        argp_error(state, "--console: at most %u of them, one for a guest", GUESTS_MAX);
    options->consoles[options->nr_consoles++] = text;
}

/* What is written down of a run.  False: another option. */
static bool read_written(int key, const char *text, struct run_options *options)
{
    switch (key) {
    case KEY_TRACE:
        options->trace = text ? text : "";
        return true;
    case KEY_TRACE_ONLY:
        options->trace_only = text;
        options->trace = options->trace ? options->trace : "";
        return true;
    case KEY_TRACE_TO:
        options->trace_to = text;
        options->trace = options->trace ? options->trace : "";
        return true;
    case KEY_RECORD:
        options->record = text;
        return true;
    case KEY_MAP:
        options->map = text;
        return true;
    default:
        return false;
    }
}

static error_t read_run(int key, char *text, struct argp_state *state)
{
    struct run_options *options = state->input;
    bool *flag = flag_of(key, options);

    refuse_inside_guest(key, options, state);
    if (flag) {
        *flag = true;
        return 0;
    }
    if (read_written(key, text, options))
        return 0;
    switch (key) {
    case KEY_TIMEOUT:
    case KEY_PROCESSORS:
    case KEY_SEED:
    case KEY_GDB:
        read_run_numbers(key, text, options, state);
        return 0;
    case KEY_EXPLAIN:
        read_format(text, options, state);
        return 0;
    case KEY_MACHINE:
        options->machine = parse_machine(text, state);
        return 0;
    case KEY_CONSOLE:
        add_console(text, options, state);
        return 0;
    case KEY_QEMU_ARGUMENT:
        add_qemu_argument(text, options, state);
        return 0;
    case ARGP_KEY_INIT:
        state->child_inputs[0] = options;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void options_read_run(int count, char **arguments, struct run_options *options)
{
    static const char ways[] = "KERNEL\nFILE.cfg...\n--disk FILE\n--demo\n"
                               "--guest NAME [OPTION...] KERNEL --guest NAME ...\n"
                               "KERNEL -- COMMAND [ARGUMENT...]";
    static const struct argp parser = {run_list, read_run, ways, run_help, NULL, NULL, NULL};

    *options = (struct run_options){.common = options_no_guest, .machine = machines[0]};
    options_read_guests(parser, count, arguments, options);
}
