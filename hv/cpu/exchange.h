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

/* The processor that this runs on does that.  Nothing is left behind.  False as well: it has no such instruction. */
bool exchange_spoils_flags(void);
