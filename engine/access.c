/* SPDX-License-Identifier: MIT */
/* Words of guest memory, in the guest's own width. */
#include <engine/access.h>

bool access_read_word(struct vcpu *vcpu, uint64_t *to, vaddr_t from)
{
    *to = 0;
    return access_read(vcpu, to, from, access_word_size(vcpu->domain));
}

bool access_write_word(struct vcpu *vcpu, vaddr_t to, uint64_t value)
{
    return access_write(vcpu, to, &value, access_word_size(vcpu->domain));
}
