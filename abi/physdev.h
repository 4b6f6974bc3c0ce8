/* SPDX-License-Identifier: MIT */
/*
 * Devices and their interrupts: physdev_op.  Nearly all of it is for domains that have devices.
 */
#ifndef ABI_PHYSDEV_H
#define ABI_PHYSDEV_H

#include "types.h"

/*
 * `incontents 500 physdev_op Devices and device interrupts: physdev_op
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_physdev_op(enum physdev_cmd cmd, void *arg)
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_physdev_op_compat(struct physdev_op *op)
 * `
 * ` @cmd: What to do.
 * ` @arg: The structure that goes with the command; the hypervisor stores results in it.
 * ` @op: Command and structure in one, the older form of the call, for the commands that it has a member for.
 * `
 * ` Errors of all commands, in the order of the checks; Linux as initial domain takes any of them: the device stays
 * ` unused.
 * `   -ENOSYS  unknown command {unknown-command} {NO_COMMAND}
 * `   -EFAULT  @arg cannot be read, or written when all is done {unreadable} {ARGUMENT_FAULT}
 * `   -EPERM   the command belongs to whoever has the machine, see below {no-right} {HARDWARE}
 * `   -EINVAL  no such interrupt, or none that is bound, or the domain has no devices {no-interrupt}
 * `            {PIRQ_RANGE PIRQ_UNMAPPED}
 * `
 * ` PHYSDEVOP_set_iopl: the I/O privilege level of the calling vCPU.  Ports may be used by the kernel at 1 or
 * ` above, and by user mode at 3; with VMASST_TYPE_architectural_iopl the kernel needs 0,
 * ` and each [iret] sets the level anew. {iopl}
 * ` The same holds for cli and sti, which do nothing. {cli}
 * ` Any domain may call it; a domain without a right to a port reads all ones from it, and its writes are
 * ` dropped. {ports}
 * `   -EINVAL  more than 3 {iopl-refused} {IOPL}
 * ` PHYSDEVOP_set_iobitmap: a bitmap of ports that user mode may use below that level: bit clear, port allowed.
 * ` It stays in guest memory, and the hypervisor does not read it: below the level, ports fault in user mode whatever
 * ` it says. {iobitmap}
 * `   -EINVAL  more than 65536 ports {iobitmap-refused} {IO_BITMAP}
 * ` PHYSDEVOP_irq_status_query: does an interrupt need PHYSDEVOP_eoi, and is it shared? {status}
 * ` PHYSDEVOP_eoi: the interrupt has been handled, and may come again. {eoi}
 * ` PHYSDEVOP_map_pirq: let the domain bind a device interrupt with EVTCHNOP_bind_pirq, see [event_channel_op]. {map}
 * `   -EPERM   the domain has no devices, or names another domain {map-right} {NO_DEVICES NO_RIGHT}
 * `   -EINVAL  no such kind of interrupt, or a number below -1, which stands for any {map-kind}
 * `            {MAP_TYPE PIRQ_RANGE} {hv:map}
 * `   -ENODEV  it has no such device, or that has no such interrupts {map-none} {NO_FUNCTION}
 * `   -EINVAL  the device has no such message, or the machine no such line {map-number}
 * `            {MESSAGE_TABLE NO_LINE}
 * `   -EPERM   no right to the line {map-line} {NO_LINE}
 * `   -EBUSY   another domain has the line {map-busy} {LINE_TAKEN}
 * `   -EEXIST  the interrupt is mapped already {map-twice} {MESSAGE_TAKEN PIRQ_TAKEN} {hv:pirq_map_msix pirq_map_line}
 * `   -EINVAL  there is no such number {map-beyond} {PIRQ_RANGE} {hv:find_number}
 * `   -EEXIST  the number is in use {map-used} {PIRQ_TAKEN} {hv:find_number}
 * `   -ENOSPC  no number, or no vector of the processor, is left {map-full} {PIRQS_EXHAUSTED}
 * ` PHYSDEVOP_unmap_pirq: let it bind the interrupt no more. {unmap}
 * `   -EINVAL  the domain has no devices {unmap-no-devices} {NO_DEVICES}
 * `   -EPERM   it names another domain {unmap-right} {NO_RIGHT}
 * `   -EINVAL  nothing is mapped there {unmap-none} {PIRQ_UNMAPPED}
 * `
 * ` The commands that follow belong to whoever has the machine's interrupts and its PCI as a whole.  Paravane keeps
 * ` both, and refuses all of them with -EPERM. {refused}
 * ` PHYSDEVOP_pirq_eoi_gmfn_v2: a frame where a bit for each interrupt tells whether it needs PHYSDEVOP_eoi, so
 * ` that the guest need not ask.
 * ` PHYSDEVOP_apic_read, PHYSDEVOP_apic_write: a register of an I/O APIC.
 * ` PHYSDEVOP_alloc_irq_vector: a vector for an interrupt; an older form of PHYSDEVOP_map_pirq.
 * ` PHYSDEVOP_setup_gsi: how an interrupt line is triggered.
 * ` PHYSDEVOP_get_free_pirq: a number for an interrupt that is not mapped yet.
 * ` PHYSDEVOP_pci_mmcfg_reserved: whether an area of PCI configuration space is reserved in the memory map.
 * ` PHYSDEVOP_pci_device_add, PHYSDEVOP_pci_device_remove: a PCI device has been found; is gone.
 */
