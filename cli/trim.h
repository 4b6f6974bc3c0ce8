/* SPDX-License-Identifier: MIT */
/* What of a kernel's ELF file the hypervisor reads: the rest, debug information above all, stays at home. */
#pragma once

#include <hv/kernel/judge.h>
#include <cli/file.h>

/*
 * Take out of @elf, the file of @kernel, which was not refused, the sections that are neither loaded nor read by the
 * hypervisor.  It becomes shorter or remains as it is: nothing fails.  @kernel is of no use afterwards.
 */
void trim_kernel(struct bytes *elf, const struct kernel *kernel);
