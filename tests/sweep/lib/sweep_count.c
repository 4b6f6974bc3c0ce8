/* SPDX-License-Identifier: MIT */
/* Counting combinations, and naming those that fail. */
#include <inttypes.h>
#include <stdio.h>

#include <tests/sweep/lib/sweep.h>

#define PRINTED_MAX 60u /* failures of one program that are printed */

static uint64_t ran, failed, failed_at_begin;

uint64_t sweep_ran(void)
{
    return ran;
}

uint64_t sweep_failed(void)
{
    return failed;
}

void sweep_count(bool passed, const char *format, ...)
{
    va_list list;

    ran++;
    if (passed)
        return;
    failed++;
    if (failed > PRINTED_MAX)
        return;
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    printf("\n");
}

void sweep_begin(void)
{
    failed_at_begin = failed;
}

void sweep_end(void)
{
    if (failed != failed_at_begin)
        fail_msg("%" PRIu64 " combinations failed", failed - failed_at_begin);
}

int sweep_report(void **state)
{
    (void)state;
    printf("%" PRIu64 " combinations, %" PRIu64 " failed\n", ran, failed);
    return 0;
}

static const char *const bit_names[64] = {
    [0] = "P", [1] = "RW",  [2] = "US", [3] = "PWT",     [4] = "PCD", [5] = "A",
    [6] = "D", [7] = "PSE", [8] = "G",  [52] = "KERNEL", [63] = "NX",
};

const char *sweep_flags(uint64_t bits)
{
    static char buffers[4][512];
    static unsigned next;
    char *buffer = buffers[next++ % 4];
    size_t used = 0;

    snprintf(buffer, sizeof(buffers[0]), "none");
    for (unsigned i = 0; i < 64; i++) {
        if (!(bits >> i & 1))
            continue;
        if (bit_names[i])
            used += (size_t)snprintf(buffer + used, sizeof(buffers[0]) - used, "%s%s", used ? "|" : "", bit_names[i]);
        else
            used += (size_t)snprintf(buffer + used, sizeof(buffers[0]) - used, "%sbit %u", used ? "|" : "", i);
    }
    return buffer;
}
