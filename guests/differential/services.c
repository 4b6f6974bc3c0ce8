/* SPDX-License-Identifier: MIT */
/*
 * physdev_op, callback_op, nmi_op, set_callbacks, platform_op, xen_version, console_io, and numbers that are no calls.
 *
 * Left out: what would set the first domain's machine to work: interrupt lines and devices that there are, the I/O
 * APIC, the clock, power; console output of anything but empty lines.
 */
#include <abi/io.h>
#include <abi/layout.h>
#include <abi/physdev.h>
#include <abi/platform.h>
#include <abi/version.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/trap.h>
#include <guests/differential/call.h>
#include <guests/differential/groups.h>
#include <guests/differential/world.h>

/* ---- physdev_op */

static const struct item irqs[] = {VALUE(0),  VALUE(1),   VALUE(5),    VALUE(15),
                                   VALUE(16), VALUE(255), VALUE(4096), VALUE(0xffffffff)};
static const struct menu menu_irqs = MENU(irqs);
static const struct item far[] = {VALUE(1000), VALUE(0x7fffffff), VALUE(0x80000000), VALUE(0xffffffff)};
static const struct menu menu_far = MENU(far);
static const struct item iopls[] = {VALUE(0), VALUE(1), VALUE(2), VALUE(3), VALUE(4), VALUE(0xff), VALUE(0xffffffff)};
static const struct menu menu_iopls = MENU(iopls);
static const struct item nr_ports[] = {VALUE(0),     VALUE(1),     VALUE(8),         VALUE(65535),
                                       VALUE(65536), VALUE(65537), VALUE(0xffffffff)};
static const struct menu menu_nr_ports = MENU(nr_ports);
static const struct item types[] = {VALUE(0), VALUE(1), VALUE(2), VALUE(3), VALUE(4), VALUE(5), VALUE(0xffffffff)};
static const struct menu menu_types = MENU(types);
static const struct item bases[] = {VALUE(0), VALUE(0x1000), VALUE(0xd0000000), VALUE(0xffffffffffffffff)};
static const struct menu menu_bases = MENU(bases);
static const struct item segments[] = {VALUE(1), VALUE(77), VALUE(0xffff)};
static const struct menu menu_segments = MENU(segments);

static const struct field irq_fields[] = {
    FIELD(struct physdev_irq_status_query, irq, KIND_NUMBER, &menu_irqs),
    FIELD(struct physdev_irq_status_query, flags, KIND_NUMBER, NULL),
};
static const struct field iopl_fields[] = {FIELD(struct physdev_set_iopl, iopl, KIND_NUMBER, &menu_iopls)};
static const struct field iobitmap_fields[] = {
    FIELD(struct physdev_set_iobitmap, bitmap, KIND_NUMBER, &menu_addresses),
    FIELD(struct physdev_set_iobitmap, nr_ports, KIND_NUMBER, &menu_nr_ports),
};
static const struct field apic_fields[] = {
    FIELD(struct physdev_apic, apic_physbase, KIND_NUMBER, &menu_bases),
    FIELD(struct physdev_apic, reg, KIND_NUMBER, &menu_irqs),
    FIELD(struct physdev_apic, value, KIND_NUMBER, NULL),
};
static const struct field far_fields[] = {FIELD(struct physdev_eoi, irq, KIND_NUMBER, &menu_far)};
static const struct field vector_fields[] = {
    FIELD(struct physdev_irq, irq, KIND_NUMBER, &menu_far),
    FIELD(struct physdev_irq, vector, KIND_NUMBER, NULL),
};
static const struct field map_fields[] = {
    FIELD(struct physdev_map_pirq, domid, KIND_NUMBER, &menu_domains),
    FIELD(struct physdev_map_pirq, type, KIND_NUMBER, &menu_types),
    FIELD(struct physdev_map_pirq, index, KIND_NUMBER, &menu_far),
    FIELD(struct physdev_map_pirq, pirq, KIND_NUMBER, &menu_far),
    FIELD(struct physdev_map_pirq, bus, KIND_NUMBER, &menu_far),
    FIELD(struct physdev_map_pirq, devfn, KIND_NUMBER, &menu_far),
    FIELD(struct physdev_map_pirq, entry_nr, KIND_NUMBER, &menu_far),
    FIELD(struct physdev_map_pirq, table_base, KIND_NUMBER, &menu_bases),
};
static const struct field unmap_fields[] = {
    FIELD(struct physdev_unmap_pirq, domid, KIND_NUMBER, &menu_domains),
    FIELD(struct physdev_unmap_pirq, pirq, KIND_NUMBER, &menu_far),
};
static const struct field gsi_fields[] = {
    FIELD(struct physdev_setup_gsi, gsi, KIND_NUMBER, &menu_far),
    FIELD(struct physdev_setup_gsi, triggering, KIND_NUMBER, &menu_numbers),
    FIELD(struct physdev_setup_gsi, polarity, KIND_NUMBER, &menu_numbers),
};
static const struct field free_fields[] = {
    FIELD(struct physdev_get_free_pirq, type, KIND_NUMBER, &menu_types),
    FIELD(struct physdev_get_free_pirq, pirq, KIND_SOME, NULL),
};
static const struct field mmcfg_fields[] = {
    FIELD(struct physdev_pci_mmcfg_reserved, address, KIND_NUMBER, &menu_bases),
    FIELD(struct physdev_pci_mmcfg_reserved, segment, KIND_NUMBER, &menu_segments),
    FIELD(struct physdev_pci_mmcfg_reserved, flags, KIND_NUMBER, &menu_irqs),
};

