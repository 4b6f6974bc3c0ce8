/* SPDX-License-Identifier: MIT */
/*
 * What single calls cost: under `qemu -icount shift=0,sleep=off` a tick of the TSC is an instruction.  A line for each,
 * "cost CALL COMMAND INSTRUCTIONS: what was called", COMMAND - for a call that has none; the least of several rounds,
 * with the way in and out.  tools/bench-calls starts it.
 */
#include <abi/callback.h>
#include <abi/grant.h>
#include <abi/memory.h>
#include <abi/physdev.h>
#include <abi/vcpu.h>
#include <abi/version.h>
#include <guest/address.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guest/table.h>

#define PLACE  UINT64_C(0x10000000) /* an address that nothing else uses */
#define ROUNDS 16u
#define BATCH  32u

static uint64_t *pages[2], *table; /* what PLACE maps; an L1 that is pinned and unpinned */
static uint64_t place_entry;       /* machine address of the entry for PLACE */
static evtchn_port_t port;
static xen_pfn_t extent; /* a frame that is given back and taken */

/* What PLACE shall map in a round: another page each time. */
static uint64_t entry_of(unsigned round)
{
    return pte_make(virt_to_mfn(pages[round % 2]), PTE_PROGRAM);
}

/*
 * ---- Page tables.
 */

static long update_one(unsigned round)
{
    struct mmu_update request = {place_entry, entry_of(round)};

    return hypercall_mmu_update(&request, 1, NULL, DOMID_SELF);
}

static long update_batch(unsigned round)
{
    struct mmu_update requests[BATCH];

    for (unsigned i = 0; i < BATCH; i++)
        requests[i] = (struct mmu_update){place_entry + i * sizeof(uint64_t), entry_of(round)};
    return hypercall_mmu_update(requests, BATCH, NULL, DOMID_SELF);
}

static long update_va(unsigned round)
{
    return hypercall_update_va_mapping(PLACE, entry_of(round), UVMF_NONE);
}

static long update_va_flushing(unsigned round)
{
    return hypercall_update_va_mapping(PLACE, entry_of(round), UVMF_INVLPG);
}

static long update_va_eight(unsigned round)
{
    struct multicall_entry calls[8];

    for (unsigned i = 0; i < ARRAY_SIZE(calls); i++)
        calls[i] = (struct multicall_entry){.op = __HYPERVISOR_update_va_mapping,
                                            .args = {PLACE + i * PAGE_SIZE, entry_of(round), UVMF_NONE}};
    return hypercall_multicall(calls, ARRAY_SIZE(calls));
}

