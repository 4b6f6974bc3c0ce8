/* SPDX-License-Identifier: MIT */
/* In order: values; a guest begins; its options and files; what all share; what does not go together. */
#include <stdlib.h>
#include <string.h>

#include <cli/bundle_write.h>
#include <cli/config.h>
#include <cli/options_device.h>
#include <cli/options_guest.h>
#include <cli/options_network.h>
#include <cli/options_value.h>

#define DEFAULT_MEMORY_KIB ((uint64_t)512 << 10)
#define DEFAULT_WEIGHT     256u
#define WEIGHT_MAX         65535u

const struct guest_options options_no_guest = {.memory_kib = DEFAULT_MEMORY_KIB, .weight = DEFAULT_WEIGHT};

static void read_vcpus(const char *text, struct argp_state *state)
{
    unsigned long long count = options_parse_count(text, UINT32_MAX);

    if (!count)
        argp_error(state, "--vcpus %s: not a number from 1 on", text);
    else if (count > 1)
        argp_error(state, "--vcpus %s: this version gives a guest one vCPU; leave the option out or say 1", text);
}

static void read_weight(const char *text, struct guest_options *guest, struct argp_state *state)
{
    guest->weight = (unsigned)options_parse_count(text, WEIGHT_MAX);
    if (!guest->weight)
        argp_error(state, "--weight %s: not a number from 1 to %u", text, WEIGHT_MAX);
}

static void read_on_reboot(const char *text, struct guest_options *guest, struct argp_state *state)
{
    guest->ends_by_reboot = !strcmp(text, "destroy");
    if (!guest->ends_by_reboot && strcmp(text, "restart") != 0)
        argp_error(state, "--on-reboot %s: say restart or destroy", text);
}

struct guest_options *options_guest(struct run_options *options)
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

void options_begin_guest(struct run_options *options, const char *name, struct argp_state *state)
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
    struct guest_options *guest = options_guest(options);
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
        options_read_kernel(&options_guest(options)->kernel, path, state);
}

static bool read_device(int key, char *text, struct run_options *options, struct argp_state *state)
{
    struct guest_options *guest = options_guest(options);

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
    default:
        return false;
    }
}

bool options_read_guest(int key, char *text, struct run_options *options, struct argp_state *state)
{
    struct guest_options *guest = options_guest(options);

    switch (key) {
    case KEY_MEMORY:
        if (!options_parse_memory(text, &guest->memory_kib))
            argp_error(state, "--memory %s: not a size such as 512M or 2G, in whole pages of 4K, up to 16T", text);
        return true;
    case KEY_VCPUS:
        read_vcpus(text, state);
        return true;
    case KEY_WEIGHT:
        read_weight(text, guest, state);
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
    case KEY_DEMO:
        return guest->demo = true;
    case ARGP_KEY_ARG:
        read_file(options, text, state);
        return true;
    default:
        return read_device(key, text, options, state);
    }
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
    if (guest->cmdline && strlen(guest->cmdline) > BUNDLE_CMDLINE_MAX)
        argp_error(state, "%s%s--cmdline: %zu characters, and a guest takes at most %u", name, colon,
                   strlen(guest->cmdline), BUNDLE_CMDLINE_MAX);
}

static void check_together(const struct run_options *options, struct argp_state *state)
{
    const struct guest_options *initial = NULL;
    uint64_t memory_kib = 0;

    for (unsigned i = 0; i < options->nr_guests; i++) {
        const struct guest_options *guest = &options->guests[i];

        memory_kib += guest->memory_kib;
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

void options_end_guests(struct run_options *options, struct argp_state *state)
{
    if (!options->nr_guests)
        options->guests[options->nr_guests++] = options->common;
    for (unsigned i = 0; i < options->nr_guests; i++)
        check_guest(&options->guests[i], &options->common, state);
    for (unsigned i = 0; i < options->nr_consoles; i++)
        read_console(options, options->consoles[i], state);
    check_together(options, state);
    options_end_devices(options, state);
}