#define PHYSDEV(name_, type, fields_, times_)                                                                \
    {                                                                                                        \
        .name = #name_, .command = PHYSDEVOP_##name_, FIELDS(fields_), .size = sizeof(type), .times = times_ \
    }
#define UNKNOWN(number)                                            \
    {                                                              \
        .name = #number, .command = number, .size = 16, .times = 6 \
    }

static const struct op physdev_ops[] = {
    PHYSDEV(irq_status_query, struct physdev_irq_status_query, irq_fields, 30),
    PHYSDEV(set_iopl, struct physdev_set_iopl, iopl_fields, 30),
    PHYSDEV(set_iobitmap, struct physdev_set_iobitmap, iobitmap_fields, 40),
    PHYSDEV(apic_read, struct physdev_apic, apic_fields, 30),
    PHYSDEV(apic_write, struct physdev_apic, apic_fields, 30),
    PHYSDEV(alloc_irq_vector, struct physdev_irq, vector_fields, 20),
    PHYSDEV(eoi, struct physdev_eoi, far_fields, 20),
    PHYSDEV(map_pirq, struct physdev_map_pirq, map_fields, 60),
    PHYSDEV(unmap_pirq, struct physdev_unmap_pirq, unmap_fields, 30),
    PHYSDEV(setup_gsi, struct physdev_setup_gsi, gsi_fields, 20),
    PHYSDEV(get_free_pirq, struct physdev_get_free_pirq, free_fields, 20),
    PHYSDEV(pci_mmcfg_reserved, struct physdev_pci_mmcfg_reserved, mmcfg_fields, 20),
    UNKNOWN(0),
    UNKNOWN(4),
    UNKNOWN(11),
    UNKNOWN(20),
    UNKNOWN(22),
    UNKNOWN(33),
    UNKNOWN(0xffffffff),
};

/* ---- callback_op, nmi_op */

static const struct item callbacks[] = {VALUE(0), VALUE(1), VALUE(2), VALUE(3), VALUE(4),
                                        VALUE(5), VALUE(6), VALUE(7), VALUE(8), VALUE(0xffff)};
static const struct menu menu_callbacks = MENU(callbacks);
static const struct item masks[] = {VALUE(0), VALUE(1), VALUE(2), VALUE(0xffff)};
static const struct menu menu_masks = MENU(masks);

static const struct field register_fields[] = {
    FIELD(struct callback_register, type, KIND_NUMBER, &menu_callbacks),
    FIELD(struct callback_register, flags, KIND_NUMBER, &menu_masks),
    FIELD(struct callback_register, address, KIND_NUMBER, &menu_addresses),
};
static const struct field unregister_fields[] = {
    FIELD(struct callback_unregister, type, KIND_NUMBER, &menu_callbacks),
};
static const struct field nmi_fields[] = {
    FIELD(struct xennmi_callback, handler_address, KIND_NUMBER, &menu_addresses),
};

