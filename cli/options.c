/* SPDX-License-Identifier: MIT */
/* The command line of `paravane run`: its table of options, what each sets, what does not go together. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include <cli/bundle_write.h>
#include <cli/message.h>
#include <cli/options.h>
#include <cli/options_value.h>

#define DEFAULT_MEMORY_KIB ((uint64_t)512 << 10)
#define TIMEOUT_MAX        (365ull * 24 * 3600)
#define SEED_MAX_DIGITS    16u

enum {
    KEY_MEMORY = 'm',
    KEY_RAMDISK = 'r',
    KEY_CMDLINE = 'c',
    KEY_TIMEOUT = 't',
    KEY_VERBOSE = 'v',
    KEY_VCPUS = 0x100,
    KEY_PRIVILEGED,
    KEY_SEED,
    KEY_EXPLAIN,
    KEY_AUDIT,
    KEY_QEMU_ARGUMENT,
    KEY_MACHINE,
    KEY_DEMO,
};

static const char *const machines[] = {"pc", "q35", "microvm"};

static const struct argp_option run_list[] = {
    {NULL, 0, NULL, 0, "The guest:", 1},
    {"memory", KEY_MEMORY, "SIZE", 0, "its memory: 256M, 2G; without a unit MiB (default: 512M)", 1},
    {"vcpus", KEY_VCPUS, "NUMBER", 0, "its virtual processors; only 1 for now", 1},
    {"ramdisk", KEY_RAMDISK, "FILE", 0, "its initial ramdisk, handed over as it is", 1},
    {"cmdline", KEY_CMDLINE, "TEXT", 0, "its command line, at most 1023 characters", 1},
    {"privileged", KEY_PRIVILEGED, NULL, 0, "start it as the initial domain (number 0) instead of an ordinary one (1)",
     1},
    {"demo", KEY_DEMO, NULL, 0, "run the guest that comes with Paravane; no KERNEL is needed", 1},
    {NULL, 0, NULL, 0, "The run:", 2},
    {"timeout", KEY_TIMEOUT, "SECONDS", 0, "end it after that time, with exit code 124 (default: never)", 2},
    {"verbose", KEY_VERBOSE, NULL, 0, "show the hypervisor's messages as they come, and how QEMU is called", 2},
    {"explain", KEY_EXPLAIN, NULL, 0, "say of each call of memory management that is refused which, where and why", 2},
    {"audit", KEY_AUDIT, NULL, 0, "when it has ended, recount every reference to its memory; a wrong one is a failure",
     2},
    {"seed", KEY_SEED, "HEX", 0, "hand out memory in the order of this seed, to repeat a run", 2},
    {"machine", KEY_MACHINE, "NAME", 0, "the machine that QEMU makes: pc, q35 or microvm (default: pc)", 2},
    {"qemu-arg", KEY_QEMU_ARGUMENT, "ARGUMENT", 0, "one more argument for QEMU; can be given many times", 2},
    {NULL, 0, NULL, 0, "Help:", -1},
    {NULL, 0, NULL, 0, NULL, 0},
};

static const char run_help[] =
    "Boot KERNEL as a Xen PV guest under Paravane, in QEMU, with its console on the terminal.\n"
    "\v"
    "KERNEL is an ELF file (vmlinux) or a bzImage (vmlinuz), compressed or not. On a terminal, keys go to the guest; "
    "Ctrl-A x leaves, and Ctrl-A h says what else there is. Otherwise the console is stdin and stdout, so that pipes "
    "work. What the hypervisor says goes to "
    "stderr, if the run failed or with --verbose.\n"
    "\n"
    "Exit codes: 0 the guest powered off or rebooted; 1 something is missing here: memory, room, a part of Paravane; "
    "2 wrong use; 3 the guest crashed; 4 it was refused before its start; 5 the hypervisor's fault, or an end that it "
    "has not confirmed; 6 QEMU failed; 7 left by Ctrl-A x; 124 out of time. stderr says why.\n"
    "\n"
    "Environment: PARAVANE_QEMU names the QEMU program (default: qemu-system-x86_64), PARAVANE_LIB the directory with "
    "paravane.elf and demo.elf, TMPDIR that of the bundle (default: /tmp); NO_COLOR: no colours.\n"
    "\n"
    "Examples:\n"
    "  paravane run --demo\n"
    "  paravane run --ramdisk initrd.img --cmdline 'console=hvc0' vmlinuz\n"
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

static void read_vcpus(const char *text, struct argp_state *state)
{
    unsigned long long count = options_parse_count(text, UINT32_MAX);

    if (!count)
        argp_error(state, "--vcpus %s: not a number from 1 on", text);
    else if (count > 1)
        argp_error(state, "--vcpus %s: this version gives a guest one vCPU; leave the option out or say 1", text);
}

static void read_run_numbers(int key, const char *text, struct run_options *options, struct argp_state *state)
{
    if (key == KEY_MEMORY && !options_parse_memory(text, &options->guest.memory_kib))
        argp_error(state, "--memory %s: not a size such as 512M or 2G, in whole pages of 4K, up to 16T", text);
    if (key == KEY_TIMEOUT) {
        options->timeout_seconds = (unsigned)options_parse_count(text, TIMEOUT_MAX);
        if (!options->timeout_seconds)
            argp_error(state, "--timeout %s: not a number of seconds from 1 on", text);
    }
    if (key == KEY_SEED) {
        size_t prefix = strncasecmp(text, "0x", 2) ? 0 : 2, digits = strspn(text + prefix, "0123456789abcdefABCDEF");

        options->seed = text + prefix;
        if (!digits || digits > SEED_MAX_DIGITS || text[prefix + digits] || strspn(text + prefix, "0") == digits)
            argp_error(state, "--seed %s: not a number of up to 16 hexadecimal digits, other than 0", text);
    }
}

/* All options have been read: do they go together? */
static void check_run(const struct run_options *options, struct argp_state *state)
{
    if (options->guest.demo && options->guest.kernel)
        argp_error(state, "--demo brings its kernel along: leave %s out", options->guest.kernel);
    if (!options->guest.demo && !options->guest.kernel)
        argp_error(state, "which kernel? Give a file, or --demo");
    if (options->guest.cmdline && strlen(options->guest.cmdline) > BUNDLE_CMDLINE_MAX)
        argp_error(state, "--cmdline: %zu characters, and a guest takes at most %u", strlen(options->guest.cmdline),
                   BUNDLE_CMDLINE_MAX);
}

