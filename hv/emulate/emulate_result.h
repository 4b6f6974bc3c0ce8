/* SPDX-License-Identifier: MIT */
/*
 * Instructions of the guest that the hypervisor carries out in its place.  @vcpu is the one that runs, the processor
 * still holds its data segments, and vcpu->frame is as the trap left it.
 *
 * After EMULATE_DONE the frame is changed: rip is behind the instruction (of a repeated one with elements left still at
 * it, and RF is clear), or the guest is about to get a page fault for bytes that could not be read or written, or the
 * debug exception of an instruction that it steps over.  rip may be the address just above the lower half of the
 * address space, which is not canonical.
 */
#pragma once

enum emulate_result {
    EMULATE_DONE,    /* the guest goes on at vcpu->frame */
    EMULATE_UNKNOWN, /* nothing has changed: the fault is the guest's */
};
