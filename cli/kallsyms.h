/* SPDX-License-Identifier: MIT */
/*
 * The names that a Linux kernel has of its own functions, kallsyms: in memory that is loaded with it, so that they are
 * there where the file has been stripped, as those in a bzImage are.
 */
#pragma once

#include <cli/symbols.h>

/*
 * Look for them in @kernel, which is not needed afterwards.  Nothing says where they are or in which version: they are
 * found by their form, in that of Linux 5.10 and of those since, and none are found where anything in them is damaged.
 * @symbols is empty before.
 */
void kallsyms_read(const struct kernel *kernel, struct symbols *symbols);
