/* SPDX-License-Identifier: MIT */
/* Machine memory with ACPI's tables, as firmware has them: the root pointer, a list, and room for what it names. */
#pragma once

#include <stdint.h>

#include <hv/boot/boot.h>

#define SIZE 0x101000u /* the last page is for tables */
#define EBDA 0x9fc00u
#define RSDP 0xf5a40u
#define LIST 0x100000u

extern uint8_t *ram;

/* Memory of zeroes, with a root pointer to a list of @first and @second; give it back. */
void acpi_make(uint32_t first, uint32_t second);
void acpi_unmake(void);

void put(unsigned at, uint64_t value, unsigned size);

/* The head of a table. */
void put_table(unsigned at, const char *signature, uint32_t size);

/* A root pointer to LIST. */
void put_rsdp(unsigned at, unsigned revision);

struct boot_memory acpi_memory(void);
