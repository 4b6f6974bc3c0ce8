/* SPDX-License-Identifier: MIT */
/* Where it was, by the code segment that the vCPU runs in. */
#include <engine/reach.h>
#include <hv/base/emulated.h>
#include <hv/emulate/emulation.h>
#include <hv/emulate/stale_code.h>

#define OPCODE_BREAKPOINT 0xcc

void stale_code_renew(struct hv_vcpu *vcpu)
{
    struct emulation emulation;
    uint64_t linear;

    if (!processor_is_emulated() || !emulation_open(&emulation, vcpu) ||
        !emulation_linear(&emulation, (struct place){SEGMENT_CS, vcpu->frame->rip - 1, 1, SEGMENT_EXECUTE}, &linear))
        return;
    (void)reach_write_back(&vcpu->engine, VADDR(linear), OPCODE_BREAKPOINT);
}
