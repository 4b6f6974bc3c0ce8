/* SPDX-License-Identifier: MIT */
/* ACPI's tables, as firmware has left them: nothing in them is believed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hv/boot/boot.h>

/* What each table begins with. */
struct acpi_header {
    char signature[4];
    uint32_t size; /* of the table, this included */
    uint8_t other[28];
};
_Static_assert(sizeof(struct acpi_header) == 36, "ACPI 6.5, 5.2.6");

/* Where the list of tables is, in one form or both. */
struct acpi_root {
    uint64_t rsdt, xsdt; /* 0: there is none */
};

/*
 * The root pointer.  @at is where the loader says that it is; 0: it is looked for where the firmware of a PC has it.
 * False: it is not there.
 */
bool __must_check acpi_find_root(const struct boot_memory *memory, uint64_t at, struct acpi_root *root);

/* Where the first table with @signature, of four characters, is; 0: nowhere. */
uint64_t acpi_find_table(const struct boot_memory *memory, const struct acpi_root *root, const char *signature);

/* The head of the table at @at, if it is one of that name and of a size that is possible.  False for 0, too. */
bool __must_check acpi_read_header(const struct boot_memory *memory, uint64_t at, const char *signature,
                                   struct acpi_header *header);