static const struct op callback_ops[] = {
    {.name = "register", .command = CALLBACKOP_register, FIELDS(register_fields), .size = 16, .times = 150},
    {.name = "unregister", .command = CALLBACKOP_unregister, FIELDS(unregister_fields), .size = 4, .times = 50},
    UNKNOWN(2),
    UNKNOWN(0xffffffff),
};
static const struct op nmi_ops[] = {
    {.name = "register", .command = XENNMI_register_callback, FIELDS(nmi_fields), .size = 16, .times = 30},
    {.name = "unregister", .command = XENNMI_unregister_callback, .times = 10},
    UNKNOWN(2),
};

/* ---- platform_op: its structure starts with the command and the version of the interface. */

static const struct item platform_commands[] = {VALUE(0), VALUE(1), VALUE(XENPF_get_cpuinfo), VALUE(9999),
                                                VALUE(0xffffffff)};
static const struct menu menu_platform_commands = MENU(platform_commands);
static const struct item versions[] = {{"right", XENPF_INTERFACE_VERSION, NULL},
                                       {"right", XENPF_INTERFACE_VERSION, NULL},
                                       VALUE(0),
                                       VALUE(0x03000000),
                                       VALUE(0xffffffff)};
static const struct menu menu_versions = MENU(versions);
static const struct item processors[] = {VALUE(0), VALUE(1), VALUE(5000), VALUE(0xffffffff)};
static const struct menu menu_processors = MENU(processors);
static const struct field platform_fields[] = {
    FIELD(struct xen_platform_op, cmd, KIND_NUMBER, &menu_platform_commands),
    FIELD(struct xen_platform_op, interface_version, KIND_NUMBER, &menu_versions),
    FIELD(struct xen_platform_op, u.pcpu_info.xen_cpuid, KIND_NUMBER, &menu_processors),
    FIELD(struct xen_platform_op, u.pcpu_info.max_present, KIND_NUMBER, NULL),
    FIELD(struct xen_platform_op, u.pcpu_info.flags, KIND_NUMBER, NULL),
    FIELD(struct xen_platform_op, u.pcpu_info.apic_id, KIND_NUMBER, NULL),
    FIELD(struct xen_platform_op, u.pcpu_info.acpi_id, KIND_NUMBER, NULL),
};
static const struct op platform_ops[] = {
    {.name = "op", FIELDS(platform_fields), .size = sizeof(struct xen_platform_op), .shape = SHAPE_ALONE, .times = 80},
};

/* ---- xen_version */

static const struct item submaps[] = {VALUE(0), VALUE(0), VALUE(1), VALUE(2), VALUE(0xffffffff)};
static const struct menu menu_submaps = MENU(submaps);
static const struct field text_fields[] = {{"text", 0, 4, KIND_SOME, NULL}};
static const struct field start_fields[] = {
    FIELD(struct xen_platform_parameters, virt_start, KIND_NUMBER, NULL),
};
static const struct field feature_fields[] = {
    FIELD(struct xen_feature_info, submap_idx, KIND_NUMBER, &menu_submaps),
    FIELD(struct xen_feature_info, submap, KIND_NUMBER, NULL),
};

#define VERSION(name_, size_, times_) .name = #name_, .command = XENVER_##name_, .size = size_, .times = times_
static const struct op version_ops[] = {
    {VERSION(version, 0, 10)},
    {VERSION(extraversion, sizeof(xen_extraversion_t), 15), FIELDS(text_fields)},
    {VERSION(compile_info, sizeof(struct xen_compile_info), 15), FIELDS(text_fields)},
    {VERSION(capabilities, sizeof(xen_capabilities_info_t), 15), FIELDS(text_fields)},
    {VERSION(changeset, sizeof(xen_changeset_info_t), 15), FIELDS(text_fields)},
    {VERSION(platform_parameters, sizeof(struct xen_platform_parameters), 15), FIELDS(start_fields)},
    {VERSION(get_features, sizeof(struct xen_feature_info), 40), FIELDS(feature_fields)},
    {VERSION(pagesize, 0, 20)},
    {VERSION(guest_handle, 16, 15), FIELDS(text_fields)},
    {VERSION(commandline, sizeof(xen_commandline_t), 15), FIELDS(text_fields)},
    UNKNOWN(11),
    UNKNOWN(0xffffffff),
};

