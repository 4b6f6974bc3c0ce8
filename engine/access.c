/* SPDX-License-Identifier: MIT */
/* Checked access to guest memory. */
#include <abi/layout.h>
#include <engine/access.h>

#define LOW_END UINT64_C(0x0000800000000000)

bool access_range_ok(const struct domain *domain, vaddr_t start, uint64_t size)
{
    uint64_t last = start.v + size - 1;

    if (size == 0)
        return true;
    if (last < start.v)
        return false;
    if (domain->width == WIDTH_PAE)
        return last < COMPAT_HYPERVISOR_VIRT_START;
    return last < LOW_END || start.v >= HYPERVISOR_VIRT_END;
}

bool access_array_ok(const struct domain *domain, vaddr_t start, uint64_t count, uint64_t size)
{
    return count <= UINT64_MAX / PAGE_SIZE && access_range_ok(domain, start, count * size);
}

bool access_address_ok(const struct domain *domain, uint64_t address)
{
    return access_range_ok(domain, VADDR(address), 1);
}

bool access_read(struct vcpu *vcpu, void *to, vaddr_t from, size_t size)
{
    return access_range_ok(vcpu->domain, from, size) && port_copy_from_guest(vcpu, to, from, size);
}

bool access_write(struct vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    return access_range_ok(vcpu->domain, to, size) && port_copy_to_guest(vcpu, to, from, size);
}

bool access_read_word(struct vcpu *vcpu, uint64_t *to, vaddr_t from)
{
    *to = 0;
    return access_read(vcpu, to, from, access_word_size(vcpu->domain));
}

bool access_write_word(struct vcpu *vcpu, vaddr_t to, uint64_t value)
{
    return access_write(vcpu, to, &value, access_word_size(vcpu->domain));
}
