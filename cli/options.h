/* SPDX-License-Identifier: MIT */
/* The command line of each sub-command, and its help. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cli/device.h>

#define QEMU_ARGUMENTS_MAX 64u
#define GUESTS_MAX         16u /* of a bundle */
#define GUEST_NAME_MAX     31u /* characters */
#define GUEST_VCPUS_MAX    32u /* a guest knows places for so many */
#define PROCESSORS_MAX     64u
#define NETWORKS_MAX       16u
#define UUID_TEXT_SIZE     37u /* with the final zero */

struct guest_options {
    const char *name; /* NULL: none, and it is the only one */
    bool is_begun;    /* by --guest; otherwise by a file */
    bool has_config;
    const char *kernel;            /* NULL with @demo and @boots_disk */
    const char *ramdisk, *cmdline; /* NULL: not given */
    uint64_t memory_kib, most_kib; /* the second 0: it stays at the first */
    const char *console;           /* the file that its console is written to; NULL: it is shown */
    unsigned weight;               /* its share of the processor, beside others' */
    unsigned vcpus, most_vcpus;    /* online at its start, and that may be; 0: not more than those */
    uint64_t pinned;               /* bit n: its vCPUs may run on processor n; 0: on any */
    char uuid[UUID_TEXT_SIZE];     /* empty: none has been chosen */
    bool demo, privileged, linear_tables;
    bool ends_by_reboot; /* otherwise it is started anew */
    bool boots_disk;     /* the kernel is on its first disk: GRUB looks for it, */
    bool boots_narrow;   /* the one for kernels of 32 bits */
    const char *rights;  /* to parts of the machine, as lines of settings; NULL: none */
    unsigned nr_disks, nr_nics, nr_shares;
    struct disk_options disks[DEVICES_MAX];
    struct nic_options nics[DEVICES_MAX];
    struct share_options shares[DEVICES_MAX];
};

struct run_options {
    struct guest_options common; /* what a guest has that does not say otherwise */
    unsigned nr_guests;          /* 1 at least */
    struct guest_options guests[GUESTS_MAX];
    unsigned nr_consoles;
    char *consoles[GUESTS_MAX]; /* NAME=FILE, as they stand */
    const char *seed;           /* NULL: not given */
    const char *machine;
    unsigned timeout_seconds;                  /* 0: none */
    unsigned processors;                       /* 0: not given */
    unsigned gdb_port;                         /* of TCP, at which a debugger is waited for; 0: none is */
    const char *trace, *trace_only, *trace_to; /* NULL: not given */
    const char *record;                        /* the file; NULL: not given */
    const char *map;                           /* the page; NULL: not given */
    char **command;                            /* that the guest, a Linux, is to run, ended by NULL; NULL: none */
    bool verbose, explain, audit;
    bool explains_as_json; /* if @explain */
    bool snapshot;         /* what is written to disks is lost at the end */
    unsigned nr_networks;
    struct network networks[NETWORKS_MAX];
    unsigned nr_qemu_arguments;
    const char *qemu_arguments[QEMU_ARGUMENTS_MAX];
};

struct inspect_options {
    const char *kernel;
};

/* Does each guest have a console to itself?  Otherwise there is one guest, and the console is QEMU's as it is. */
static inline bool options_have_consoles(const struct run_options *options)
{
    return options->nr_guests > 1 || options->nr_consoles > 0;
}

/* The number of the domain of the guest at @place, and that of the back end, if there is one. */
static inline unsigned options_guest_number(const struct run_options *options, unsigned place)
{
    return options->guests[place].privileged ? 0 : place + 1;
}

static inline unsigned options_backend_number(const struct run_options *options)
{
    return options->nr_guests + 1;
}

/* Has any guest a device?  Then a back end serves it. */
static inline bool options_have_devices(const struct run_options *options)
{
    for (unsigned i = 0; i < options->nr_guests; i++) {
        if (options->guests[i].nr_disks || options->guests[i].nr_nics || options->guests[i].nr_shares)
            return true;
    }
    return false;
}

static inline unsigned guest_most_vcpus(const struct guest_options *guest)
{
    return guest->most_vcpus > guest->vcpus ? guest->most_vcpus : guest->vcpus;
}

/*
 * As many processors as a guest can keep busy, and one on which its back end runs at the same time: taking turns with
 * it on one costs each of them, request by request, what the processor knew of its memory.
 */
static inline unsigned options_useful_processors(const struct run_options *options)
{
    unsigned most = 1;

    for (unsigned i = 0; i < options->nr_guests; i++)
        most = guest_most_vcpus(&options->guests[i]) > most ? guest_most_vcpus(&options->guests[i]) : most;
    return most + options_have_devices(options);
}

/* With so many processors each guest has as many of those that it is pinned to as it can keep busy; 0: none are. */
static inline unsigned options_for_pins(const struct run_options *options)
{
    unsigned count = 0;

    for (unsigned i = 0; i < options->nr_guests; i++) {
        const struct guest_options *guest = &options->guests[i];

        for (unsigned at = 0, found = 0; at < PROCESSORS_MAX && found < guest_most_vcpus(guest); at++) {
            bool is_pinned = guest->pinned >> at & 1;

            found += is_pinned;
            count = is_pinned && count <= at ? at + 1 : count;
        }
    }
    return count;
}

/* Is the run recorded, be it for a map alone? */
static inline bool options_record(const struct run_options *options)
{
    return options->record || options->map;
}

/* Has the machine PCI?  Otherwise its devices have their registers in memory. */
static inline bool options_have_pci(const struct run_options *options)
{
    return strcmp(options->machine, "microvm") != 0;
}

/* Read the options of a sub-command, which @arguments begins with.  Wrong ones, and --help, end the program. */
void options_read_run(int count, char **arguments, struct run_options *options);
void options_read_inspect(int count, char **arguments, struct inspect_options *options);
