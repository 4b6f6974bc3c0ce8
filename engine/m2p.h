/* SPDX-License-Identifier: MIT */
/*
 * The machine-to-physical table: for each frame the pfn that its owner gave it.  Guests read it through a mapping that
 * the hypervisor keeps; what stands in it is the guests' own data and decides nothing here (XSA-251).
 */
#pragma once

#include <abi/layout.h>
#include <engine/machine.h>

/* Set the entry of @mfn, which the caller has found in the frame table, in the tables of both widths. */
static inline void m2p_set(struct machine *machine, mfn_t mfn, uint64_t value)
{
    machine->m2p[mfn.v] = value;
    machine->compat_m2p[mfn.v] = (uint32_t)value;
}
