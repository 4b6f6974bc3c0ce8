/* SPDX-License-Identifier: MIT */
/*
 * Does cmpxchg16b leave the flags alone that it does not set?
 *
 * Where QEMU 7.2 emulates a processor (TCG; its 10.0 does not do so), it works them out by an operation that is not the
 * last one: what an addition or a comparison had for an operand can become the flags, with DF, TF, AC, NT, VM and bits
 * that no processor has among them.  Most code tests something next, and that is the end of it.  But an interrupt that
 * comes before saves them, or QEMU itself does where it leaves the guest's code; then the guest copies backwards, or
 * steps singly.  Linux 6.12 has a jump and a few loads behind the one in its allocator of small objects, before
 * anything is tested.
 *
 * It cannot be helped from here: not every time does anything come to the hypervisor, and what was true is lost.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The processor that this runs on does that.  Nothing is left behind.  False as well: it has no such instruction. */
bool exchange_spoils_flags(void);

/* For exchange_see_flags(): said the first time in a run, for whoever reads what the guest did next. */
void exchange_tell_flags(uint64_t rflags, uint64_t rip);

#define EXCHANGE_FLAGS_THERE_ARE UINT64_C(0x3f7fd7) /* Intel SDM volume 1, 3.4.3 */

/* @rflags have come from a guest that is at @rip: if there are bits in them that no processor has, it has happened. */
static inline void exchange_see_flags(uint64_t rflags, uint64_t rip)
{
    if (rflags & ~EXCHANGE_FLAGS_THERE_ARE)
        exchange_tell_flags(rflags, rip);
}
