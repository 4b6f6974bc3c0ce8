/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_update_va_mapping and its other-domain form: as documented in abi/mmu.h. */
#pragma once

#include <engine/op.h>

int64_t update_va_mapping(struct op *op, vaddr_t vaddr, uint64_t entry, uint64_t flags);
int64_t update_va_mapping_otherdomain(struct op *op, vaddr_t vaddr, uint64_t entry, uint64_t flags, uint16_t domid);
