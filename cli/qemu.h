/* SPDX-License-Identifier: MIT */
/* How QEMU is called. */
#pragma once

#include <limits.h>
#include <stdint.h>

#include <cli/message.h>
#include <cli/options.h>

#define QEMU_DEVICE_MAX  (2 * MACHINE_SLOTS + 2) /* options of devices, each with a value */
#define QEMU_COMMAND_MAX (64u + 2 * QEMU_DEVICE_MAX + QEMU_ARGUMENTS_MAX)

struct qemu_command {
    const char *arguments[QEMU_COMMAND_MAX + 1]; /* ends with NULL; point into what follows and into the options */
    unsigned count;
    unsigned nr_owned;
    char *owned[QEMU_DEVICE_MAX];
    char cpu[32], memory[32], processors[16], words[192], memory_file[128], machine[64], log[48], gdb[32];
};

struct qemu_request {
    const struct run_options *options;
    const char *hypervisor, *bundle; /* files */
    uint64_t bundle_size;            /* bytes */
    const char *proof;               /* what the hypervisor is to prove its end by */
    const char *memory;              /* the file that is the machine's memory; NULL: QEMU's own */
    bool traces, traces_deep, traces_traps, records;
    int log_fd; /* what the hypervisor says goes there; QEMU inherits it */
};

/* The program: what PARAVANE_QEMU says, or QEMU for x86-64. */
const char *qemu_program(void);

/* How much memory the machine has to have: for the hypervisor, the bundle and all guests. */
uint64_t qemu_memory_mib(const struct qemu_request *request);

/* See that a process can have the memory that the machine is to have.  STATUS_FAILED: it cannot. */
enum status __must_check qemu_check_memory(const struct qemu_request *request);

/*
 * Compose the command; qemu_free() it afterwards.  Asks QEMU for its version; where that fails an old one is assumed,
 * and the run itself will show what is wrong.
 */
void qemu_compose(const struct qemu_request *request, struct qemu_command *command);
void qemu_free(struct qemu_command *command);

/*
 * Compose, for people, the command of a machine that boots the image at @path, a file of that format, as a device of
 * that kind; qemu_free() it afterwards.
 */
void qemu_compose_booting(const struct run_options *options, uint64_t memory_mib, const char *path, const char *device,
                          const char *format, struct qemu_command *command);

/* Print the command behind @start, as a shell would take it. */
void qemu_show(FILE *to, const char *start, const struct qemu_command *command);

/* For those: the disks and network cards; and the one that is booted from. */
void qemu_add_devices(const struct run_options *options, struct qemu_command *command);
void qemu_add_medium(const char *path, const char *device, const char *format, struct qemu_command *command);
