/* SPDX-License-Identifier: MIT */
/*
 * vCPUs that map, pin, unpin, update and exchange the same frames as fast as they can, while each looks for a stale
 * writable translation of a table: from the moment when a frame has become a table (or a descriptor table) until it is
 * none any more, no store reaches it.
 *
 * Everybody stores into the lower half of what a window of addresses leads to, wherever that is; and only into the
 * upper half of tables anything is written by calls.  Who has made a frame a table watches the lower half.  A value
 * that is stored is harmless as an entry and as a descriptor: were it to get through, it is this test that notices.
 *
 *   seed=N steps=N      what is done, and how much, by each vCPU
 *   seconds=N           or for how long; steps does not count then
 */
#include <abi/memory.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/table.h>
#include <guest/time.h>
#include <guest/trap.h>
#include <guest/vcpu.h>
#include <guests/tests/lib/test.h>

#define WINDOW  UINT64_C(0x30000000)
#define PLACES  16u /* pages of the window */
#define FRAMES  12u
#define LOWER   (ENTRIES_PER_TABLE / 2)
#define STORES  32u /* at a time */
#define LOOKS   8u  /* at each entry of a table */
#define SECONDS UINT64_C(1000000000)

static struct frame {
    uint64_t *page;
    bool held;   /* by the one who may make it a table, or exchange it */
    bool absent; /* given back, and none has come for it */
} frames[FRAMES];

static struct torturer {
    uint64_t state;
    uint64_t stores, faults, tables, refused, descriptors, exchanges, updates; /* how often */
    uint64_t stale;
    bool done;
} torturers[VCPUS_MAX];

static uint64_t steps, until;
static bool enough;

static unsigned below(struct torturer *me, unsigned limit)
{
    me->state ^= me->state << 13;
    me->state ^= me->state >> 7;
    me->state ^= me->state << 17;
    return (unsigned)((me->state >> 16) % limit);
}

static uintptr_t any_place(struct torturer *me)
{
    return (uintptr_t)(WINDOW + below(me, PLACES) * PAGE_SIZE);
}

static struct frame *any_frame(struct torturer *me)
{
    return &frames[below(me, FRAMES)];
}

static bool hold(struct frame *frame)
{
    return !__atomic_test_and_set(&frame->held, __ATOMIC_ACQUIRE);
}

static void let_go(struct frame *frame)
{
    __atomic_clear(&frame->held, __ATOMIC_RELEASE);
}

static void yield(void)
{
    (void)hypercall_sched_op(SCHEDOP_yield, NULL);
}

/*
 * ---- The window.
 */

/* Some leave the old translation where it is: nothing relies on its being gone but the hypervisor. */
static void map(struct torturer *me)
{
    static const uint64_t flushes[] = {UVMF_NONE, UVMF_NONE, UVMF_INVLPG | UVMF_LOCAL, UVMF_INVLPG | UVMF_ALL,
                                       UVMF_TLB_FLUSH | UVMF_ALL};
    const uint64_t cpus = 1 + below(me, 255);
    uint64_t flags = below(me, 4) ? PTE_KERNEL : PTE_READONLY;
    uint64_t entry = below(me, 6) ? pte_make(virt_to_mfn(any_frame(me)->page), flags) : 0;
    unsigned which = below(me, ARRAY_SIZE(flushes) + 2);

    if (which < ARRAY_SIZE(flushes))
        (void)hypercall_update_va_mapping(any_place(me), entry, flushes[which]);
    else
        (void)hypercall_update_va_mapping(
            any_place(me), entry, (which % 2 ? UVMF_INVLPG : UVMF_TLB_FLUSH) | UVMF_MULTI | (uint64_t)arg_of(&cpus));
}