/* ---- console_io: the number of bytes stands between the command and where they are. */

static const struct item counts[] = {VALUE(0), VALUE(1), VALUE(7), VALUE(8)};
static const struct menu menu_counts = MENU(counts);
static const struct item many[] = {VALUE(0),          VALUE(1),          VALUE(8),
                                   VALUE(0x7fffffff), VALUE(0x80000000), VALUE(0xffffffff)};
static const struct menu menu_many = MENU(many);
static const struct item newlines[] = {{"newlines", UINT64_C(0x0a0a0a0a0a0a0a0a), NULL}};
static const struct menu menu_newlines = MENU(newlines);
static const struct field console_fields[] = {{"text", 0, 8, KIND_SOME, &menu_newlines}};
static const struct op console_ops[] = {
    {.name = "write",
     .command = CONSOLEIO_write,
     FIELDS(console_fields),
     .size = 8,
     .shape = SHAPE_MIDDLE,
     .middle = &menu_counts,
     .times = 50},
    {.name = "read",
     .command = CONSOLEIO_read,
     FIELDS(console_fields),
     .size = 8,
     .shape = SHAPE_MIDDLE,
     .middle = &menu_many,
     .times = 60},
    {.name = "2",
     .command = 2,
     FIELDS(console_fields),
     .size = 8,
     .shape = SHAPE_MIDDLE,
     .middle = &menu_many,
     .times = 20},
    {.name = "ffffffff",
     .command = 0xffffffff,
     FIELDS(console_fields),
     .size = 8,
     .shape = SHAPE_MIDDLE,
     .middle = &menu_many,
     .times = 10},
};

/* ---- Numbers that are no calls, or calls for others, which get nothing that could be meant. */

static void group_unknown(void)
{
    static const uint64_t numbers[] = {
        11, 27, 31, 34, 35, 36, 37,  38,  39,  40,  41,         42,         43,          47,
        48, 49, 55, 56, 63, 64, 100, 127, 128, 255, 0x80000000, 0xffffffff, 0x100000018, 0xffffffffffffffff};
    static const struct item nothing[] = {VALUE(0), VALUE(0), VALUE(0xffffffffffffffff), VALUE(0x900000000000)};
    static const struct menu menu_nothing = MENU(nothing);
    static const struct menu *const menus[] = {&menu_nothing, &menu_nothing, &menu_nothing};
    static char names[ARRAY_SIZE(numbers)][20];

    for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
        print_to(names[i], sizeof(names[i]), "%lx", numbers[i]);
        for (unsigned time = 0; time < 6; time++)
            (void)call_plain("number", names[i], numbers[i], menus);
    }
}

void group_services(void)
{
    static const struct group groups[] = {
        {"physdev_op", __HYPERVISOR_physdev_op, physdev_ops, ARRAY_SIZE(physdev_ops)},
        {"callback_op", __HYPERVISOR_callback_op, callback_ops, ARRAY_SIZE(callback_ops)},
        {"nmi_op", __HYPERVISOR_nmi_op, nmi_ops, ARRAY_SIZE(nmi_ops)},
        {"platform_op", __HYPERVISOR_platform_op, platform_ops, ARRAY_SIZE(platform_ops)},
        {"xen_version", __HYPERVISOR_xen_version, version_ops, ARRAY_SIZE(version_ops)},
        {"console_io", __HYPERVISOR_console_io, console_ops, ARRAY_SIZE(console_ops)},
    };
    static const struct menu *const addresses[] = {&menu_addresses, &menu_addresses, &menu_addresses};

    for (unsigned i = 0; i < ARRAY_SIZE(groups); i++)
        call_group(&groups[i]);
    for (unsigned i = 0; i < 60; i++)
        (void)call_plain("set_callbacks", "set", __HYPERVISOR_set_callbacks, addresses);
    trap_init();
    group_unknown();
}
