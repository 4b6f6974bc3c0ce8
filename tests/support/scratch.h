/* SPDX-License-Identifier: MIT */
/* The inside of a guest's scratch area, for what lays out arguments there. */
#pragma once

#include <tests/support/guest.h>

static inline bool guest_is_64(const struct vcpu *vcpu)
{
    return vcpu->domain->width == WIDTH_64;
}

/* What is allocated after scratch_mark() is given back by scratch_release(). */
size_t scratch_mark(const struct vcpu *vcpu);
void scratch_release(const struct vcpu *vcpu, size_t mark);

/* Copy to what guest_scratch_alloc() returned; guest_take() is the way back. */
void scratch_write(const struct vcpu *vcpu, vaddr_t to, const void *from, size_t size);

/* An array of the guest's words: frame numbers, pointers. */
vaddr_t scratch_put_words(struct vcpu *vcpu, const uint64_t *words, size_t count);
void scratch_take_words(struct vcpu *vcpu, vaddr_t from, uint64_t *words, size_t count);