/* The same by mmu_update, and the flush, if any, by itself. */
static void map_later(struct torturer *me)
{
    static const uint32_t flushes[] = {MMUEXT_TLB_FLUSH_LOCAL, MMUEXT_INVLPG_LOCAL,    MMUEXT_TLB_FLUSH_ALL,
                                       MMUEXT_INVLPG_ALL,      MMUEXT_TLB_FLUSH_MULTI, MMUEXT_INVLPG_MULTI};
    const uint64_t cpus = 1 + below(me, 255);
    const uintptr_t place = any_place(me);
    struct mmuext_op flush = {.cmd = flushes[below(me, ARRAY_SIZE(flushes))], .arg2.vcpumask = arg_of(&cpus)};

    if (flush.cmd == MMUEXT_INVLPG_LOCAL || flush.cmd == MMUEXT_INVLPG_ALL || flush.cmd == MMUEXT_INVLPG_MULTI)
        flush.arg1.linear_addr = place;
    (void)!table_write(table_entry(place, 1),
                       below(me, 6) ? pte_make(virt_to_mfn(any_frame(me)->page), PTE_KERNEL) : 0);
    if (below(me, 2))
        (void)hypercall_mmuext_op(&flush, 1, NULL, DOMID_SELF);
}

struct burst {
    uint64_t *page;
    struct torturer *me;
};

static void store(void *arg)
{
    const struct burst *burst = arg;

    for (unsigned i = 0; i < STORES; i++) {
        unsigned value = below(burst->me, 0x8000) << 1;

        WRITE_ONCE(burst->page[below(burst->me, LOWER)], value);
        burst->me->stores++;
    }
}

static void store_somewhere(struct torturer *me)
{
    struct burst burst = {.page = (uint64_t *)any_place(me), .me = me};
    struct fault fault;

    if (!trap_try(store, &burst, &fault)) {
        if (fault.vector != TRAP_PF)
            guest_panic("%s at a store", trap_name(fault.vector));
        me->faults++;
    }
}

/*
 * ---- Tables.
 */

/* A stale translation is used by who has it, and by others, who get the time to. */
static void watch(struct torturer *me, const struct frame *frame, const char *what)
{
    uint64_t seen[LOWER];

    for (unsigned i = 0; i < LOWER; i++)
        seen[i] = READ_ONCE(frame->page[i]);
    for (unsigned look = 0; look < LOOKS; look++) {
        for (unsigned i = 0; i < LOWER; i++) {
            if (READ_ONCE(frame->page[i]) == seen[i])
                continue;
            if (me->stale++ == 0)
                test_note("%s: word %u was %" PRIx64 " and is %" PRIx64, what, i, seen[i], READ_ONCE(frame->page[i]));
            seen[i] = READ_ONCE(frame->page[i]);
        }
        store_somewhere(me);
        if (look % 4 == 3)
            yield();
    }
}

static void clear_upper(const struct frame *frame)
{
    for (unsigned i = LOWER; i < ENTRIES_PER_TABLE; i++)
        WRITE_ONCE(frame->page[i], 0);
}

/* The kernel's own mapping of a page is read-only while it is a table.  That another is there makes no table of it. */
static void make_table(struct torturer *me)
{
    struct frame *frame = any_frame(me);

    if (!hold(frame))
        return;
    if (!frame->absent) {
        clear_upper(frame);
        if (table_set_readonly(frame->page))
            guest_panic("table_set_readonly");
        if (!table_pin(frame->page, 1)) {
            me->tables++;
            watch(me, frame, "an L1");
            if (table_unpin(frame->page))
                guest_panic("table_unpin");
        } else {
            me->refused++;
        }
        if (table_set_writable(frame->page))
            guest_panic("table_set_writable");
    }
    let_go(frame);
}

static void make_descriptors(struct torturer *me)
{
    struct frame *frame = any_frame(me);
    xen_pfn_t mfn;

    if (!hold(frame))
        return;
    if (!frame->absent) {
        clear_upper(frame);
        mfn = (xen_pfn_t)virt_to_mfn(frame->page).v;
        if (table_set_readonly(frame->page))
            guest_panic("table_set_readonly");
        if (!hypercall_set_gdt(&mfn, ENTRIES_PER_TABLE)) {
            me->descriptors++;
            watch(me, frame, "a GDT");
            if (hypercall_set_gdt(NULL, 0))
                guest_panic("set_gdt");
        } else {
            me->refused++;
        }
        if (table_set_writable(frame->page))
            guest_panic("table_set_writable");
    }
    let_go(frame);
}

/* If that one is a table now.  An ordinary page makes it a refusal. */
static void update_table(struct torturer *me)
{
    const struct frame *table = any_frame(me), *target = any_frame(me);
    struct mmu_update update = {.ptr = virt_to_maddr(table->page + LOWER + below(me, LOWER)) | MMU_NORMAL_PT_UPDATE,
                                .val = pte_make(virt_to_mfn(target->page), below(me, 2) ? PTE_KERNEL : PTE_READONLY)};

    if (!hypercall_mmu_update(&update, 1, NULL, DOMID_SELF))
        me->updates++;
}

