/* SPDX-License-Identifier: MIT */
/* The hypervisor's own judgement of a kernel. */
#ifndef TESTS_CLI_LIB_HYPERVISOR_H
#define TESTS_CLI_LIB_HYPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why it would refuse the 64-bit or other kernel; NULL: it would not. */
const char *hypervisor_refuses(const uint8_t *data, size_t size, bool privileged);

/* The pages that it wants for a kernel that it does not refuse, at least; 0: it can never be started. */
uint64_t hypervisor_minimum(const uint8_t *data, size_t size, bool privileged, uint64_t ramdisk_size);

/* Would that many pages do? */
bool hypervisor_takes(const uint8_t *data, size_t size, bool privileged, uint64_t ramdisk_size, uint64_t nr_pages);

#endif /* TESTS_CLI_LIB_HYPERVISOR_H */
