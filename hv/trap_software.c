/* SPDX-License-Identifier: MIT */
/* Whether the guest's own table opens a vector to who asks for it by its number. */
#include <engine/engine.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/trap.h>
#include <hv/domain/vcpu.h>
#include <hv/emulate/emulate_privileged.h>
#include <hv/trap_software.h>

static uint64_t instruction_limit(const struct hv_vcpu *vcpu)
{
    return hv_vcpu_in_user_mode(vcpu) ? 3 : 1;
}

void trap_by_number(struct hv_vcpu *vcpu)
{
    struct cpu_frame *frame = vcpu->frame;
    unsigned vector;

    if (emulate_software_interrupt(vcpu, &vector) == EMULATE_DONE) {
        const struct trap_gate *gate = &vcpu->engine.traps[vector];

        if ((gate->flags & 3u) >= instruction_limit(vcpu)) {
            frame->rip += INT_N_SIZE;
            bounce_exception(vcpu, vector);
            return;
        }
        frame->error = vector * 8u + SELECTOR_ERROR_IDT;
    }
    bounce_exception_error(vcpu, VECTOR_PROTECTION, frame->error);
}

/* The way of 32-bit system calls; without a handler like any other gate that is closed. */
void trap_by_80(struct hv_vcpu *vcpu)
{
    if (vcpu->engine.traps[VECTOR_INT80].address) {
        bounce_exception(vcpu, VECTOR_INT80);
        return;
    }
    vcpu->frame->rip -= INT_N_SIZE;
    bounce_exception_error(vcpu, VECTOR_PROTECTION, VECTOR_INT80 * 8 + SELECTOR_ERROR_IDT);
}
