/* SPDX-License-Identifier: MIT */
/* engine/port.h: guests' memory.  The guest's own tables are loaded, and its part of the address space was checked. */
#include <engine/engine.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/trap.h>
#include <hv/cpu/user_word.h>
#include <hv/domain/vcpu.h>

static bool copy_guest(void *to, const void *from, size_t size)
{
    bool copied;

    cpu_user_access_begin();
    copied = user_copy(to, from, size);
    cpu_user_access_end();
    return copied;
}

bool port_copy_from_guest(struct vcpu *vcpu, void *to, vaddr_t from, size_t size)
{
    CHECK(cpu_here()->current == hv_vcpu_of(vcpu));
    return copy_guest(to, (const void *)from.v, size);
}

static bool write_word(uint64_t to, const void *from)
{
    uint64_t word;
    bool written;

    __builtin_memcpy(&word, from, sizeof(word));
    cpu_user_access_begin();
    written = user_word_write(to, word);
    cpu_user_access_end();
    return written;
}

/* What guests are told is a word most often: the result of each call of a multicall. */
bool port_copy_to_guest(struct vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    CHECK(cpu_here()->current == hv_vcpu_of(vcpu));
    return size == sizeof(uint64_t) ? write_word(to.v, from) : copy_guest((void *)to.v, from, size);
}
