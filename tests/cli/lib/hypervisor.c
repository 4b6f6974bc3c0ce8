/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include <engine/port.h>
#include <hv/kernel/judge.h>
#include <hv/kernel/start_layout.h>
#include <tests/cli/lib/hypervisor.h>

_Noreturn void port_halt(const char *file, int line, const char *condition)
{
    (void)file;
    (void)line;
    (void)condition;
    abort();
}

const char *hypervisor_refuses(const uint8_t *data, size_t size, bool privileged)
{
    struct kernel kernel;
    const char *problem;

    if (kernel_parse((struct blob){data, size}, &kernel, &problem))
        return problem;
    if (kernel.width != WIDTH_64)
        return "32 bits";
    if (kernel.needs_initial && !privileged)
        return "needs to be the initial domain";
    if (kernel.refuses_initial && privileged)
        return "cannot be the initial domain";
    return NULL;
}

uint64_t hypervisor_minimum(const uint8_t *data, size_t size, bool privileged, uint64_t ramdisk_size)
{
    struct kernel kernel;
    uint64_t minimum;
    const char *problem;

    if (kernel_parse((struct blob){data, size}, &kernel, &problem) ||
        layout_minimum(&kernel, ramdisk_size, privileged, &minimum, &problem))
        return 0;
    return minimum;
}

bool hypervisor_takes(const uint8_t *data, size_t size, bool privileged, uint64_t ramdisk_size, uint64_t nr_pages)
{
    struct kernel kernel;
    struct layout layout;
    const char *problem;

    return !kernel_parse((struct blob){data, size}, &kernel, &problem) &&
           !layout_make(&kernel, ramdisk_size, privileged, nr_pages, &layout, &problem) && layout.nr_needed <= nr_pages;
}
