/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing of ACPI's tables, which the firmware has left: once the input is the list of tables and all that it names,
 * once it is the rest of a MADT.  Memory ends where the input does.
 */
/* links: hv/boot/acpi.c hv/boot/acpi_madt.c hv/boot/acpi_tables.c hv/boot/boot_info.c hv/base/ranges.c */
/* links: tests/hv/lib/acpi_maker.c -lcmocka */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sanitizer/asan_interface.h>
#include <cmocka.h>

#include <engine/check.h>
#include <hv/boot/acpi.h>
#include <hv/boot/acpi_madt.h>
#include <tests/hv/lib/acpi_maker.h>

#define MADT      (LIST + 44)
#define MADT_HEAD 8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

_Noreturn void port_halt(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    abort();
}

/* Each processor is there once, and where nothing is known there is none. */
static void look(size_t end)
{
    const struct boot_memory memory = {ram, end};
    struct processors found;
    struct power power;
    const char *problem;

    ASAN_POISON_MEMORY_REGION(ram + end, SIZE - end);
    problem = acpi_find_processors(&memory, RSDP, &found);
    CHECK(found.count <= MAX_CPUS && !problem == (found.count > 0));
    CHECK(found.left_out == 0 || found.count == MAX_CPUS);
    for (unsigned i = 0; i < found.count; i++)
        for (unsigned j = 0; j < i; j++)
            CHECK(found.apics[i] != found.apics[j]);
    problem = acpi_find_power(&memory, RSDP, &power);
    CHECK(!problem || *problem);
    ASAN_UNPOISON_MEMORY_REGION(ram + end, SIZE - end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size = size < SIZE - MADT - MADT_HEAD ? size : SIZE - MADT - MADT_HEAD;
    if (!ram)
        acpi_make(MADT, MADT);
    memcpy(ram + LIST, data, size);
    look(LIST + size);
    put_table(LIST, "RSDT", 36 + 8);
    put(LIST + 36, MADT, 4);
    put(LIST + 40, MADT, 4);
    put_table(MADT, "APIC", (uint32_t)(MADT_HEAD + size));
    memcpy(ram + MADT + MADT_HEAD, data, size);
    look(MADT + MADT_HEAD + size);
    return 0;
}
