/* SPDX-License-Identifier: MIT */
/*
 * The contents of frames: one mapping in which what is no RAM cannot be accessed.  The accesses of
 * processors go past the address sanitizer, since a stale translation may well lead into a frame
 * that is back in the pool.
 */
#include <string.h>
#include <sys/mman.h>

#include <sim/sim_parts.h>

static void ram_open(const struct sim *sim, uint64_t first, uint64_t end)
{
    if (mprotect(sim_frame_bytes(sim, MFN(first)), (size_t)((end - first) * PAGE_SIZE), PROT_READ | PROT_WRITE) != 0)
        sim_fail("sim: no memory for frames %#llx to %#llx", (unsigned long long)first, (unsigned long long)end);
}

void ram_create(struct sim *sim)
{
    uint64_t end = sim->machine.nr_frames;
    void *ram = mmap(NULL, (size_t)(end * PAGE_SIZE), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (ram == MAP_FAILED)
        sim_fail("sim: no address space for %#llx frames", (unsigned long long)end);
    sim->ram = ram;
    for (uint64_t first = 0, next; first < end; first = next) {
        for (next = first; next < end && sim->frames[next].ram == sim->frames[first].ram; next++)
            continue;
        if (sim->frames[first].ram)
            ram_open(sim, first, next);
    }
}

void ram_destroy(struct sim *sim)
{
    size_t size = (size_t)(sim->machine.nr_frames * PAGE_SIZE);

    if (!sim->ram)
        return;
    ASAN_UNPOISON_MEMORY_REGION(sim->ram, size);
    munmap(sim->ram, size);
}

static uint64_t *ram_entry(const struct sim *sim, mfn_t table, unsigned slot)
{
    return (uint64_t *)(void *)sim_frame_bytes(sim, table) + slot;
}

SIM_NO_ASAN uint64_t ram_read_entry(const struct sim *sim, mfn_t table, unsigned slot)
{
    if (!sim_is_ram(sim, table))
        return ~UINT64_C(0);
    return __atomic_load_n(ram_entry(sim, table, slot), __ATOMIC_SEQ_CST);
}

SIM_NO_ASAN void ram_set_bits(const struct sim *sim, mfn_t table, unsigned slot, uint64_t bits)
{
    if (sim_is_ram(sim, table))
        __atomic_or_fetch(ram_entry(sim, table, slot), bits, __ATOMIC_SEQ_CST);
}

/* memcpy(), which the sanitizer would look into. */
SIM_NO_ASAN static void ram_copy(uint8_t *to, const uint8_t *from, size_t size)
{
#if defined(SIM_ASAN)
    for (size_t i = 0; i < size; i++)
        ((volatile uint8_t *)to)[i] = from[i];
#else
    memcpy(to, from, size);
#endif
}

void ram_read(const struct sim *sim, mfn_t mfn, size_t offset, void *to, size_t size)
{
    if (sim_is_ram(sim, mfn))
        ram_copy(to, sim_frame_bytes(sim, mfn) + offset, size);
    else
        memset(to, 0xff, size);
}

void ram_write(const struct sim *sim, mfn_t mfn, size_t offset, const void *from, size_t size)
{
    if (sim_is_ram(sim, mfn))
        ram_copy(sim_frame_bytes(sim, mfn) + offset, from, size);
}

uint64_t *sim_frame_entries(struct sim *sim, mfn_t mfn)
{
    if (!sim_is_ram(sim, mfn))
        sim_fail("sim_frame_entries: frame %#llx is no RAM", (unsigned long long)mfn.v);
    return (uint64_t *)(void *)sim_frame_bytes(sim, mfn);
}
