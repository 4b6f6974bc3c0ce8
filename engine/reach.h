/* SPDX-License-Identifier: MIT */
/*
 * What a guest's programs may reach, for whoever reads and writes memory in their place.  The hypervisor itself reaches
 * supervisor pages too, and those are what a 32-bit guest keeps its kernel in.
 */
#pragma once

#include <engine/machine.h>

/*
 * Does every entry that leads to the @size bytes from @start allow ring 3?  A 64-bit guest's programs have a root of
 * their own, in which all that is mapped is theirs: always.  Takes the lock of the domain, and looks at the entries as
 * they are now; nothing is said about writing.  Never, if the domain is being torn down.
 */
bool __must_check reach_by_program(struct vcpu *vcpu, vaddr_t start, uint64_t size);

/*
 * Have the byte that @vaddr leads to written as it is, in one step, whatever its entry allows: where that is memory of
 * the vCPU's own domain, and is not @but.  Takes the lock of the domain.  Returns whether it has been written.
 */
bool reach_write_back(struct vcpu *vcpu, vaddr_t vaddr, uint8_t but);