static long extended(unsigned cmd, const void *page, uint64_t second)
{
    struct mmuext_op op = {.cmd = cmd, .arg1.mfn = page ? virt_to_mfn(page).v : PLACE, .arg2.src_mfn = second};

    return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static long pin(unsigned round)
{
    (void)round;
    return extended(MMUEXT_PIN_L1_TABLE, table, 0);
}

static long unpin(unsigned round)
{
    (void)round;
    return extended(MMUEXT_UNPIN_TABLE, table, 0);
}

static long same_root(unsigned round)
{
    (void)round;
    return extended(MMUEXT_NEW_BASEPTR, table_root(), 0);
}

static long flush(unsigned round)
{
    (void)round;
    return extended(MMUEXT_TLB_FLUSH_LOCAL, NULL, 0);
}

static long flush_page(unsigned round)
{
    (void)round;
    return extended(MMUEXT_INVLPG_LOCAL, NULL, 0);
}

static long clear_page(unsigned round)
{
    (void)round;
    return extended(MMUEXT_CLEAR_PAGE, pages[0], 0);
}

static long copy_page(unsigned round)
{
    (void)round;
    return extended(MMUEXT_COPY_PAGE, pages[0], virt_to_mfn(pages[1]).v);
}

/*
 * ---- Memory and grants.
 */

/* 0: the extent has been given, or taken. */
static long change_reservation(unsigned cmd)
{
    struct xen_memory_reservation reservation = {.extent_start = arg_of(&extent), .nr_extents = 1, .domid = DOMID_SELF};

    return hypercall_memory_op(cmd, &reservation) == 1 ? 0 : -1;
}

static long give_extent(unsigned round)
{
    (void)round;
    return change_reservation(XENMEM_decrease_reservation);
}

static long take_extent(unsigned round)
{
    (void)round;
    return change_reservation(XENMEM_increase_reservation);
}

static long ask_reservation(unsigned round)
{
    struct xen_memory_domain self = {DOMID_SELF};

    (void)round;
    return hypercall_memory_op(XENMEM_current_reservation, &self);
}

static long grant_copy(unsigned round)
{
    struct gnttab_copy copy = {.source = {.u.gmfn = virt_to_mfn(pages[0]).v, .domid = DOMID_SELF},
                               .dest = {.u.gmfn = virt_to_mfn(pages[1]).v, .domid = DOMID_SELF},
                               .len = PAGE_SIZE};
    long error = hypercall_grant_table_op(GNTTABOP_copy, &copy, 1);

    (void)round;
    return error ? error : copy.status;
}

/*
 * ---- Everything else.
 */

static long version(unsigned round)
{
    (void)round;
    return hypercall_xen_version(XENVER_version, NULL);
}

static long forget_event(unsigned round)
{
    (void)round;
    __atomic_store_n(&guest.shared->evtchn_pending[0], 0, __ATOMIC_SEQ_CST);
    return 0;
}

static long send_event(unsigned round)
{
    struct evtchn_send send = {port};

    (void)round;
    return hypercall_event_channel_op(EVTCHNOP_send, &send);
}

static long yield(unsigned round)
{
    (void)round;
    return hypercall_sched_op(SCHEDOP_yield, NULL);
}

static long set_timer(unsigned round)
{
    (void)round;
    return hypercall_set_timer_op(UINT64_C(1) << 40);
}

static long is_up(unsigned round)
{
    (void)round;
    return hypercall_vcpu_op(VCPUOP_is_up, 0, NULL);
}

static long stack_switch(unsigned round)
{
    return hypercall_stack_switch(FLAT_KERNEL_SS, (uint64_t)pages[round % 2] + PAGE_SIZE);
}

static long set_fs_base(unsigned round)
{
    return hypercall_set_segment_base(SEGBASE_FS, (uint64_t)pages[round % 2]);
}

static long fpu_taskswitch(unsigned round)
{
    return hypercall_fpu_taskswitch(round % 2);
}

static long get_debugreg(unsigned round)
{
    (void)round;
    return hypercall_get_debugreg(0);
}

static long set_iopl(unsigned round)
{
    struct physdev_set_iopl iopl = {.iopl = round % 2};

    return hypercall_physdev_op(PHYSDEVOP_set_iopl, &iopl);
}

struct cost {
    const char *call, *command, *what;
    long (*run)(unsigned round);
    long (*before)(unsigned round); /* not measured; may be NULL */
    long (*after)(unsigned round);  /* the same */
};

static const struct cost costs[] = {
    {"mmu_update", "MMU_NORMAL_PT_UPDATE", "an entry of a table in use: another page", update_one, NULL, NULL},
    {"mmu_update", "MMU_NORMAL_PT_UPDATE", "32 such entries in one call", update_batch, NULL, NULL},
    {"update_va_mapping", "-", "another page, nothing flushed", update_va, NULL, NULL},
    {"update_va_mapping", "-", "another page, its address flushed", update_va_flushing, NULL, NULL},
    {"multicall", "-", "eight calls of update_va_mapping", update_va_eight, NULL, NULL},
    {"mmuext_op", "MMUEXT_PIN_L1_TABLE", "a table with 512 read-only entries", pin, NULL, unpin},
    {"mmuext_op", "MMUEXT_UNPIN_TABLE", "a table with 512 read-only entries", unpin, pin, NULL},
    {"mmuext_op", "MMUEXT_NEW_BASEPTR", "the root that is loaded", same_root, NULL, NULL},
    {"mmuext_op", "MMUEXT_TLB_FLUSH_LOCAL", "", flush, NULL, NULL},
    {"mmuext_op", "MMUEXT_INVLPG_LOCAL", "", flush_page, NULL, NULL},
    {"mmuext_op", "MMUEXT_CLEAR_PAGE", "", clear_page, NULL, NULL},
    {"mmuext_op", "MMUEXT_COPY_PAGE", "", copy_page, NULL, NULL},
    {"memory_op", "XENMEM_decrease_reservation", "one page", give_extent, NULL, take_extent},
    {"memory_op", "XENMEM_increase_reservation", "one page", take_extent, give_extent, NULL},
    {"memory_op", "XENMEM_current_reservation", "", ask_reservation, NULL, NULL},
    {"grant_table_op", "GNTTABOP_copy", "one page, between pages of the caller", grant_copy, NULL, NULL},
    {"xen_version", "XENVER_version", "", version, NULL, NULL},
    {"event_channel_op", "EVTCHNOP_send", "to the caller itself, which has events masked", send_event, forget_event,
     NULL},
    {"sched_op", "SCHEDOP_yield", "nobody else wants to run", yield, NULL, NULL},
    {"set_timer_op", "-", "a time far ahead", set_timer, NULL, NULL},
    {"vcpu_op", "VCPUOP_is_up", "", is_up, NULL, NULL},
    {"stack_switch", "-", "", stack_switch, NULL, NULL},
    {"set_segment_base", "-", "the base of fs", set_fs_base, NULL, NULL},
    {"fpu_taskswitch", "-", "", fpu_taskswitch, NULL, NULL},
    {"get_debugreg", "-", "", get_debugreg, NULL, NULL},
    {"physdev_op", "PHYSDEVOP_set_iopl", "", set_iopl, NULL, NULL},
};

static long nothing(unsigned round)
{
    (void)round;
    return 0;
}

static void need(long result, const char *what)
{
    if (result < 0)
        guest_panic("%s: %ld", what, result);
}

/* The least of the rounds, in ticks. */
static uint64_t measure(const struct cost *cost)
{
    uint64_t least = ~UINT64_C(0);

    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t ticks;
        long result;

        need(cost->before ? cost->before(round) : 0, cost->call);
        ticks = rdtsc();
        result = cost->run(round);
        ticks = rdtsc() - ticks;
        need(result, cost->call);
        need(cost->after ? cost->after(round) : 0, cost->call);
        least = ticks < least ? ticks : least;
    }
    return least;
}

