/* SPDX-License-Identifier: MIT */
/* From a selector to a descriptor, and what that says. */
#include <hv/cpu/entry.h>
#include <hv/domain/vcpu.h>
#include <hv/emulate/segment.h>
#include <hv/mem/window.h>

bool segment_find(const struct hv_vcpu *vcpu, unsigned selector, uint64_t *descriptor)
{
    uint64_t place = window_base(vcpu->window) + (selector & ~7u);

    if ((selector & ~SELECTOR_PRIVILEGE) == 0)
        return false;
    if (selector & SELECTOR_TABLE) {
        if (selector / 8 >= vcpu->engine.ldt_entries)
            return false;
        place += (uint64_t)LDT_WINDOW * PAGE_SIZE;
    }
    return copy_recover(descriptor, (const void *)place, sizeof(*descriptor)) == 0;
}

bool segment_allows(uint64_t descriptor, enum segment_use use)
{
    bool is_code = descriptor & DESCRIPTOR_CODE;

    if (!(descriptor & DESCRIPTOR_PRESENT) || !(descriptor & DESCRIPTOR_SEGMENT))
        return false;
    switch (use) {
    case SEGMENT_READ:
        return !is_code || (descriptor & DESCRIPTOR_READABLE);
    case SEGMENT_WRITE:
        return !is_code && (descriptor & DESCRIPTOR_WRITABLE);
    case SEGMENT_EXECUTE:
        return is_code;
    }
    return false;
}

unsigned segment_privilege(uint64_t descriptor)
{
    return (unsigned)(descriptor >> 45) & 3;
}

bool segment_is_open(uint64_t descriptor, unsigned selector, unsigned ring)
{
    const uint64_t conforming = DESCRIPTOR_CODE | DESCRIPTOR_CONFORMING;
    unsigned privilege = segment_privilege(descriptor);

    return (descriptor & conforming) == conforming ||
           (privilege >= ring && privilege >= (selector & SELECTOR_PRIVILEGE));
}

static uint64_t limit_of(uint64_t descriptor)
{
    uint64_t limit = (descriptor & 0xffff) | (descriptor >> 32 & 0xf0000);

    return descriptor & DESCRIPTOR_GRANULAR ? limit << 12 | 0xfff : limit;
}

/* What expands down has the offsets behind its limit, and not those up to it. */
bool segment_holds(uint64_t descriptor, uint64_t offset, unsigned bytes)
{
    bool down = !(descriptor & DESCRIPTOR_CODE) && (descriptor & DESCRIPTOR_DOWN);
    uint64_t first = 0, last = limit_of(descriptor);

    if (down) {
        first = last + 1;
        last = descriptor & DESCRIPTOR_DEFAULT ? UINT32_MAX : UINT16_MAX;
    }
    return offset >= first && offset <= last && bytes - 1 <= last - offset;
}

uint32_t segment_base(uint64_t descriptor)
{
    return (uint32_t)((descriptor >> 16 & 0xffffff) | descriptor >> 56 << 24);
}

enum decode_mode segment_mode(uint64_t descriptor)
{
    if (descriptor & DESCRIPTOR_LONG)
        return DECODE_64;
    return descriptor & DESCRIPTOR_DEFAULT ? DECODE_32 : DECODE_16;
}
