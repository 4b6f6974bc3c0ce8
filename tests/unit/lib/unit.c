/* SPDX-License-Identifier: MIT */
/* The machine of a test, made and ended, and its pages. */
#include <string.h>

#include <abi/memory.h>

#include <tests/unit/lib/unit.h>

enum width unit_widths[2] = {WIDTH_64, WIDTH_PAE};

static const struct frame_range devices = {{UNIT_HOLE}, {UNIT_HOLE + 7}};

static struct sim_domain_config domain_config(const struct unit_config *config)
{
    return (struct sim_domain_config){
        .width = config->width,
        .nr_vcpus = config->nr_vcpus,
        .max_frames = config->max_frames,
        .privileged = config->privileged,
        .writable_tables = true,
        .extended_cr3 = config->extended_cr3,
        .linear_tables = config->linear,
        .iomem = config->devices ? &devices : NULL,
        .nr_iomem = config->devices,
    };
}

void unit_create(struct unit *unit, const struct unit_config *config)
{
    static const struct frame_range holes = {{UNIT_HOLE}, {UNIT_FRAMES - 1}};
    struct sim_config machine = {
        .seed = 1,
        .nr_frames = UNIT_FRAMES,
        .holes = &holes,
        .nr_holes = 1,
        .nr_domains = config->nr_guests == 2 ? 2 : 1,
        .l1tf = config->l1tf,
    };

    machine.domains[0] = domain_config(config);
    machine.domains[1].width = config->width == WIDTH_64 ? WIDTH_PAE : WIDTH_64;
    sim_destroy(sim_current()); /* of a test that failed */
    *unit = (struct unit){.sim = sim_create(&machine)};
    unit->machine = &unit->sim->machine;
    unit->guest = guest_boot(unit->sim, 0, UNIT_PAGES);
    if (config->nr_guests == 2)
        unit->other = guest_boot(unit->sim, 1, UNIT_PAGES);
    unit->domain = unit->guest->domain;
    unit->vcpu = guest_vcpu(unit->guest, 0);
}

void unit_destroy(struct unit *unit)
{
    guest_assert_clean(unit->sim);
    guest_shutdown(unit->sim);
    sim_destroy(unit->sim);
}

struct op unit_begin(const struct unit *unit)
{
    struct op op;

    if (op_begin_own(&op, unit->domain, unit->vcpu))
        sim_fail("unit: no operation can begin");
    return op;
}

/* ---- Pages. */

pfn_t unit_pfn(const struct unit *unit, mfn_t mfn)
{
    for (uint64_t pfn = 0; pfn < unit->guest->nr_pages; pfn++) {
        if (mfn_equal(guest_mfn(unit->guest, PFN(pfn)), mfn))
            return PFN(pfn);
    }
    sim_fail("unit: the guest has no frame %#llx", (unsigned long long)mfn.v);
}

vaddr_t unit_vaddr(const struct unit *unit, mfn_t mfn)
{
    return guest_vaddr(unit->guest, unit_pfn(unit, mfn));
}

struct frame *unit_frame(const struct unit *unit, mfn_t mfn)
{
    return frame_find(unit->machine, mfn);
}

uint64_t *unit_entries(const struct unit *unit, mfn_t mfn)
{
    return sim_frame_entries(unit->sim, mfn);
}

mfn_t unit_page(struct unit *unit)
{
    mfn_t mfn = guest_mfn(unit->guest, guest_page_alloc(unit->guest));

    memset(unit_entries(unit, mfn), 0, PAGE_SIZE);
    return mfn;
}

static void must(int64_t result, const char *what)
{
    if (result)
        sim_fail("unit: %s: %lld", what, (long long)result);
}

mfn_t unit_allocate(const struct unit *unit, unsigned order)
{
    mfn_t first = MFN_NONE;

    port_lock(unit->domain);
    assert_int_equal(frames_allocate(unit->domain, order, &first), 0);
    port_unlock(unit->domain);
    return first;
}

void unit_release(const struct unit *unit, mfn_t first, unsigned order)
{
    port_lock(unit->domain);
    for (uint64_t i = 0; i < UINT64_C(1) << order; i++)
        assert_int_equal(frame_release(unit->domain, unit_frame(unit, mfn_add(first, i))), 0);
    port_unlock(unit->domain);
}

mfn_t unit_idle_page(struct unit *unit)
{
    mfn_t mfn = unit_page(unit);

    must(guest_update_va_mapping(unit->vcpu, unit_vaddr(unit, mfn), 0, UVMF_INVLPG | UVMF_ALL), "unmap a page");
    return mfn;
}

mfn_t unit_table(struct unit *unit, unsigned level)
{
    mfn_t mfn = unit_idle_page(unit);

    must(guest_pin(unit->vcpu, mfn, level), "pin a table");
    return mfn;
}

mfn_t unit_pae_root(struct unit *unit, mfn_t *top)
{
    mfn_t root = unit_idle_page(unit);

    *top = unit_idle_page(unit);
    unit_entries(unit, root)[3] = pte(*top, PTE_P);
    must(guest_pin(unit->vcpu, root, 3), "pin a root");
    return root;
}

void unit_page_free(struct unit *unit, mfn_t mfn)
{
    pfn_t pfn = unit_pfn(unit, mfn);

    must(guest_unprotect(unit->vcpu, pfn), "map a page again");
    guest_page_free(unit->guest, pfn);
}

vaddr_t unit_window(const struct unit *unit, unsigned index)
{
    return VADDR(unit->guest->window.v + (uint64_t)index * PAGE_SIZE);
}

int64_t unit_map(struct unit *unit, unsigned index, uint64_t entry)
{
    return guest_update_va_mapping(unit->vcpu, unit_window(unit, index), entry, UVMF_INVLPG | UVMF_ALL);
}

mfn_t unit_window_table(const struct unit *unit)
{
    mfn_t table;
    unsigned slot;

    if (!guest_find_entry(unit->guest, guest_root(unit->guest), unit->guest->window, 1, &table, &slot))
        sim_fail("unit: the window has no L1");
    return table;
}

vaddr_t unit_put_reservation(struct unit *unit, uint64_t extents, uint64_t count, uint32_t order, uint32_t flags,
                             uint16_t domid)
{
    const struct xen_memory_reservation wide = {extents, count, order, flags, domid, {0}};
    const struct compat_xen_memory_reservation narrow = {(uint32_t)extents, (uint32_t)count, order, flags, domid, 0};

    return unit->domain->width == WIDTH_64 ? guest_put(unit->vcpu, &wide, sizeof(wide))
                                           : guest_put(unit->vcpu, &narrow, sizeof(narrow));
}
