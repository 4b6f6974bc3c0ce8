/* SPDX-License-Identifier: MIT */
/*
 * How the machine is powered off: ACPI 6.5, chapter 5.2.  In order: the FADT; \_S5, the one object of the firmware's
 * byte code (chapter 20) that is wanted, found by its looks; all of it.
 */
#include <hv/base/string.h>
#include <hv/boot/acpi.h>
#include <hv/boot/acpi_tables.h>

#define FADT_NO_BUTTON        (1u << 4) /* in the registers: it is something else's, if there is one */
#define FADT_HARDWARE_REDUCED (1u << 20)
#define PORT_MAX              0xffffu
#define SLEEP_TYPE_MAX        7u
#define EVENT_SIZE_MIN        4u

#define AML_ZERO       0x00u
#define AML_ONE        0x01u
#define AML_NAME       0x08u
#define AML_BYTE       0x0au
#define AML_PACKAGE    0x12u
#define AML_ROOT       0x5cu /* a backslash */
#define AML_EXTRA_SIZE 6u    /* the upper two bits of a package's length: how many bytes more it has */

struct __attribute__((packed)) fadt {
    struct acpi_header header;
    uint32_t facs, dsdt;
    uint8_t other_1[4];
    uint32_t smi_command;
    uint8_t acpi_enable;
    uint8_t other_2[3];
    uint32_t pm1a_event, pm1b_event;
    uint32_t pm1a_control, pm1b_control;
    uint8_t other_3[16];
    uint8_t event_size; /* of the status and the enable register together */
    uint8_t other_4[23];
    uint32_t flags;
    uint8_t other_5[24];
    uint64_t wide_dsdt; /* may lie beyond the end of an old one, and is then 0 */
};
_Static_assert(__builtin_offsetof(struct fadt, smi_command) == 48, "ACPI 6.5, 5.2.9");
_Static_assert(__builtin_offsetof(struct fadt, pm1a_control) == 64, "ACPI 6.5, 5.2.9");
_Static_assert(__builtin_offsetof(struct fadt, event_size) == 88, "ACPI 6.5, 5.2.9");
_Static_assert(__builtin_offsetof(struct fadt, flags) == 112, "ACPI 6.5, 5.2.9");
_Static_assert(__builtin_offsetof(struct fadt, wide_dsdt) == 140, "ACPI 6.5, 5.2.9");

/*
 * ---- The FADT.
 */

/* What an old table does not have is zero. */
static bool read_fadt(const struct boot_memory *memory, uint64_t at, struct fadt *fadt)
{
    struct acpi_header header;

    memset(fadt, 0, sizeof(*fadt));
    return acpi_read_header(memory, at, "FACP", &header) &&
           boot_memory_read(memory, at, fadt, header.size < sizeof(*fadt) ? header.size : sizeof(*fadt));
}

/*
 * ---- \_S5: a name, and behind it a package whose first two elements are small numbers.
 */

struct code {
    const struct boot_memory *memory;
    uint64_t at, end;
};

static bool take_byte(struct code *code, uint8_t *byte)
{
    return code->at < code->end && boot_memory_read(code->memory, code->at++, byte, 1);
}

static bool take_number(struct code *code, uint8_t *number)
{
    if (!take_byte(code, number))
        return false;
    if (*number == AML_ZERO || *number == AML_ONE)
        return true;
    return *number == AML_BYTE && take_byte(code, number) && *number <= SLEEP_TYPE_MAX;
}

static bool read_package(struct code code, uint8_t sleep_type[2])
{
    uint8_t byte, count;

    if (!take_byte(&code, &byte) || byte != AML_PACKAGE || !take_byte(&code, &byte))
        return false;
    code.at += byte >> AML_EXTRA_SIZE;
    if (!take_byte(&code, &count) || count < 1 || !take_number(&code, &sleep_type[0]))
        return false;
    sleep_type[1] = 0; /* what only looked like it may have left something */
    return count < 2 || take_number(&code, &sleep_type[1]);
}

static bool find_s5(const struct boot_memory *memory, uint64_t dsdt, uint8_t sleep_type[2])
{
    struct code code = {memory, dsdt + sizeof(struct acpi_header), 0};
    struct acpi_header header;
    char name[4], before[2];

    if (!acpi_read_header(memory, dsdt, "DSDT", &header))
        return false;
    code.end = dsdt + header.size;
    for (; code.at + sizeof(name) <= code.end; code.at++) {
        struct code package = {memory, code.at + sizeof(name), code.end};

        if (!boot_memory_read(memory, code.at, name, sizeof(name)) || memcmp(name, "_S5_", sizeof(name)) != 0 ||
            !boot_memory_read(memory, code.at - sizeof(before), before, sizeof(before)))
            continue;
        if ((before[1] == AML_NAME || (before[0] == AML_NAME && before[1] == AML_ROOT)) &&
            read_package(package, sleep_type))
            return true;
    }
    return false;
}

/*
 * ---- All of it.
 */

static void take_button(const struct fadt *fadt, struct power *power)
{
    if ((fadt->flags & FADT_NO_BUTTON) || fadt->pm1a_event == 0 || fadt->event_size < EVENT_SIZE_MIN ||
        fadt->pm1a_event > PORT_MAX - fadt->event_size)
        return;
    power->button = (uint16_t)fadt->pm1a_event;
    power->button_on = (uint16_t)(fadt->pm1a_event + fadt->event_size / 2u);
}

const char *acpi_find_power(const struct boot_memory *memory, uint64_t rsdp_at, struct power *power)
{
    struct acpi_root root;
    struct fadt fadt;

    memset(power, 0, sizeof(*power));
    if (!acpi_find_root(memory, rsdp_at, &root))
        return "it has no ACPI tables";
    if (!read_fadt(memory, acpi_find_table(memory, &root, "FACP"), &fadt))
        return "its ACPI tables have no FADT";
    if (fadt.flags & FADT_HARDWARE_REDUCED)
        return "its ACPI has no registers at ports";
    if (fadt.pm1a_control == 0 || fadt.pm1a_control > PORT_MAX || fadt.pm1b_control > PORT_MAX)
        return "its ACPI tables name no port for that";
    if (!find_s5(memory, fadt.wide_dsdt ? fadt.wide_dsdt : fadt.dsdt, power->sleep_type))
        return "its ACPI tables do not say how";
    power->command = fadt.smi_command <= PORT_MAX ? (uint16_t)fadt.smi_command : 0;
    power->enable = fadt.acpi_enable;
    power->control[0] = (uint16_t)fadt.pm1a_control;
    power->control[1] = (uint16_t)fadt.pm1b_control;
    take_button(&fadt, power);
    return NULL;
}
