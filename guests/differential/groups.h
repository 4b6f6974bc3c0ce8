/* SPDX-License-Identifier: MIT */
/* The groups of calls.  Each leaves everything as it found it, and makes the same choices whatever came before it. */
#pragma once

void group_mmu_update(void);
void group_va_mapping(void);
void group_mmuext(void);
void group_descriptors(void);
void group_cpu(void);
void group_memory(void);
void group_grants(void);
void group_events(void);
void group_vcpus(void);
void group_services(void);
void group_vcpu_info(void);
