/* SPDX-License-Identifier: MIT */
/* The memory: acpi_maker.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tests/hv/lib/acpi_maker.h>

uint8_t *ram;

void put(unsigned at, uint64_t value, unsigned size)
{
    memcpy(ram + at, &value, size);
}

void put_table(unsigned at, const char *signature, uint32_t size)
{
    memcpy(ram + at, signature, 4);
    put(at + 4, size, 4);
}

static void sum_rsdp(unsigned at)
{
    uint8_t sum = 0;

    ram[at + 8] = 0;
    for (unsigned i = 0; i < 20; i++)
        sum = (uint8_t)(sum + ram[at + i]);
    ram[at + 8] = (uint8_t)-sum;
}

void put_rsdp(unsigned at, unsigned revision)
{
    memcpy(ram + at, "RSD PTR ", 8);
    ram[at + 15] = (uint8_t)revision;
    put(at + 16, LIST, 4);
    put(at + 24, 0, 8);
    sum_rsdp(at);
}

void acpi_make(uint32_t first, uint32_t second)
{
    ram = calloc(1, SIZE);
    assert_non_null(ram);
    put_rsdp(RSDP, 0);
    put_table(LIST, "RSDT", 36 + 8);
    put(LIST + 36, first, 4);
    put(LIST + 40, second, 4);
}

void acpi_unmake(void)
{
    free(ram);
}

struct boot_memory acpi_memory(void)
{
    return (struct boot_memory){ram, SIZE};
}
