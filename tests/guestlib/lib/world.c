/* SPDX-License-Identifier: MIT */
/* The machine's side of the world, and the hypercalls of the library. */
#include <string.h>

#include <abi/layout.h>
#include <guest/mmu_port.h>
#include <tests/guestlib/lib/world.h>
#include <tests/support/guest.h>
#include <tests/support/scratch.h>

struct mmu_counts mmu_counts;

static struct sim *sim;
static struct guest *guest_in;
static struct vcpu *vcpu;
static long next_error;

void world_create(uint64_t seed)
{
    struct sim_config config = {.seed = seed, .nr_domains = 1};

    sim = sim_create(&config);
    guest_in = guest_boot(sim, 0, WORLD_PAGES);
    vcpu = guest_vcpu(guest_in, 0);
    memset(&mmu_counts, 0, sizeof(mmu_counts));
}

void world_destroy(void)
{
    world_check();
    guest_shutdown(sim);
    sim_destroy(sim);
}

void world_check(void)
{
    guest_assert_clean(sim);
}

static uint64_t *frame_at(mfn_t mfn)
{
    return sim_frame_entries(sim, mfn);
}

uint64_t *world_page_alloc(void)
{
    uint64_t *page = frame_at(guest_mfn(guest_in, guest_page_alloc(guest_in)));

    memset(page, 0, PAGE_SIZE);
    return page;
}

void world_page_free(uint64_t *page)
{
    guest_page_free(guest_in, PFN(world_pfn(page)));
}

bool world_can_write(const void *page)
{
    uint64_t word;
    vaddr_t vaddr = guest_vaddr(guest_in, PFN(world_pfn(page)));

    memcpy(&word, page, sizeof(word));
    return guest_write(vcpu, vaddr, &word, sizeof(word));
}

uint64_t *world_l1(void)
{
    mfn_t table;
    unsigned slot;

    if (!guest_find_entry(guest_in, guest_root(guest_in), guest_in->window, 1, &table, &slot) || slot) {
        sim_fail("the guest's window has no L1 table of its own");
    }
    return frame_at(table);
}

uint64_t world_mfn(const volatile void *page)
{
    return (uint64_t)((const volatile uint8_t *)page - sim->ram) / PAGE_SIZE;
}

uint64_t world_pfn(const volatile void *page)
{
    uint64_t mfn = world_mfn(page);

    for (uint64_t pfn = 0; pfn < guest_in->nr_pages; pfn++) {
        if (guest_in->p2m[pfn].v == mfn) {
            return pfn;
        }
    }
    return UINT64_MAX;
}

uint64_t world_pfn_of_mfn(uint64_t mfn)
{
    uint64_t pfn = UINT64_MAX;

    (void)guest_read(vcpu, VADDR(MACH2PHYS_VIRT_START + mfn * sizeof(pfn)), &pfn, sizeof(pfn));
    return pfn;
}

uint64_t world_mfn_of_pfn(uint64_t pfn)
{
    return pfn < guest_in->nr_pages ? guest_in->p2m[pfn].v : UINT64_MAX;
}

uint64_t *world_page_of_mfn(uint64_t mfn)
{
    return world_mfn_of_pfn(world_pfn_of_mfn(mfn)) == mfn ? frame_at(MFN(mfn)) : NULL;
}

uint64_t *world_l1_entry(const void *page)
{
    mfn_t table;
    unsigned slot;
    vaddr_t vaddr = guest_vaddr(guest_in, PFN(world_pfn(page)));

    return guest_find_entry(guest_in, guest_root(guest_in), vaddr, 1, &table, &slot) ? &frame_at(table)[slot] : NULL;
}

unsigned world_type_level(const void *page)
{
    struct type_word word = sim->machine.frames[world_mfn(page)].type;

    return type_count(word) && type_of(word) >= TYPE_L1 && type_of(word) <= TYPE_L4 ? type_of(word) - TYPE_L1 + 1u : 0;
}

/* ---- The port. */

void world_fail_next_call(long error)
{
    next_error = error;
}

static bool takes_error(long *error)
{
    *error = next_error;
    next_error = 0;
    return *error;
}

long mmu_port_update(struct mmu_update *updates, unsigned count, unsigned *done)
{
    long error;

    mmu_counts.hypercalls++;
    mmu_counts.updates += count;
    return takes_error(&error) ? error : guest_mmu_update(vcpu, updates, count, done, DOMID_SELF);
}

long mmu_port_mmuext(struct mmuext_op *ops, unsigned count, unsigned *done)
{
    long error;

    mmu_counts.hypercalls++;
    mmu_counts.ops += count;
    return takes_error(&error) ? error : guest_mmuext(vcpu, ops, count, done, DOMID_SELF);
}

static struct multicall_entry make_call(uint64_t op, const void *array, unsigned count, unsigned *done)
{
    return (struct multicall_entry){.op = op, .args = {(uint64_t)array, count, (uint64_t)done, DOMID_SELF}};
}

struct multicall_entry mmu_port_update_call(struct mmu_update *updates, unsigned count, unsigned *done)
{
    return make_call(__HYPERVISOR_mmu_update, updates, count, done);
}

struct multicall_entry mmu_port_mmuext_call(struct mmuext_op *ops, unsigned count, unsigned *done)
{
    return make_call(__HYPERVISOR_mmuext_op, ops, count, done);
}

/* The arrays are the host's: they go to the guest's memory, and the counts of what is done come back from there. */
long mmu_port_multicall(struct multicall_entry *calls, unsigned count)
{
    size_t mark = scratch_mark(vcpu);
    uint64_t done_at[64];
    long error;

    mmu_counts.hypercalls++;
    if (takes_error(&error)) {
        return error;
    }
    for (unsigned i = 0; i < count; i++) {
        bool updates = calls[i].op == __HYPERVISOR_mmu_update;
        size_t size = calls[i].args[1] * (updates ? sizeof(struct mmu_update) : sizeof(struct mmuext_op));

        *(updates ? &mmu_counts.updates : &mmu_counts.ops) += calls[i].args[1];
        done_at[i] = calls[i].args[2];
        calls[i].args[0] = guest_put(vcpu, (const void *)calls[i].args[0], size).v;
        calls[i].args[2] = guest_put(vcpu, (const void *)done_at[i], sizeof(uint32_t)).v;
    }
    error = guest_multicall(vcpu, calls, count);
    for (unsigned i = 0; i < count; i++) {
        guest_take(vcpu, VADDR(calls[i].args[2]), (void *)done_at[i], sizeof(uint32_t));
    }
    scratch_release(vcpu, mark);
    return error;
}
