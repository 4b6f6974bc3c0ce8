/* SPDX-License-Identifier: MIT */
/* How much memory a kernel needs to be started: its image, the ramdisk, and what is built around them. */
#ifndef CLI_KERNEL_MEMORY_H
#define CLI_KERNEL_MEMORY_H

#include <cli/kernel_check.h>

/* Does it fit?  The placement has been found good; of @request the ramdisk and the privilege count. */
bool kernel_fits_memory(const struct kernel *kernel, const struct placement *placement,
                        const struct start_request *request, uint64_t memory_kib);

/* The least memory in which it fits, in whole MiB; 0: it fits into none, since addresses end before it does. */
uint64_t kernel_memory_mib(const struct kernel *kernel, const struct placement *placement,
                           const struct start_request *request);

#endif /* CLI_KERNEL_MEMORY_H */