static void make_tables(void)
{
    need(table_make(PLACE), "tables");
    place_entry = virt_to_maddr(table_entry(PLACE, 1));
    table = page_alloc();
    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++)
        table[i] = pte_make(virt_to_mfn(pages[0]), PTE_READONLY);
    need(table_set_readonly(table), "a read-only page");
}

/* Nothing maps it any more: it can be given away. */
static void choose_extent(void)
{
    void *page = page_alloc();

    extent = virt_to_mfn(page).v;
    need(table_map((uint64_t)page, 0), "a page that is not mapped");
}

static void open_port(void)
{
    struct evtchn_bind_ipi bind = {.vcpu = 0};

    need(hypercall_event_channel_op(EVTCHNOP_bind_ipi, &bind), "a port");
    port = bind.port;
}

void guest_main(void)
{
    const struct cost empty = {.call = "nothing", .run = nothing};
    uint64_t overhead;

    pages[0] = page_alloc();
    pages[1] = page_alloc();
    make_tables();
    open_port();
    choose_extent();
    overhead = measure(&empty);
    for (unsigned i = 0; i < ARRAY_SIZE(costs); i++)
        print("cost %s %s %lu: %s\n", costs[i].call, costs[i].command, measure(&costs[i]) - overhead, costs[i].what);
    print("verdict: success\n");
}