/*
 * ---- Exchange.
 */

static void take_another(struct frame *frame)
{
    uint64_t got = virt_to_pfn(frame->page).v;
    struct xen_memory_reservation one = {.extent_start = arg_of(&got), .nr_extents = 1, .domid = DOMID_SELF};

    frame->absent = hypercall_memory_op(XENMEM_populate_physmap, &one) != 1;
    if (frame->absent)
        return;
    p2m_set(virt_to_pfn(frame->page), MFN(got));
    if (table_map((uintptr_t)frame->page, pte_make(MFN(got), PTE_KERNEL)))
        guest_panic("a new frame cannot be mapped");
}

/* The old frame goes when nothing refers to it any more; until then there may be no room for another one. */
static void exchange(struct torturer *me)
{
    struct frame *frame = any_frame(me);
    uint64_t mfn;
    struct xen_memory_reservation one = {.extent_start = arg_of(&mfn), .nr_extents = 1, .domid = DOMID_SELF};

    if (!hold(frame))
        return;
    if (!frame->absent) {
        mfn = virt_to_mfn(frame->page).v;
        if (table_map((uintptr_t)frame->page, 0))
            guest_panic("a frame cannot be unmapped");
        if (hypercall_memory_op(XENMEM_decrease_reservation, &one) != 1)
            guest_panic("a frame cannot be given back");
        me->exchanges++;
    }
    take_another(frame);
    let_go(frame);
}

/*
 * ---- All of them.
 */

static void torture(void *arg)
{
    static void (*const ways[])(struct torturer *) = {
        map,        map,        map_later,        map_later,    store_somewhere, store_somewhere, store_somewhere,
        make_table, make_table, make_descriptors, update_table, update_table,    exchange,
    };
    struct torturer *me = arg;

    for (uint64_t step = 0; until ? !READ_ONCE(enough) : step < steps; step++) {
        ways[below(me, ARRAY_SIZE(ways))](me);
        if (until && me == torturers && time_now() >= until)
            WRITE_ONCE(enough, true);
    }
    WRITE_ONCE(me->done, true);
}

static void set_up(void)
{
    const uint64_t seed = guest_option("seed", 1), seconds = guest_option("seconds", 0);

    steps = guest_option("steps", 8000);
    until = seconds ? time_now() + seconds * SECONDS : 0;
    test_need(table_make(WINDOW), "tables");
    for (unsigned i = 0; i < FRAMES; i++)
        frames[i].page = page_alloc();
    for (unsigned i = 0; i < VCPUS_MAX; i++)
        torturers[i].state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + i * UINT64_C(0xbf58476d1ce4e5b9);
    test_note("seed=%" PRIu64, seed);
}

void test_main(void)
{
    struct torturer sum = {0};
    unsigned count = vcpu_count();

    set_up();
    for (unsigned i = 1; i < count; i++)
        test_need(vcpu_start(i, torture, &torturers[i]), "vcpu_start");
    torture(&torturers[0]);
    for (unsigned i = 0; i < count; i++) {
        while (!READ_ONCE(torturers[i].done))
            yield();
        sum.stores += torturers[i].stores;
        sum.faults += torturers[i].faults;
        sum.tables += torturers[i].tables;
        sum.refused += torturers[i].refused;
        sum.descriptors += torturers[i].descriptors;
        sum.exchanges += torturers[i].exchanges;
        sum.updates += torturers[i].updates;
        sum.stale += torturers[i].stale;
    }
    test_note("%u vCPUs: %" PRIu64 " stores, %" PRIu64 " faults, %" PRIu64 " tables, %" PRIu64 " GDTs, %" PRIu64
              " refused, %" PRIu64 " exchanges, %" PRIu64 " updates",
              count, sum.stores, sum.faults, sum.tables, sum.descriptors, sum.refused, sum.exchanges, sum.updates);
    test_equal("stores that reached a table", sum.stale, 0);
    test_check(sum.stores && sum.faults && sum.tables && sum.descriptors && sum.exchanges && sum.updates,
               "everything was tried", "see above");
}
