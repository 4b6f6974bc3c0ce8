/* SPDX-License-Identifier: MIT */
/* What of a kernel's ELF file the hypervisor reads: the rest, debug information above all, stays at home. */
#ifndef CLI_TRIM_H
#define CLI_TRIM_H

#include <cli/file.h>

/*
 * Take out of @elf, a kernel that kernel_check() did not refuse, the sections that are neither loaded nor read by the
 * hypervisor; symbols stay only @with_symbols.  It becomes shorter or remains as it is: nothing fails.
 */
void trim_kernel(struct bytes *elf, bool with_symbols);

#endif /* CLI_TRIM_H */
