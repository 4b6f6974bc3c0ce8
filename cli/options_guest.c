/* SPDX-License-Identifier: MIT */
/*
 * In order: the table; values; a guest begins; its options and files; what does not go together; what all share; a
 * command line.
 */
#include <stdlib.h>
#include <string.h>

#include <cli/bundle_write.h>
#include <cli/config.h>
#include <cli/message.h>
#include <cli/options_device.h>
#include <cli/options_guest.h>
#include <cli/options_network.h>
#include <cli/options_value.h>

#define DEFAULT_MEMORY_KIB ((uint64_t)512 << 10)
#define DEFAULT_WEIGHT     256u
#define WEIGHT_MAX         65535u

static const struct argp_option guest_list[] = {
    {NULL, 0, NULL, 0, "A guest:", OPTIONS_GROUP_GUEST},
    {"guest", KEY_GUEST, "NAME", 0,
     "begin the next guest; KERNEL and the options of a guest behind it are its own, those before the first one's name "
     "hold for each that does not say otherwise",
     OPTIONS_GROUP_GUEST},
    {"memory", KEY_MEMORY, "SIZE", 0, "its memory: 256M, 2G; without a unit MiB (default: 512M)", OPTIONS_GROUP_GUEST},
    {"maxmem", KEY_MAXMEM, "SIZE", 0,
     "the memory that it may come to have, by `paravane set` (default: that which it begins with)",
     OPTIONS_GROUP_GUEST},
    {"vcpus", KEY_VCPUS, "NUMBER[,max=NUMBER]", 0,
     "its virtual processors: 1 to 32 (default: 1); and how many it may come to have, by `paravane set`",
     OPTIONS_GROUP_GUEST},
    {"pin", KEY_PIN, "LIST", 0, "the processors that those may run on: 0-1,3 (default: all)", OPTIONS_GROUP_GUEST},
    {"weight", KEY_WEIGHT, "NUMBER", 0, "its share of the processor beside others': 1 to 65535 (default: 256)",
     OPTIONS_GROUP_GUEST},
    {"uuid", KEY_UUID, "UUID", 0,
     "its identity, which it can ask for: 32 hexadecimal digits with hyphens (default: zeroes, and its number)",
     OPTIONS_GROUP_GUEST},
    {"ramdisk", KEY_RAMDISK, "FILE", 0, "its initial ramdisk, handed over as it is", OPTIONS_GROUP_GUEST},
    {"cmdline", KEY_CMDLINE, "TEXT", 0, "its command line, at most 1023 characters", OPTIONS_GROUP_GUEST},
    {"disk", KEY_DISK, "FILE[,ro][,format=FORMAT][,as=NAME]", 0,
     "a disk; without KERNEL the guest boots from its first one. FORMAT: raw, qcow2, ... (default: as FILE looks); "
     "NAME: "
     "xvda, sda1, ... (default: the next xvd); can be given many times",
     OPTIONS_GROUP_GUEST},
    {"cdrom", KEY_CDROM, "FILE[,as=NAME]", 0, "the same, a CD-ROM", OPTIONS_GROUP_GUEST},
    {"net", KEY_NET, "WAY[,mac=MAC][,bridge=NAME][,...]", 0,
     "a network card. WAY out: user, QEMU's own network, with hostfwd=tcp::2222-:22 and the like; tap, a network of "
     "this "
     "machine's, with ifname=NAME; none, to other guests only. What stands before the first --guest is one network for "
     "all, and so is what has the same bridge=NAME",
     OPTIONS_GROUP_GUEST},
    {"share", KEY_SHARE, "DIR[,tag=NAME][,ro]", 0,
     "a directory of this machine's, which Linux mounts by `mount -t 9p -o trans=xen NAME /mnt` (default: share, then "
     "share2, ...); ro: it can be read only; can be given many times",
     OPTIONS_GROUP_GUEST},
    {"privileged", KEY_PRIVILEGED, NULL, 0, "start it as the initial domain (number 0) instead of an ordinary one",
     OPTIONS_GROUP_GUEST},
    {"linear-tables", KEY_LINEAR_TABLES, NULL, 0,
     "its page tables may refer, read-only, to tables of their own level; NetBSD's kernels, which need it, may without",
     OPTIONS_GROUP_GUEST},
    {"on-reboot", KEY_ON_REBOOT, "WHAT", 0,
     "what a reboot of the guest makes of it: restart (default), it is started anew; destroy, it has ended",
     OPTIONS_GROUP_GUEST},
    {"demo", KEY_DEMO, NULL, 0, "run the guest that comes with Paravane; no KERNEL is needed", OPTIONS_GROUP_GUEST},
    {NULL, 0, NULL, 0, NULL, 0},
};

