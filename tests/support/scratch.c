/* SPDX-License-Identifier: MIT */
/* The pages in which a guest puts down what its hypercalls point to. */
#include <string.h>

#include <tests/support/scratch.h>

/* Where the scratch area of @vcpu begins. */
static vaddr_t scratch_base(const struct vcpu *vcpu)
{
    const struct guest *guest = guest_of(vcpu);

    return guest_vaddr(guest, PFN(guest->scratch.v + (uint64_t)vcpu->id * GUEST_SCRATCH_PAGES));
}

/* The byte at @vaddr of the scratch area, wherever its frame lies, and how many follow in that frame. */
static uint8_t *scratch_byte(const struct vcpu *vcpu, uint64_t vaddr, size_t *room)
{
    const struct guest *guest = guest_of(vcpu);
    uint64_t offset = vaddr - guest->base.v;

    *room = PAGE_SIZE - offset % PAGE_SIZE;
    return (uint8_t *)sim_frame_entries(guest->sim, guest_mfn(guest, PFN(offset / PAGE_SIZE))) + offset % PAGE_SIZE;
}

void scratch_write(const struct vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    for (size_t done = 0, room; done < size; done += room) {
        uint8_t *bytes = scratch_byte(vcpu, to.v + done, &room);

        room = size - done < room ? size - done : room;
        memcpy(bytes, (const uint8_t *)from + done, room);
    }
}

void guest_take(struct vcpu *vcpu, vaddr_t from, void *to, size_t size)
{
    for (size_t done = 0, room; done < size; done += room) {
        const uint8_t *bytes = scratch_byte(vcpu, from.v + done, &room);

        room = size - done < room ? size - done : room;
        memcpy((uint8_t *)to + done, bytes, room);
    }
}

vaddr_t guest_scratch_alloc(struct vcpu *vcpu, size_t size)
{
    size_t *used = &guest_of(vcpu)->scratch_used[vcpu->id];
    vaddr_t at = VADDR(scratch_base(vcpu).v + *used);

    if (size > GUEST_SCRATCH_PAGES * PAGE_SIZE - *used)
        sim_fail("guest_scratch_alloc: no room for %zu bytes", size);
    *used += (size + 15) & ~(size_t)15;
    return at;
}

vaddr_t guest_put(struct vcpu *vcpu, const void *data, size_t size)
{
    vaddr_t at = guest_scratch_alloc(vcpu, size);

    scratch_write(vcpu, at, data, size);
    return at;
}

void guest_scratch_reset(struct vcpu *vcpu)
{
    guest_of(vcpu)->scratch_used[vcpu->id] = 0;
}

size_t scratch_mark(const struct vcpu *vcpu)
{
    return guest_of(vcpu)->scratch_used[vcpu->id];
}

void scratch_release(const struct vcpu *vcpu, size_t mark)
{
    guest_of(vcpu)->scratch_used[vcpu->id] = mark;
}

vaddr_t scratch_put_words(struct vcpu *vcpu, const uint64_t *words, size_t count)
{
    size_t size = guest_is_64(vcpu) ? 8 : 4;
    vaddr_t at = guest_scratch_alloc(vcpu, count * size);

    for (size_t i = 0; i < count; i++)
        scratch_write(vcpu, VADDR(at.v + i * size), &words[i], size);
    return at;
}

void scratch_take_words(struct vcpu *vcpu, vaddr_t from, uint64_t *words, size_t count)
{
    size_t size = guest_is_64(vcpu) ? 8 : 4;

    for (size_t i = 0; i < count; i++) {
        words[i] = 0;
        guest_take(vcpu, VADDR(from.v + i * size), &words[i], size);
    }
}
