/* SPDX-License-Identifier: MIT */
/* The code at rip as a word, for those who know by it what is nearly always there: no decoder, and no copy. */
#pragma once

#include <engine/access.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/user_word.h>
#include <hv/emulate/emulation.h>

/*
 * The eight bytes from rip on, read once.  False: the segment has to be looked up first, or they cannot be read at
 * once, as at the end of the last page.
 */
FORCE_INLINE bool code_word_read(const struct hv_vcpu *vcpu, uint64_t *word)
{
    uint64_t rip = vcpu->frame->rip;
    bool read;

    if (!emulation_in_flat_code(vcpu) || !access_touch_ok(vcpu->engine.domain, VADDR(rip), sizeof(*word)))
        return false;
    cpu_user_access_begin();
    read = user_word_read(rip, word);
    cpu_user_access_end();
    return read;
}

/* The instruction of @length bytes has been carried out. */
static inline void code_word_pass(struct hv_vcpu *vcpu, unsigned length)
{
    vcpu->frame->rip += length;
    emulation_retire(vcpu);
}
