/* SPDX-License-Identifier: MIT */
/* Finding ACPI's tables: ACPI 6.5, chapter 5.2.  In order: the root pointer; the list of tables. */
#include <hv/base/string.h>
#include <hv/boot/acpi_tables.h>

#define RSDP_STEP      16u /* it is aligned so */
#define RSDP_SUMMED    20u /* bytes that its checksum is about */
#define EBDA_SEGMENT   0x40eu
#define EBDA_SEARCHED  1024u
#define BIOS_START     0xe0000u
#define BIOS_END       0x100000u
#define TABLE_SIZE_MAX (16u << 20)

struct __attribute__((packed)) rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt; /* from revision 2 on */
};
_Static_assert(sizeof(struct rsdp) == 32, "ACPI 6.5, 5.2.5.3");

/*
 * ---- The root pointer.
 */

static bool is_signature(const char *bytes, const char *signature, size_t size)
{
    return memcmp(bytes, signature, size) == 0;
}

static bool read_rsdp(const struct boot_memory *memory, uint64_t at, struct rsdp *rsdp)
{
    uint8_t bytes[RSDP_SUMMED], sum = 0;

    if (!boot_memory_read(memory, at, bytes, sizeof(bytes)) || !is_signature((const char *)bytes, "RSD PTR ", 8))
        return false;
    for (unsigned i = 0; i < sizeof(bytes); i++)
        sum = (uint8_t)(sum + bytes[i]);
    memset(rsdp, 0, sizeof(*rsdp));
    memcpy(rsdp, bytes, sizeof(bytes));
    if (sum == 0 && rsdp->revision >= 2)
        return boot_memory_read(memory, at, rsdp, sizeof(*rsdp));
    return sum == 0;
}

static bool search_rsdp(const struct boot_memory *memory, uint64_t start, uint64_t end, struct rsdp *rsdp)
{
    for (uint64_t at = start; at < end; at += RSDP_STEP) {
        if (read_rsdp(memory, at, rsdp))
            return true;
    }
    return false;
}

static bool find_rsdp(const struct boot_memory *memory, uint64_t at, struct rsdp *rsdp)
{
    uint16_t segment;
    uint64_t ebda;

    if (at)
        return read_rsdp(memory, at, rsdp);
    if (!boot_memory_read(memory, EBDA_SEGMENT, &segment, sizeof(segment)))
        return false;
    ebda = (uint64_t)segment << 4;
    return (ebda && search_rsdp(memory, ebda, ebda + EBDA_SEARCHED, rsdp)) ||
           search_rsdp(memory, BIOS_START, BIOS_END, rsdp);
}

bool acpi_find_root(const struct boot_memory *memory, uint64_t at, struct acpi_root *root)
{
    struct rsdp rsdp;

    if (!find_rsdp(memory, at, &rsdp))
        return false;
    *root = (struct acpi_root){rsdp.rsdt, rsdp.xsdt};
    return true;
}

/*
 * ---- The list of tables.
 */

bool acpi_read_header(const struct boot_memory *memory, uint64_t at, const char *signature, struct acpi_header *header)
{
    return at && boot_memory_read(memory, at, header, sizeof(*header)) &&
           is_signature(header->signature, signature, sizeof(header->signature)) && header->size >= sizeof(*header) &&
           header->size <= TABLE_SIZE_MAX;
}

uint64_t acpi_find_table(const struct boot_memory *memory, const struct acpi_root *root, const char *signature)
{
    bool wide = root->xsdt != 0;
    uint64_t list = wide ? root->xsdt : root->rsdt, size = wide ? sizeof(uint64_t) : sizeof(uint32_t);
    struct acpi_header header, table;

    if (!acpi_read_header(memory, list, wide ? "XSDT" : "RSDT", &header))
        return 0;
    for (uint64_t offset = sizeof(header); offset + size <= header.size; offset += size) {
        uint64_t at = 0;

        if (boot_memory_read(memory, list + offset, &at, size) && acpi_read_header(memory, at, signature, &table))
            return at;
    }
    return 0;
}