const struct guest_options options_no_guest = {.memory_kib = DEFAULT_MEMORY_KIB, .weight = DEFAULT_WEIGHT, .vcpus = 1};

static void read_memory(const char *option, const char *text, uint64_t *kib, struct argp_state *state)
{
    if (!options_parse_memory(text, kib))
        argp_error(state, "--%s %s: not a size such as 512M or 2G, in whole pages of 4K, up to 16T", option, text);
}

static void read_vcpus(const char *text, struct guest_options *guest, struct argp_state *state)
{
    if (!options_parse_vcpus(text, &guest->vcpus, &guest->most_vcpus))
        argp_error(state, "--vcpus %s: not a number from 1 to %u, or NUMBER,max=NUMBER with one that is not less", text,
                   GUEST_VCPUS_MAX);
}

static void read_pin(const char *text, struct guest_options *guest, struct argp_state *state)
{
    if (!options_parse_processors(text, &guest->pinned))
        argp_error(state, "--pin %s: not a list of processors up to %u, such as 0-1,3", text, PROCESSORS_MAX - 1);
}

static void read_weight(const char *text, struct guest_options *guest, struct argp_state *state)
{
    guest->weight = (unsigned)options_parse_count(text, WEIGHT_MAX);
    if (!guest->weight)
        argp_error(state, "--weight %s: not a number from 1 to %u", text, WEIGHT_MAX);
}

static void read_uuid(const char *text, struct guest_options *guest, struct argp_state *state)
{
    if (!options_parse_uuid(text, guest->uuid))
        argp_error(state, "--uuid %s: not of the form 01234567-89ab-cdef-0123-456789abcdef, or zeroes alone", text);
}

static void read_on_reboot(const char *text, struct guest_options *guest, struct argp_state *state)
{
    guest->ends_by_reboot = !strcmp(text, "destroy");
    if (!guest->ends_by_reboot && strcmp(text, "restart") != 0)
        argp_error(state, "--on-reboot %s: say restart or destroy", text);
}

/* The one that an option is about: the last that has begun, or before the first, all of them. */
static struct guest_options *guest_of(struct run_options *options)
{
    return options->nr_guests ? &options->guests[options->nr_guests - 1] : &options->common;
}

static bool is_name(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length <= GUEST_NAME_MAX && *name != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == length;
}

/* The next guest, without a name yet; @name is what it is called in a message. */
static struct guest_options *add_guest(struct run_options *options, const char *name, struct argp_state *state)
{
    struct guest_options *guest;

    if (options->nr_guests == GUESTS_MAX)
        argp_error(state, "--guest %s: one too many; at most %u run together", name, GUESTS_MAX);
    guest = &options->guests[options->nr_guests++];
    *guest = options->common;
    guest->kernel = NULL;
    guest->demo = false;
    return guest;
}

static void check_name(const struct run_options *options, const char *name, struct argp_state *state)
{
    for (unsigned i = 0; i < options->nr_guests; i++) {
        if (options->guests[i].name && !strcmp(options->guests[i].name, name))
            argp_error(state, "--guest %s: there are two of that name; give each its own", name);
    }
}

static void begin_guest(struct run_options *options, const char *name, struct argp_state *state)
{
    struct guest_options *guest;

    if (!is_name(name))
        argp_error(state, "--guest %s: a name has 1 to %u letters, digits, dots, underscores and hyphens%s", name,
                   GUEST_NAME_MAX, *name == '-' ? ", and no hyphen in front" : "");
    check_name(options, name, state);
    guest = add_guest(options, name, state);
    guest->name = name;
    guest->is_begun = true;
}

/* A configuration file is of the guest that --guest has begun, or begins one, with a name of its own. */
static void read_config(struct run_options *options, const char *path, struct argp_state *state)
{
    struct guest_options *guest = guest_of(options);
    enum status status;
    const char *name;

    if (guest->is_begun && (guest->has_config || guest->kernel || guest->demo))
        argp_error(state, "--guest %s: one kernel or configuration file at a time; %s is one too many", guest->name,
                   path);
    if (!guest->is_begun)
        guest = add_guest(options, path, state);
    guest->has_config = true;
    status = config_read(path, guest);
    if (status)
        exit((int)status);
    if (guest->is_begun)
        return;
    name = guest->name;
    guest->name = NULL;
    check_name(options, name, state);
    guest->name = name;
}

static void read_file(struct run_options *options, const char *path, struct argp_state *state)
{
    if (config_is_one(path))
        read_config(options, path, state);
    else
        options_read_kernel(&guest_of(options)->kernel, path, state);
}

/* Behind "--" all words are the command's. */
static void read_command(struct run_options *options, struct argp_state *state)
{
    options->command = state->argv + state->next - 1;
    state->next = state->argc;
}

