/* SPDX-License-Identifier: MIT */
/*
 * Guest memory as the engine sees it: numbers until access_read() has copied what they point to.  Every access is
 * checked here, element by element or as the whole array that is gone through, against the guest's part of the address
 * space (XSA-4, 29, 212).
 */
#pragma once

#include <abi/layout.h>
#include <engine/machine.h>
#include <engine/port.h>

#define ACCESS_LOW_END UINT64_C(0x0000800000000000) /* of what a 64-bit guest's user mode can reach */

/* Do @size bytes from @start lie in the guest's part of the address space?  Nothing is said about what is mapped. */
static inline bool access_range_ok(const struct domain *domain, vaddr_t start, uint64_t size)
{
    uint64_t last = start.v + size - 1;

    if (size == 0)
        return true;
    if (last < start.v)
        return false;
    if (domain->width == WIDTH_PAE)
        return last < COMPAT_HYPERVISOR_VIRT_START;
    return last < ACCESS_LOW_END || start.v >= HYPERVISOR_VIRT_END;
}

/* The same for an array of @count elements of @size bytes, at most 4096 each; overflow-safe. */
static inline bool access_array_ok(const struct domain *domain, vaddr_t start, uint64_t count, uint64_t size)
{
    return count <= UINT64_MAX / PAGE_SIZE && access_range_ok(domain, start, count * size);
}

/* Has the slot that @address lies in, of one of @domain's L4s, ever led to an L4? */
static inline bool access_is_linear_slot(const struct domain *domain, uint64_t address)
{
    unsigned slot = (unsigned)(address >> 39) % ENTRIES_PER_TABLE; /* level_index() of an L4 */

    return __atomic_load_n(&domain->linear_slots[slot / 64], __ATOMIC_SEQ_CST) & UINT64_C(1) << slot % 64;
}

/* Do @size bytes from @start, less than such a slot spans, meet one? */
static inline __cold bool access_meets_linear_slot(const struct domain *domain, vaddr_t start, size_t size)
{
    return size > 0 && (access_is_linear_slot(domain, start.v) || access_is_linear_slot(domain, start.v + size - 1));
}

/*
 * May the hypervisor touch these bytes, which are the guest's, itself?  Behind a linear entry of an L4 the processor
 * finds the hypervisor's own tables, and all that they map, as a supervisor, which the guest is not and the hypervisor
 * is: engine/linear.h.
 */
static inline bool access_slots_ok(const struct domain *domain, vaddr_t start, size_t size)
{
    return !(domain->linear_tables && access_meets_linear_slot(domain, start, size));
}

static inline bool access_touch_ok(const struct domain *domain, vaddr_t start, size_t size)
{
    return access_range_ok(domain, start, size) && access_slots_ok(domain, start, size);
}

/* Copy @size bytes from or to @vcpu's guest.  False: out of range, or not mapped; a part may have been copied. */
static inline bool __must_check access_read(struct vcpu *vcpu, void *to, vaddr_t from, size_t size)
{
    return access_touch_ok(vcpu->domain, from, size) && port_copy_from_guest(vcpu, to, from, size);
}

static inline bool __must_check access_write(struct vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    return access_touch_ok(vcpu->domain, to, size) && port_copy_to_guest(vcpu, to, from, size);
}

/*
 * The same for bytes within a range that access_range_ok() or access_array_ok() has found to be the guest's, in this
 * very call: what they ask does not change while a domain lives.
 */
static inline bool __must_check access_read_within(struct vcpu *vcpu, void *to, vaddr_t from, size_t size)
{
    return access_slots_ok(vcpu->domain, from, size) && port_copy_from_guest(vcpu, to, from, size);
}

static inline bool __must_check access_write_within(struct vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    return access_slots_ok(vcpu->domain, to, size) && port_copy_to_guest(vcpu, to, from, size);
}

/* Is @address one that a guest's registers and tables may hold: canonical, not the hypervisor's? */
static inline bool access_address_ok(const struct domain *domain, uint64_t address)
{
    return access_range_ok(domain, VADDR(address), 1);
}

/* The size of a guest's "unsigned long", pointer or frame number; one such read, zero-extended, or written. */
static inline unsigned access_word_size(const struct domain *domain)
{
    return domain->width == WIDTH_64 ? 8 : 4;
}
bool __must_check access_read_word(struct vcpu *vcpu, uint64_t *to, vaddr_t from);
bool __must_check access_write_word(struct vcpu *vcpu, vaddr_t to, uint64_t value);