/* What a plain option sets; NULL: it is none. */
static bool *flag_of(int key, struct run_options *options)
{
    switch (key) {
    case KEY_PRIVILEGED:
        return &options->guest.privileged;
    case KEY_DEMO:
        return &options->guest.demo;
    case KEY_VERBOSE:
        return &options->verbose;
    case KEY_EXPLAIN:
        return &options->explain;
    case KEY_AUDIT:
        return &options->audit;
    default:
        return NULL;
    }
}

static error_t read_run(int key, char *text, struct argp_state *state)
{
    struct run_options *options = state->input;
    bool *flag = flag_of(key, options);

    if (flag) {
        *flag = true;
        return 0;
    }
    switch (key) {
    case KEY_MEMORY:
    case KEY_TIMEOUT:
    case KEY_SEED:
        read_run_numbers(key, text, options, state);
        return 0;
    case KEY_VCPUS:
        read_vcpus(text, state);
        return 0;
    case KEY_RAMDISK:
        options->guest.ramdisk = options_read_name("ramdisk", text, state);
        return 0;
    case KEY_CMDLINE:
        options->guest.cmdline = text;
        return 0;
    case KEY_MACHINE:
        options->machine = parse_machine(text, state);
        return 0;
    case KEY_QEMU_ARGUMENT:
        if (options->nr_qemu_arguments == QEMU_ARGUMENTS_MAX)
            argp_error(state, "--qemu-arg: at most %u of them", QEMU_ARGUMENTS_MAX);
        options->qemu_arguments[options->nr_qemu_arguments++] = text;
        return 0;
    case ARGP_KEY_ARG:
        options_read_kernel(&options->guest.kernel, text, state);
        return 0;
    case ARGP_KEY_END:
        check_run(options, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void options_read_run(int count, char **arguments, struct run_options *options)
{
    static const struct argp parser = {run_list, read_run, "KERNEL\n--demo", run_help, NULL, NULL, NULL};

    *options = (struct run_options){.guest.memory_kib = DEFAULT_MEMORY_KIB, .machine = machines[0]};
    argp_err_exit_status = STATUS_USAGE;
    argp_parse(&parser, count, arguments, 0, NULL, options);
}
