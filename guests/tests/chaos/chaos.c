/* SPDX-License-Identifier: MIT */
/*
 * One of several guests that do at random what grants, event channels and their own ends allow to do with each other,
 * in frames that the hypervisor uses as well; then they reboot, whatever is mapped.  Nothing is expected here: the
 * audit at each end is what counts.
 *
 *   seed=N peers=N until=SECONDS     the domains are those from 1 to @peers; the last life begins after @until
 */
#include <abi/grant.h>
#include <abi/memory.h>
#include <abi/sched.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/table.h>
#include <guest/time.h>
#include <guests/tests/lib/test.h>

#define WINDOW   UINT64_C(0x30000000)
#define TABLE_AT UINT64_C(0x30100000)
#define PLACES   64u /* pages of the window */
#define PAGES    16u
#define FRAMES   4u /* of the grant table */
#define REFS     64u
#define REF      8u /* the first of these */
#define KEPT     64u
#define PORTS    60u
#define AT_ONCE  20u
#define STEPS    200u /* at least, and up to MORE besides */
#define MORE     4000u

static uint64_t state;
static unsigned peers;
static void *pages[PAGES];
static volatile struct grant_entry_v1 *entries;
static xen_pfn_t table_frames[FRAMES];

/* Mappings, some of which are gone. */
static struct {
    grant_handle_t handle;
    uint64_t host_addr;
} kept[KEPT];

static unsigned below(unsigned limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 16) % limit);
}

static uint16_t any_peer(void)
{
    return (uint16_t)(1 + below(peers));
}

static grant_ref_t any_ref(void)
{
    return REF + below(REFS);
}

static mfn_t any_frame(void)
{
    switch (below(9)) {
    case 0:
        return MFN(guest.start->console.domU.mfn);
    case 1:
        return MFN(guest.start->store_mfn);
    case 2:
        return MFN(guest.start->shared_info >> PAGE_SHIFT);
    case 3:
        return MFN(table_frames[below(FRAMES)]);
    case 4:
        return virt_to_mfn(table_root());
    default:
        return virt_to_mfn(pages[below(PAGES)]);
    }
}

static uint64_t any_place(void)
{
    return below(12) ? WINDOW + below(PLACES) * PAGE_SIZE : (uintptr_t)pages[below(PAGES)];
}

/* What becomes of an entry is of no interest. */
static void set_entry(uint64_t at, uint64_t entry)
{
    (void)!table_map(at, entry);
}

/*
 * ---- Grants.
 */

static void grant(void)
{
    volatile struct grant_entry_v1 *entry = &entries[any_ref()];

    entry->flags = 0;
    entry->domid = any_peer();
    entry->frame = (uint32_t)any_frame().v;
    entry->flags = below(8) ? GTF_permit_access | (below(4) ? 0 : GTF_readonly) : (uint16_t)below(UINT16_MAX);
}

static void map(void)
{
    uint64_t at = any_place(), *entry = table_entry(at, 1);
    struct gnttab_map_grant_ref map = {.host_addr = at, .flags = GNTMAP_host_map, .ref = any_ref(), .dom = any_peer()};

    if (below(3) == 0)
        map.flags |= GNTMAP_readonly;
    if (below(8) == 0)
        map.flags |= GNTMAP_device_map;
    if (below(4) == 0 && entry) {
        map.flags |= GNTMAP_contains_pte;
        map.host_addr = virt_to_maddr(entry);
    }
    (void)hypercall_grant_table_op(GNTTABOP_map_grant_ref, &map, 1);
    if (map.status != GNTST_okay)
        return;
    at = below(KEPT);
    kept[at].handle = map.handle;
    kept[at].host_addr = map.host_addr;
}

static void unmap(void)
{
    struct gnttab_unmap_grant_ref unmaps[AT_ONCE];

    for (unsigned i = 0; i < AT_ONCE; i++) {
        unsigned which = below(KEPT);

        unmaps[i] = (struct gnttab_unmap_grant_ref){.host_addr = below(8) ? kept[which].host_addr : any_place(),
                                                    .handle = kept[which].handle};
    }
    (void)hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, unmaps, 1 + below(AT_ONCE));
}

static void replace(void)
{
    unsigned which = below(KEPT);
    struct gnttab_unmap_and_replace replace = {
        .host_addr = kept[which].host_addr, .new_addr = any_place(), .handle = kept[which].handle};

    (void)hypercall_grant_table_op(GNTTABOP_unmap_and_replace, &replace, 1);
}

static void copy(void)
{
    struct gnttab_copy copy = {.source = {.u.ref = any_ref(), .domid = any_peer(), .offset = PAGE_SIZE / 2},
                               .dest = {.u.ref = any_ref(), .domid = any_peer(), .offset = PAGE_SIZE / 2},
                               .len = 8,
                               .flags = GNTCOPY_source_gref | GNTCOPY_dest_gref};

    if (below(2)) {
        copy.source = (struct gnttab_copy_ptr){.u.gmfn = (xen_pfn_t)any_frame().v, .domid = DOMID_SELF};
        copy.flags = GNTCOPY_dest_gref;
    }
    (void)hypercall_grant_table_op(GNTTABOP_copy, &copy, 1);
}

static void change_version(void)
{
    struct gnttab_set_version set = {.version = 1 + below(2)};

    (void)hypercall_grant_table_op(GNTTABOP_set_version, &set, 1);
}

