/* SPDX-License-Identifier: MIT */
/* The MADT's list of entries, of which those of local APICs of either kind are looked at. */
#include <hv/base/string.h>
#include <hv/boot/acpi_madt.h>
#include <hv/boot/acpi_tables.h>

#define ENTRIES_OFFSET 44u

#define TYPE_APIC      0u
#define TYPE_X2APIC    9u
#define ENABLED        (1u << 0)
#define APIC_EVERYBODY 0xffu       /* no processor's number, but the way to name them all */
#define X2APIC_ALL     0xffffffffu /* the same */

struct __attribute__((packed)) entry {
    uint8_t type, size;
};

struct __attribute__((packed)) apic {
    struct entry entry;
    uint8_t uid, id;
    uint32_t flags;
};
_Static_assert(sizeof(struct apic) == 8, "ACPI 6.5, 5.2.12.2");

struct __attribute__((packed)) x2apic {
    struct entry entry;
    uint8_t reserved[2];
    uint32_t id, flags, uid;
};
_Static_assert(sizeof(struct x2apic) == 16, "ACPI 6.5, 5.2.12.12");

static void add(struct processors *processors, uint32_t id, uint32_t uid)
{
    for (unsigned i = 0; i < processors->count; i++) {
        if (processors->apics[i] == id)
            return;
    }
    if (processors->count == MAX_CPUS) {
        processors->left_out++;
        return;
    }
    processors->apics[processors->count] = id;
    processors->uids[processors->count++] = uid;
}

static void take_apic(const struct boot_memory *memory, uint64_t at, struct processors *processors)
{
    struct apic apic;

    if (boot_memory_read(memory, at, &apic, sizeof(apic)) && apic.entry.size >= sizeof(apic) &&
        (apic.flags & ENABLED) && apic.id != APIC_EVERYBODY)
        add(processors, apic.id, apic.uid);
}

static void take_x2apic(const struct boot_memory *memory, uint64_t at, struct processors *processors)
{
    struct x2apic apic;

    if (boot_memory_read(memory, at, &apic, sizeof(apic)) && apic.entry.size >= sizeof(apic) &&
        (apic.flags & ENABLED) && apic.id != X2APIC_ALL)
        add(processors, apic.id, apic.uid);
}

/* Behind an entry that is smaller than its own head, or not all in the table, nothing is looked at. */
static void take_entries(const struct boot_memory *memory, uint64_t at, uint64_t end, struct processors *processors)
{
    struct entry entry;

    for (; at < end && boot_memory_read(memory, at, &entry, sizeof(entry)); at += entry.size) {
        if (entry.size < sizeof(entry) || entry.size > end - at)
            return;
        if (entry.type == TYPE_APIC)
            take_apic(memory, at, processors);
        else if (entry.type == TYPE_X2APIC)
            take_x2apic(memory, at, processors);
    }
}

const char *acpi_find_processors(const struct boot_memory *memory, uint64_t rsdp, struct processors *processors)
{
    struct acpi_root root;
    struct acpi_header header;
    uint64_t at;

    memset(processors, 0, sizeof(*processors));
    if (!acpi_find_root(memory, rsdp, &root))
        return "the machine has no ACPI tables";
    at = acpi_find_table(memory, &root, "APIC");
    if (!acpi_read_header(memory, at, "APIC", &header) || header.size < ENTRIES_OFFSET)
        return "its ACPI tables have no MADT";
    take_entries(memory, at + ENTRIES_OFFSET, at + header.size, processors);
    return processors->count ? NULL : "its MADT has no processor";
}