/* ` enum physdev_cmd { // PHYSDEVOP_* => struct physdev_* */
#define PHYSDEVOP_irq_status_query       5
#define PHYSDEVOP_set_iopl               6
#define PHYSDEVOP_set_iobitmap           7
#define PHYSDEVOP_apic_read              8 /* => struct physdev_apic */
#define PHYSDEVOP_apic_write             9 /* => struct physdev_apic */
#define PHYSDEVOP_alloc_irq_vector      10 /* => struct physdev_irq */
#define PHYSDEVOP_eoi                   12
#define PHYSDEVOP_map_pirq              13
#define PHYSDEVOP_unmap_pirq            14
#define PHYSDEVOP_setup_gsi             21
#define PHYSDEVOP_get_free_pirq         23
#define PHYSDEVOP_pci_mmcfg_reserved    24
#define PHYSDEVOP_pci_device_add        25
#define PHYSDEVOP_pci_device_remove     26 /* => struct physdev_pci_device */
#define PHYSDEVOP_pirq_eoi_gmfn_v2      28 /* => struct physdev_pirq_eoi_gmfn */
/* ` } */

/*
 * The same in both widths, unless a compat_ structure follows.
 */
struct physdev_irq_status_query {
    uint32_t irq;
    uint32_t flags; /* result: => enum irq_status */
};

/* ` enum irq_status { */
#define XENIRQSTAT_needs_eoi    (1U << 0)
#define XENIRQSTAT_shared       (1U << 1)
/* ` } */

struct physdev_set_iopl {
    uint32_t iopl;
};

struct physdev_set_iobitmap {
    uint64_t bitmap; /* address of an array of bytes; 0 for none */
    uint32_t nr_ports;
    uint32_t _gap0;
};

struct compat_physdev_set_iobitmap {
    uint32_t bitmap;
    uint32_t nr_ports;
};

struct physdev_apic {
    uint64_t apic_physbase; /* machine address of the I/O APIC */
    uint32_t reg;
    uint32_t value; /* read: result */
};

struct compat_physdev_apic {
    uint32_t apic_physbase;
    uint32_t reg;
    uint32_t value;
};

struct physdev_irq {
    uint32_t irq;
    uint32_t vector; /* result */
};

struct physdev_eoi {
    uint32_t irq;
};