/*
 * ---- Memory.
 */

static void overwrite(void)
{
    set_entry(WINDOW + below(PLACES) * PAGE_SIZE,
              below(2) ? 0 : pte_make(virt_to_mfn(pages[below(PAGES)]), PTE_KERNEL));
}

static void scribble(void)
{
    uint64_t entry, at = any_place();

    if (table_walk(at, &entry) && (entry & PTE_P) && (entry & PTE_RW)) {
        for (unsigned i = 0; i < 16; i++)
            ((volatile uint64_t *)(uintptr_t)at)[below(ENTRIES_PER_TABLE)] = below(4) ? state : 0;
    }
}

static void pin(void)
{
    void *page = pages[below(PAGES)];

    set_entry((uintptr_t)page, pte_make(virt_to_mfn(page), PTE_READONLY));
    if (!table_pin(page, 1))
        test_need(table_unpin(page), "a page again");
    set_entry((uintptr_t)page, pte_make(virt_to_mfn(page), PTE_KERNEL));
}

/* Give a frame back that others may still map, and take another one for it. */
static void change_frame(void)
{
    void *page = pages[below(PAGES)];
    uint64_t mfn = virt_to_mfn(page).v, got = virt_to_pfn(page).v;
    struct xen_memory_reservation one = {.extent_start = arg_of(&mfn), .nr_extents = 1, .domid = DOMID_SELF};

    set_entry((uintptr_t)page, 0);
    (void)hypercall_memory_op(XENMEM_decrease_reservation, &one);
    one = (struct xen_memory_reservation){.extent_start = arg_of(&got), .nr_extents = 1, .domid = DOMID_SELF};
    if (hypercall_memory_op(XENMEM_populate_physmap, &one) == 1)
        p2m_set(virt_to_pfn(page), MFN(got));
    set_entry((uintptr_t)page, pte_make(virt_to_mfn(page), PTE_KERNEL));
}

/*
 * ---- Events.
 */

/* The structure of each command is words, of which the guest says what the first few are. */
static void command(unsigned number, uint32_t first, uint32_t second)
{
    uint32_t words[8] = {first, second};

    (void)hypercall_event_channel_op(number, words);
}

static void events(void)
{
    unsigned peer = 1 + below(peers), port = below(PORTS);

    switch (below(10)) {
    case 0:
        command(EVTCHNOP_alloc_unbound, DOMID_SELF | peer << 16, 0);
        break;
    case 1:
        command(EVTCHNOP_bind_interdomain, peer, port);
        break;
    case 2:
        command(EVTCHNOP_close, port, 0);
        break;
    case 3:
    case 4:
        command(EVTCHNOP_send, port, 0);
        break;
    case 5:
        command(EVTCHNOP_bind_virq, below(NR_VIRQS), 0);
        break;
    case 6:
        command(EVTCHNOP_bind_ipi, 0, 0);
        break;
    case 7:
        command(EVTCHNOP_set_priority, port, below(EVTCHN_FIFO_MAX_QUEUES));
        break;
    case 8:
        command(EVTCHNOP_unmask, port, 0);
        break;
    default:
        command(EVTCHNOP_reset, DOMID_SELF, 0);
        break;
    }
}

/* Control blocks and event words in frames that may be lent as well. */
static void event_frames(void)
{
    struct evtchn_init_control init = {.control_gfn = any_frame().v, .offset = below(500) * 8};
    struct evtchn_expand_array expand = {any_frame().v};

    (void)hypercall_event_channel_op(EVTCHNOP_init_control, &init);
    (void)hypercall_event_channel_op(EVTCHNOP_expand_array, &expand);
}

static void yield(void)
{
    (void)hypercall_sched_op(SCHEDOP_yield, NULL);
}

/*
 * ---- A life.
 */

static void (*const actions[])(void) = {
    grant,     grant, map,          map,      map,   unmap,  unmap,  replace,      copy,
    overwrite, pin,   change_frame, scribble, yield, events, events, event_frames,
};

static void set_up(void)
{
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = FRAMES, .frame_list = arg_of(table_frames)};

    test_need(table_make(WINDOW), "tables");
    test_need((int)hypercall_grant_table_op(GNTTABOP_setup_table, &setup, 1), "GNTTABOP_setup_table");
    test_need(table_map(TABLE_AT, pte_make(MFN(table_frames[0]), PTE_KERNEL)), "the grant table");
    entries = (volatile struct grant_entry_v1 *)TABLE_AT;
    for (unsigned i = 0; i < PAGES; i++)
        pages[i] = page_alloc();
}

void test_main(void)
{
    const uint64_t until = guest_option("until", 0) * UINT64_C(1000000000);
    const struct sched_shutdown again = {.reason = SHUTDOWN_reboot}, last = {.reason = SHUTDOWN_poweroff};
    unsigned steps;

    if (until == 0)
        test_skip("it takes other guests: tests/several");
    state = (guest_option("seed", 0) + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ time_now();
    peers = (unsigned)guest_option("peers", 1);
    set_up();
    for (steps = STEPS + below(MORE); steps > 0; steps--)
        actions[below(sizeof(actions) / sizeof(actions[0]))]();
    if (below(2))
        change_version();
    (void)hypercall_sched_op(SCHEDOP_shutdown, time_now() < until ? &again : &last);
}