static bool is_command(const struct argp_state *state)
{
    return state->quoted && state->next > state->quoted;
}

static bool read_device(int key, char *text, struct run_options *options, struct argp_state *state)
{
    struct guest_options *guest = guest_of(options);

    switch (key) {
    case KEY_DISK:
        options_read_disk(text, guest, state);
        return true;
    case KEY_CDROM:
        options_read_cdrom(text, guest, state);
        return true;
    case KEY_NET:
        options_read_net(text, guest, guest == &options->common, state);
        return true;
    case KEY_SHARE:
        options_read_share(text, guest, state);
        return true;
    default:
        return false;
    }
}

static void read_argument(struct run_options *options, char *text, struct argp_state *state)
{
    if (is_command(state))
        read_command(options, state);
    else
        read_file(options, text, state);
}

/* False: the key is of no option of a guest. */
static bool read_option(int key, char *text, struct run_options *options, struct argp_state *state)
{
    struct guest_options *guest = guest_of(options);

    switch (key) {
    case KEY_MEMORY:
        read_memory("memory", text, &guest->memory_kib, state);
        return true;
    case KEY_MAXMEM:
        read_memory("maxmem", text, &guest->most_kib, state);
        return true;
    case KEY_VCPUS:
        read_vcpus(text, guest, state);
        return true;
    case KEY_PIN:
        read_pin(text, guest, state);
        return true;
    case KEY_WEIGHT:
        read_weight(text, guest, state);
        return true;
    case KEY_UUID:
        read_uuid(text, guest, state);
        return true;
    case KEY_ON_REBOOT:
        read_on_reboot(text, guest, state);
        return true;
    case KEY_RAMDISK:
        guest->ramdisk = options_read_name("ramdisk", text, state);
        return true;
    case KEY_CMDLINE:
        guest->cmdline = text;
        return true;
    case KEY_PRIVILEGED:
        return guest->privileged = true;
    case KEY_LINEAR_TABLES:
        return guest->linear_tables = true;
    case KEY_DEMO:
        return guest->demo = true;
    case KEY_GUEST:
        begin_guest(options, text, state);
        return true;
    case ARGP_KEY_ARG:
        read_argument(options, text, state);
        return true;
    default:
        return read_device(key, text, options, state);
    }
}

/* Front ends and back ends find each other by the hypervisor's xenstore. */
static void check_initial(const struct guest_options *guest, struct argp_state *state)
{
    if (guest->privileged && (guest->nr_disks || guest->nr_nics || guest->nr_shares))
        argp_error(state,
                   "%s%s--privileged: the initial domain has no xenstore of the hypervisor's, and so no disks, "
                   "networks and shares: leave either out",
                   guest->name ? guest->name : "", guest->name ? ": " : "");
}

static void check_guest(struct guest_options *guest, const struct guest_options *common, struct argp_state *state)
{
    const char *name = guest->name ? guest->name : "", *colon = guest->name ? ": " : "";

    if (!guest->kernel && !guest->demo && !guest->boots_disk) {
        guest->kernel = common->kernel;
        guest->demo = common->demo;
        guest->boots_disk = !guest->kernel && !guest->demo && guest->nr_disks;
    }
    if (guest->demo && guest->kernel)
        argp_error(state, "%s%s--demo brings its kernel along: leave %s out", name, colon, guest->kernel);
    if (!guest->demo && !guest->kernel && !guest->boots_disk)
        argp_error(state, "%s%swhich kernel? Give a file, a --disk that has one, or --demo", name, colon);
    if (guest->boots_disk && !guest->nr_disks)
        argp_error(state, "%s%sthere is no disk to boot from; give it one, or a kernel", name, colon);
    if (!guest->most_kib)
        guest->most_kib = guest->memory_kib;
    if (guest->most_kib < guest->memory_kib)
        argp_error(state, "%s%s--maxmem is less than the memory that it begins with", name, colon);
    if (guest->cmdline && strlen(guest->cmdline) > BUNDLE_CMDLINE_MAX)
        argp_error(state, "%s%s--cmdline: %zu characters, and a guest takes at most %u", name, colon,
                   strlen(guest->cmdline), BUNDLE_CMDLINE_MAX);
}

static void check_uuids(const struct run_options *options, struct argp_state *state)
{
    for (unsigned i = 0; i < options->nr_guests; i++) {
        const struct guest_options *guest = &options->guests[i];

        for (unsigned j = 0; j < i && *guest->uuid; j++) {
            if (!strcmp(guest->uuid, options->guests[j].uuid))
                argp_error(state, "%s: uuid %s: %s has it already; give each its own", guest->name, guest->uuid,
                           options->guests[j].name);
        }
    }
}

