/* SPDX-License-Identifier: MIT */
/*
 * What single calls cost: under `qemu -icount shift=0,sleep=off` a tick of the TSC is an instruction.  A line for each,
 * "cost CALL COMMAND INSTRUCTIONS: what was called", COMMAND - for a call that has none; the least of several rounds,
 * with the way in and out.  Behind them the ways that are not calls: costs.h.  tools/bench-calls and tests/budget start
 * it.
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
#include <guests/costs/costs.h>

#define PLACE  UINT64_C(0x10000000) /* an address that nothing else uses */
#define ROUNDS 16u
#define BATCH  32u

static uint64_t *pages[2], *table;                 /* what PLACE maps; an L1 that is pinned and unpinned */
static uint64_t place_entry;                       /* machine address of the entry for PLACE */
static uint64_t page_mfns[2], table_mfn, root_mfn; /* of these, and of the table that is loaded */
static uint64_t empty_mfn;                         /* of a page without an entry */
static const uint64_t place = PLACE;
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

static long update_same(unsigned round)
{
    (void)round;
    return update_one(0);
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

static long update_va_same(unsigned round)
{
    (void)round;
    return update_va(0);
}

static long update_va_many(unsigned round, unsigned count)
{
    struct multicall_entry calls[BATCH];

    for (unsigned i = 0; i < count; i++)
        calls[i] = multicall_update_va_mapping(PLACE + i * PAGE_SIZE, entry_of(round), UVMF_NONE);
    return hypercall_multicall(calls, count);
}

static long update_va_eight(unsigned round)
{
    return update_va_many(round, 8);
}

static long update_va_batch(unsigned round)
{
    return update_va_many(round, BATCH);
}

static long version_batch(unsigned round)
{
    struct multicall_entry calls[BATCH];

    (void)round;
    for (unsigned i = 0; i < BATCH; i++)
        calls[i] = (struct multicall_entry){.op = __HYPERVISOR_xen_version, .args = {XENVER_version}};
    return hypercall_multicall(calls, BATCH);
}

/*
 * A step of a measurement: a function; or (@run is NULL) a command of mmuext_op, about *@operand, and a copy is made of
 * the second page; or (both are) nothing.
 */
struct step {
    long (*run)(unsigned round);
    unsigned cmd;
    const uint64_t *operand;
};

#define RUN(function)     \
    {                     \
        function, 0, NULL \
    }
#define EXTENDED(cmd, operand) \
    {                          \
        NULL, cmd, operand     \
    }
#define NOTHING       \
    {                 \
        NULL, 0, NULL \
    }
#define PIN         EXTENDED(MMUEXT_PIN_L1_TABLE, &table_mfn)
#define UNPIN       EXTENDED(MMUEXT_UNPIN_TABLE, &table_mfn)
#define UNPIN_EMPTY EXTENDED(MMUEXT_UNPIN_TABLE, &empty_mfn)

static long extend(const struct step *step)
{
    struct mmuext_op op = {
        .cmd = step->cmd, .arg1.mfn = (xen_pfn_t)*step->operand, .arg2.src_mfn = (xen_pfn_t)page_mfns[1]};

    return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static long do_step(const struct step *step, unsigned round)
{
    if (step->run)
        return step->run(round);
    return step->operand ? extend(step) : 0;
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
    struct gnttab_copy copy = {.source = {.u.gmfn = (xen_pfn_t)virt_to_mfn(pages[0]).v, .domid = DOMID_SELF},
                               .dest = {.u.gmfn = (xen_pfn_t)virt_to_mfn(pages[1]).v, .domid = DOMID_SELF},
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
    return hypercall_stack_switch(FLAT_KERNEL_SS, (uintptr_t)pages[round % 2] + PAGE_SIZE);
}

static long set_fs_base(unsigned round)
{
    return hypercall_set_segment_base(SEGBASE_FS, (uintptr_t)pages[round % 2]);
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
    struct step run, before, after; /* the first is measured */
};

static const struct cost costs[] = {
    {"mmu_update", "MMU_NORMAL_PT_UPDATE", "an entry of a table in use: another page", RUN(update_one), NOTHING,
     NOTHING},
    {"mmu_update", "MMU_NORMAL_PT_UPDATE", "the value that it has", RUN(update_same), NOTHING, NOTHING},
    {"mmu_update", "MMU_NORMAL_PT_UPDATE", "32 such entries in one call", RUN(update_batch), NOTHING, NOTHING},
    {"update_va_mapping", "-", "another page, nothing flushed", RUN(update_va), NOTHING, NOTHING},
    {"update_va_mapping", "-", "another page, its address flushed", RUN(update_va_flushing), NOTHING, NOTHING},
    {"update_va_mapping", "-", "the value that it has", RUN(update_va_same), NOTHING, NOTHING},
    {"multicall", "-", "eight calls of update_va_mapping", RUN(update_va_eight), NOTHING, NOTHING},
    {"multicall", "-", "32 calls of update_va_mapping", RUN(update_va_batch), NOTHING, NOTHING},
    {"multicall", "-", "32 calls of xen_version", RUN(version_batch), NOTHING, NOTHING},
    {"mmuext_op", "MMUEXT_PIN_L1_TABLE", "a table with 512 read-only entries", PIN, NOTHING, UNPIN},
    {"mmuext_op", "MMUEXT_UNPIN_TABLE", "a table with 512 read-only entries", UNPIN, PIN, NOTHING},
    {"mmuext_op", "MMUEXT_PIN_L1_TABLE", "an empty table", EXTENDED(MMUEXT_PIN_L1_TABLE, &empty_mfn), NOTHING,
     UNPIN_EMPTY},
    {"mmuext_op", "MMUEXT_UNPIN_TABLE", "an empty table", UNPIN_EMPTY, EXTENDED(MMUEXT_PIN_L1_TABLE, &empty_mfn),
     NOTHING},
    {"mmuext_op", "MMUEXT_NEW_BASEPTR", "the root that is loaded", EXTENDED(MMUEXT_NEW_BASEPTR, &root_mfn), NOTHING,
     NOTHING},
    {"mmuext_op", "MMUEXT_TLB_FLUSH_LOCAL", "", EXTENDED(MMUEXT_TLB_FLUSH_LOCAL, &place), NOTHING, NOTHING},
    {"mmuext_op", "MMUEXT_INVLPG_LOCAL", "", EXTENDED(MMUEXT_INVLPG_LOCAL, &place), NOTHING, NOTHING},
    {"mmuext_op", "MMUEXT_CLEAR_PAGE", "", EXTENDED(MMUEXT_CLEAR_PAGE, page_mfns), NOTHING, NOTHING},
    {"mmuext_op", "MMUEXT_COPY_PAGE", "", EXTENDED(MMUEXT_COPY_PAGE, page_mfns), NOTHING, NOTHING},
    {"memory_op", "XENMEM_decrease_reservation", "one page", RUN(give_extent), NOTHING, RUN(take_extent)},
    {"memory_op", "XENMEM_increase_reservation", "one page", RUN(take_extent), RUN(give_extent), NOTHING},
    {"memory_op", "XENMEM_current_reservation", "", RUN(ask_reservation), NOTHING, NOTHING},
    {"grant_table_op", "GNTTABOP_copy", "one page, between pages of the caller", RUN(grant_copy), NOTHING, NOTHING},
    {"xen_version", "XENVER_version", "", RUN(version), NOTHING, NOTHING},
    {"event_channel_op", "EVTCHNOP_send", "to the caller itself, which has events masked", RUN(send_event),
     RUN(forget_event), NOTHING},
    {"sched_op", "SCHEDOP_yield", "nobody else wants to run", RUN(yield), NOTHING, NOTHING},
    {"set_timer_op", "-", "a time far ahead", RUN(set_timer), NOTHING, NOTHING},
    {"vcpu_op", "VCPUOP_is_up", "", RUN(is_up), NOTHING, NOTHING},
    {"stack_switch", "-", "", RUN(stack_switch), NOTHING, NOTHING},
    {"set_segment_base", "-", "the base of fs", RUN(set_fs_base), NOTHING, NOTHING},
    {"fpu_taskswitch", "-", "", RUN(fpu_taskswitch), NOTHING, NOTHING},
    {"get_debugreg", "-", "", RUN(get_debugreg), NOTHING, NOTHING},
    {"physdev_op", "PHYSDEVOP_set_iopl", "", RUN(set_iopl), NOTHING, NOTHING},
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

        need(do_step(&cost->before, round), cost->call);
        ticks = rdtsc();
        result = do_step(&cost->run, round);
        ticks = rdtsc() - ticks;
        need(result, cost->call);
        need(do_step(&cost->after, round), cost->call);
        least = ticks < least ? ticks : least;
    }
    return least;
}

static void make_tables(void)
{
    void *empty;

    need(table_make(PLACE), "tables");
    place_entry = virt_to_maddr(table_entry(PLACE, 1));
    table = page_alloc();
    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++)
        table[i] = pte_make(virt_to_mfn(pages[0]), PTE_READONLY);
    need(table_set_readonly(table), "a read-only page");
    empty = page_alloc();
    need(table_set_readonly(empty), "a read-only page");
    empty_mfn = virt_to_mfn(empty).v;
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
        page_mfns[i] = virt_to_mfn(pages[i]).v;
    table_mfn = virt_to_mfn(table).v;
    root_mfn = virt_to_mfn(table_root()).v;
}

/* Nothing maps it any more: it can be given away. */
static void choose_extent(void)
{
    void *page = page_alloc();

    extent = (xen_pfn_t)virt_to_mfn(page).v;
    need(table_map((uintptr_t)page, 0), "a page that is not mapped");
}

static void open_port(void)
{
    struct evtchn_bind_ipi bind = {.vcpu = 0};

    need(hypercall_event_channel_op(EVTCHNOP_bind_ipi, &bind), "a port");
    port = bind.port;
}

void guest_main(void)
{
    const struct cost empty = {.call = "nothing", .run = RUN(nothing)};
    uint64_t overhead;

    pages[0] = page_alloc();
    pages[1] = page_alloc();
    make_tables();
    open_port();
    choose_extent();
    overhead = measure(&empty);
    for (unsigned i = 0; i < ARRAY_SIZE(costs); i++) {
        if (KERNEL_RING == 1 && costs[i].run.run == set_fs_base)
            continue; /* not for 32-bit guests, whose bases are those of descriptors */
        print("cost %s %s %" PRIu64 ": %s\n", costs[i].call, costs[i].command, measure(&costs[i]) - overhead,
              costs[i].what);
    }
    ways_measure(ROUNDS);
    print("verdict: success\n");
}