/* ` enum map_pirq_type { */
#define MAP_PIRQ_TYPE_MSI               0x0
#define MAP_PIRQ_TYPE_GSI               0x1 /* an interrupt line */
#define MAP_PIRQ_TYPE_UNKNOWN           0x2
#define MAP_PIRQ_TYPE_MSI_SEG           0x3 /* MSI, with a PCI segment in bits 16-31 of bus */
#define MAP_PIRQ_TYPE_MULTI_MSI         0x4 /* several MSIs, entry_nr of them */
/* ` } */

struct physdev_map_pirq {
    uint16_t domid; /* => enum domid */
    uint16_t _gap0;
    int32_t type; /* => enum map_pirq_type */
    int32_t index;
    int32_t pirq; /* number wished for, or -1; result: the number given */
    int32_t bus;  /* this and the rest for MSIs */
    int32_t devfn;
    int32_t entry_nr;
    uint32_t _gap1;
    uint64_t table_base; /* machine address of the table of MSI-X, 0 for MSI */
};

struct compat_physdev_map_pirq {
    uint16_t domid; /* => enum domid */
    uint16_t _gap0;
    int32_t type; /* => enum map_pirq_type */
    int32_t index;
    int32_t pirq;
    int32_t bus;
    int32_t devfn;
    int32_t entry_nr;
    compat_u64 table_base;
};

struct physdev_unmap_pirq {
    uint16_t domid; /* => enum domid */
    uint16_t _gap0;
    int32_t pirq;
};

struct physdev_setup_gsi {
    int32_t gsi;
    uint8_t triggering; /* 0 edge, 1 level */
    uint8_t polarity;   /* 0 active high, 1 active low */
    uint8_t _gap0[2];
};

struct physdev_get_free_pirq {
    int32_t type;  /* => enum map_pirq_type */
    uint32_t pirq; /* result */
};

struct physdev_pci_mmcfg_reserved {
    uint64_t address; /* machine address of the area */
    uint16_t segment;
    uint8_t start_bus;
    uint8_t end_bus;
    uint32_t flags; /* => enum pci_mmcfg_flags */
};

/* ` enum pci_mmcfg_flags { */
#define XEN_PCI_MMCFG_RESERVED 0x1
/* ` } */

struct physdev_pci_device_add {
    uint16_t seg;
    uint8_t bus;
    uint8_t devfn;
    uint32_t flags; /* => enum pci_device_flags */
    struct {        /* the physical function, with XEN_PCI_DEV_VIRTFN */
        uint8_t bus;
        uint8_t devfn;
    } physfn;
    uint16_t _gap0;
    uint32_t optarr[]; /* the memory node, with XEN_PCI_DEV_PXM */
};

/* ` enum pci_device_flags { */
#define XEN_PCI_DEV_EXTFN       0x1 /* an extended function */
#define XEN_PCI_DEV_VIRTFN      0x2 /* a virtual function */
#define XEN_PCI_DEV_PXM         0x4 /* the memory node is known */
/* ` } */

struct physdev_pci_device {
    uint16_t seg;
    uint8_t bus;
    uint8_t devfn;
};

struct physdev_pirq_eoi_gmfn {
    xen_pfn_t gmfn; /* machine frame of the guest */
};

struct compat_physdev_pirq_eoi_gmfn {
    compat_pfn_t gmfn;
};

/*
 * The argument of the older call.
 */
struct physdev_op {
    uint32_t cmd; /* => enum physdev_cmd */
    uint32_t _gap0;
    union {
        struct physdev_irq_status_query irq_status_query;
        struct physdev_set_iopl set_iopl;
        struct physdev_set_iobitmap set_iobitmap;
        struct physdev_apic apic_op;
        struct physdev_irq irq_op;
    } u;
};

struct compat_physdev_op {
    uint32_t cmd; /* => enum physdev_cmd */
    union {
        struct physdev_irq_status_query irq_status_query;
        struct physdev_set_iopl set_iopl;
        struct compat_physdev_set_iobitmap set_iobitmap;
        struct compat_physdev_apic apic_op;
        struct physdev_irq irq_op;
    } u;
};

#endif /* ABI_PHYSDEV_H */