static void check_together(const struct run_options *options, struct argp_state *state)
{
    const struct guest_options *initial = NULL;
    uint64_t memory_kib = 0;

    for (unsigned i = 0; i < options->nr_guests; i++) {
        const struct guest_options *guest = &options->guests[i];

        memory_kib += guest->most_kib;
        if (guest->privileged && initial)
            argp_error(state,
                       "%s: --privileged: one guest can be the initial domain, and %s is; say it behind one --guest "
                       "only",
                       guest->name, initial->name);
        if (guest->privileged)
            initial = guest;
    }
    if (memory_kib > MEMORY_MAX_KIB)
        argp_error(state, "the guests have more than 16T of memory together: give them less by --memory");
}

/* A guest that may run nowhere would wait for ever. */
static void check_pinned(const struct run_options *options, struct argp_state *state)
{
    for (unsigned i = 0; i < options->nr_guests && options->processors; i++) {
        const struct guest_options *guest = &options->guests[i];
        uint64_t there = UINT64_MAX >> (PROCESSORS_MAX - options->processors);

        if (guest->pinned && !(guest->pinned & there))
            argp_error(state, "%s%s--pin names none of the %u processors that --cpus gives the machine",
                       guest->name ? guest->name : "", guest->name ? ": " : "", options->processors);
    }
}

/* What is recorded is one order of operations, which there is where one follows the other. */
static void check_record(const struct run_options *options, struct argp_state *state)
{
    const char *option = options->record ? "record" : "map";

    if (!options->record && !options->map)
        return;
    if (options->trace)
        argp_error(state, "--%s and --trace: one at a time; what calls a recording has, `paravane replay` tells",
                   option);
    if (options->processors > 1)
        argp_error(state, "--%s: operations are recorded of one processor only; leave --cpus out", option);
}

/* "NAME=FILE" is the console of a guest. */
static void read_console(struct run_options *options, char *text, struct argp_state *state)
{
    size_t length = strcspn(text, "=");

    if (!text[length] || !text[length + 1])
        argp_error(state, "--console %s: say NAME=FILE", text);
    for (unsigned i = 0; i < options->nr_guests; i++) {
        struct guest_options *guest = &options->guests[i];

        if (!guest->name || strlen(guest->name) != length || strncmp(guest->name, text, length))
            continue;
        if (guest->console)
            argp_error(state, "--console %s: that guest's console is in %s already", text, guest->console);
        guest->console = text + length + 1;
        return;
    }
    argp_error(state, "--console %s: there is no guest of that name; --guest NAME begins one", text);
}

/* Its status comes by the xenstore; and a second end would be nobody's. */
static void check_command(struct run_options *options, struct argp_state *state)
{
    struct guest_options *guest = &options->guests[0];

    if (!options->command)
        return;
    if (options->nr_guests > 1 || !guest->kernel)
        argp_error(state, "-- %s: a command is for one guest, with a KERNEL that is a Linux", options->command[0]);
    if (guest->privileged)
        argp_error(state,
                   "-- %s: the initial domain has no xenstore of the hypervisor's to leave an exit status in; "
                   "leave --privileged out",
                   options->command[0]);
    guest->ends_by_reboot = true;
}

/* All has been read. */
static void end_guests(struct run_options *options, struct argp_state *state)
{
    if (!options->nr_guests)
        options->guests[options->nr_guests++] = options->common;
    for (unsigned i = 0; i < options->nr_guests; i++)
        check_guest(&options->guests[i], &options->common, state);
    for (unsigned i = 0; i < options->nr_consoles; i++)
        read_console(options, options->consoles[i], state);
    for (unsigned i = 0; i < options->nr_guests; i++)
        check_initial(&options->guests[i], state);
    check_uuids(options, state);
    check_together(options, state);
    check_command(options, state);
    check_pinned(options, state);
    check_record(options, state);
    options_end_devices(options, state);
}

static error_t read_guest(int key, char *text, struct argp_state *state)
{
    struct run_options *options = state->input;

    if (key == ARGP_KEY_END)
        end_guests(options, state);
    else if (!read_option(key, text, options, state))
        return ARGP_ERR_UNKNOWN;
    return 0;
}

void options_read_guests(struct argp parser, int count, char **arguments, void *input)
{
    static const struct argp guests = {guest_list, read_guest, NULL, NULL, NULL, NULL, NULL};
    static const struct argp_child children[] = {{&guests, 0, NULL, 0}, {NULL, 0, NULL, 0}};

    parser.children = children;
    argp_err_exit_status = STATUS_USAGE;
    argp_parse(&parser, count, arguments, ARGP_IN_ORDER, NULL, input);
}
