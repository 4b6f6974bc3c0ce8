/* SPDX-License-Identifier: MIT */
/* engine/port.h: guests' memory.  The guest's own tables are loaded, and its part of the address space was checked. */
#include <engine/engine.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/trap.h>
#include <hv/domain/vcpu.h>

static bool copy_guest(struct vcpu *vcpu, void *to, const void *from, size_t size)
{
    size_t left;

    CHECK(cpu_here()->current == hv_vcpu_of(vcpu));
    cpu_user_access_begin();
    left = copy_recover(to, from, size);
    cpu_user_access_end();
    return left == 0;
}

bool port_copy_from_guest(struct vcpu *vcpu, void *to, vaddr_t from, size_t size)
{
    return copy_guest(vcpu, to, (const void *)from.v, size);
}

bool port_copy_to_guest(struct vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    return copy_guest(vcpu, (void *)to.v, from, size);
}
