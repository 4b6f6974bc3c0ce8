/* SPDX-License-Identifier: MIT */
/* The groups of calls.  Each leaves everything as it found it, and makes the same choices whatever came before it. */
#pragma once

void group_mmu_update(void);
void group_va_mapping(void);
void group_mmuext(void);
