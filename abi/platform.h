/* SPDX-License-Identifier: MIT */
/*
 * What the initial domain asks of the machine: platform_op, as far as Linux uses it.
 */
#ifndef ABI_PLATFORM_H
#define ABI_PLATFORM_H

#include "types.h"

/*
 * `incontents 510 platform_op The machine: platform_op
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_platform_op(struct xen_platform_op *op)
 * `
 * ` @op: Command and arguments; the hypervisor stores results in it.
 * `
 * ` Errors, in the order of the checks:
 * `   -EFAULT  @op cannot be read or written {unreadable} {ARGUMENT_FAULT}
 * `   -EACCES  interface_version is not XENPF_INTERFACE_VERSION {version} {INTERFACE_VERSION}
 * `   -EPERM   the caller is not the initial domain {no-right} {NOT_INITIAL}
 * `   -ENOSYS  unknown command, or not offered on this machine; Linux takes it for an answer, for each of them
 * `            {not-offered} {NO_COMMAND}
 * `
 * ` XENPF_settime64, XENPF_settime32: set the time of day that it was at a system time, which moves the wallclock of
 * ` all domains, see [time]; the latter until the year 2106. {settime}
 * `   -EINVAL  mbz is not 0, or there are a second's nanoseconds or more {settime-refused} {WALL_CLOCK}
 * ` XENPF_get_cpuinfo: describe one processor of the machine. {cpuinfo}
 * `   -EINVAL  no such processor {no-cpu} {NO_PROCESSOR}
 * `
 * ` Not offered by Paravane:
 * ` XENPF_enter_acpi_sleep: put the machine to sleep, or power it off.
 * ` XENPF_firmware_info: what the firmware told about disks, screen and keyboard.
 * ` XENPF_set_processor_pminfo: what ACPI tells about sleep states and frequencies of a processor.
 * ` The arguments of the last two are not described here; they lie in pad.
 */
/* ` enum platform_version { */
#define XENPF_INTERFACE_VERSION 0x03000001
/* ` } */

/* ` enum platform_cmd { // XENPF_* => struct xenpf_* */
#define XENPF_settime32                 17
#define XENPF_firmware_info             50 /* => nothing described here */
#define XENPF_enter_acpi_sleep          51
#define XENPF_set_processor_pminfo      54 /* => nothing described here */
#define XENPF_get_cpuinfo               55 /* => struct xenpf_pcpuinfo */
#define XENPF_settime64                 62
/* ` } */

struct xenpf_settime32 {
    uint32_t secs; /* since 1970 UTC */
    uint32_t nsecs;
    uint64_t system_time; /* at that moment */
};

struct xenpf_settime64 {
    uint64_t secs;
    uint32_t nsecs;
    uint32_t mbz; /* 0 */
    uint64_t system_time;
};

struct xenpf_enter_acpi_sleep {
    uint16_t val_a; /* for the registers PM1a and PM1b, or the sleep and status registers of reduced hardware */
    uint16_t val_b;
    uint32_t sleep_state; /* 1 to 5 */
    uint32_t flags;       /* => enum acpi_sleep_flags */
};

/* ` enum acpi_sleep_flags { */
#define XENPF_ACPI_SLEEP_EXTENDED 0x00000001 /* reduced hardware */
/* ` } */

struct xenpf_pcpuinfo {
    uint32_t xen_cpuid;   /* the processor asked for */
    uint32_t max_present; /* result: highest number of a processor */
    uint32_t flags;       /* result: => enum pcpu_flags */
    uint32_t apic_id;     /* result */
    uint32_t acpi_id;     /* result */
};

/* ` enum pcpu_flags { */
#define XEN_PCPU_FLAGS_ONLINE   1
#define XEN_PCPU_FLAGS_INVALID  2 /* there is no such processor */
/* ` } */

/*
 * The same in both widths.
 */
struct xen_platform_op {
    uint32_t cmd;               /* => enum platform_cmd */
    uint32_t interface_version; /* => enum platform_version */
    union {
        struct xenpf_settime32 settime32;
        struct xenpf_settime64 settime64;
        struct xenpf_enter_acpi_sleep enter_acpi_sleep;
        struct xenpf_pcpuinfo pcpu_info;
        uint8_t pad[128];
    } u;
};

#endif /* ABI_PLATFORM_H */
