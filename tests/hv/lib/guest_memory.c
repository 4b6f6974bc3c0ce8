/* SPDX-License-Identifier: MIT */
/* The guest's memory: guest_memory.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <engine/port.h>
#include <tests/hv/lib/guest_memory.h>

_Alignas(4096) uint8_t guest_memory[GUEST_MEMORY_SIZE];
bool guest_memory_is_gone, guest_memory_is_read_only;
unsigned guest_memory_reads, guest_memory_writes;

static const struct vcpu *guest;

void guest_memory_reset(const struct vcpu *vcpu)
{
    memset(guest_memory, 0, sizeof(guest_memory));
    guest_memory_is_gone = guest_memory_is_read_only = false;
    guest_memory_reads = guest_memory_writes = 0;
    guest = vcpu;
}

static bool is_there(vaddr_t at, size_t size)
{
    return !guest_memory_is_gone && at.v >= GUEST_MEMORY && size <= GUEST_MEMORY_SIZE &&
           at.v - GUEST_MEMORY <= GUEST_MEMORY_SIZE - size;
}

bool port_copy_from_guest(struct vcpu *vcpu, void *to, vaddr_t from, size_t size)
{
    assert_true(guest == NULL || vcpu == guest);
    guest_memory_reads++;
    if (!is_there(from, size))
        return false;
    memcpy(to, guest_memory + (from.v - GUEST_MEMORY), size);
    return true;
}

bool port_copy_to_guest(struct vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    assert_true(guest == NULL || vcpu == guest);
    guest_memory_writes++;
    if (guest_memory_is_read_only || !is_there(to, size))
        return false;
    memcpy(guest_memory + (to.v - GUEST_MEMORY), from, size);
    return true;
}
