/* SPDX-License-Identifier: MIT */
/*
 * Every call with pointers that point nowhere good, and with arguments of all kinds: each call returns, what it returns
 * is a result and not an accident, and the guest and the hypervisor go on.
 *
 * Left out is what ends the domain by right, or takes away what the test stands on.  "seed=" and "rounds=" repeat a
 * run.
 */
#include <abi/errno.h>
#include <abi/layout.h>
#include <abi/memory.h>
#include <guest/errno.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/time.h>
#include <guest/trap.h>
#include <guests/tests/lib/test.h>

#define NR_CALLS    64u
#define READONLY_AT UINT64_C(0x10000000)
#define EDGE_AT     UINT64_C(0x10002000) /* a page, and nothing behind it */

static uint64_t state;

static uint64_t random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static char *scratch; /* a page of the guest that anything may be written to */

static uint64_t max_mfn; /* of RAM; the M2P can be read up to there */

/* A frame of the guest's own that a call could ruin by right: not the page of this test, nor what is guarded. */
static bool is_precious(mfn_t mfn)
{
    return mfn.v < max_mfn && mfn_to_own_pfn(mfn).v != PFN_NONE.v && mfn.v != virt_to_mfn(scratch).v &&
           mfn.v != virt_to_mfn(table_root()).v;
}

/* Values that are interesting as pointers, counts, frames and commands. */
static uint64_t any_value(void)
{
    const uint64_t values[] = {
        0,
        1,
        2,
        8,
        0xfff,
        0x7ff0,
        0x7ff1,
        0xffff,
        0x80000000,
        0xffffffff,
        0x7fffffffffff,
        0x7ffffffffff8,
        0x800000000000,
        UINT64_C(0x8000000000000000),
        HYPERVISOR_VIRT_START,
        HYPERVISOR_VIRT_END - 8,
        HYPERVISOR_VIRT_END - 1,
        UINT64_C(0xffff830000000000),
        UINT64_C(0xfffffffffffffff8),
        UINT64_C(0xffffffffffffffff),
        READONLY_AT,
        READONLY_AT + 0xffc,
        EDGE_AT + 0xff8,
        EDGE_AT + 0xffc,
        EDGE_AT + 0xfff,
        (uintptr_t)scratch,
        (uintptr_t)scratch + 4,
        (uintptr_t)scratch + 0xff8,
        (uintptr_t)table_root(),
        virt_to_maddr(table_root()),
        virt_to_mfn(table_root()).v,
        virt_to_maddr(scratch) | 1,
    };
    uint64_t choice = random();

    if (choice % 16 == 0)
        return random();
    if (choice % 16 < 4)
        return random() % 40;
    return values[(choice >> 8) % ARRAY_SIZE(values)];
}

/* None of them is the machine address of something precious. */
static uint64_t value(void)
{
    uint64_t chosen;

    do {
        chosen = any_value();
    } while (is_precious(MFN(chosen >> PAGE_SHIFT)));
    return chosen;
}

/* A word of a structure; not the commands that clear and copy frames, which small numbers name. */
static uint64_t word(void)
{
    uint64_t chosen;

    do {
        chosen = value();
    } while (chosen == MMUEXT_CLEAR_PAGE || chosen == MMUEXT_COPY_PAGE);
    return chosen;
}

/* What would end or derail the test when it works. */
static bool destructive(unsigned nr, const uintptr_t *a)
{
    switch (nr) {
    case __HYPERVISOR_iret:
        return true;
    case __HYPERVISOR_sched_op:
    case __HYPERVISOR_sched_op_compat: /* ends it, now or later; sleeps without an end */
        return a[0] == SCHEDOP_shutdown || a[0] == SCHEDOP_block || a[0] == SCHEDOP_poll ||
               a[0] == SCHEDOP_shutdown_code || a[0] == SCHEDOP_watchdog;
    case __HYPERVISOR_set_trap_table: /* takes the handlers away */
    case __HYPERVISOR_callback_op:
    case __HYPERVISOR_set_callbacks:
    case __HYPERVISOR_stack_switch:
        return true;
    case __HYPERVISOR_vcpu_op: /* stop itself; move its vcpu_info; an NMI */
        return (uint32_t)a[0] == 2 || (uint32_t)a[0] == 10 || (uint32_t)a[0] == 11;
    case __HYPERVISOR_event_channel_op: /* cut off the console; change to FIFO */
        return (uint32_t)a[0] == EVTCHNOP_close || (uint32_t)a[0] >= EVTCHNOP_reset;
    case __HYPERVISOR_grant_table_op: /* copies to frames by number */
        return (uint32_t)a[0] == 5;
    case __HYPERVISOR_event_channel_op_compat:
        return a[0] / PAGE_SIZE == (uintptr_t)scratch / PAGE_SIZE;
    case __HYPERVISOR_mmu_update: /* bit 31 is Xen's own, and then it returns what it likes */
    case __HYPERVISOR_mmuext_op:
        return test_under_xen() && a[1] & MMU_UPDATE_PREEMPTED;
    case __HYPERVISOR_multicall: /* tried by itself, below */
        return true;
    case __HYPERVISOR_console_io: /* pages of noise */
        return (uint32_t)a[0] == 0;
    case __HYPERVISOR_kexec_op:
    case __HYPERVISOR_platform_op: /* of the initial domain: sleep, update, reboot */
    case __HYPERVISOR_sysctl:
    case __HYPERVISOR_domctl:
        return test_under_xen();
    default:
        return false;
    }
}

/* Results are small: an errno, a count, a version.  Only these calls may return anything. */
static bool plausible(unsigned nr, long result)
{
    int64_t number = result;

    if (nr == __HYPERVISOR_get_debugreg || nr == __HYPERVISOR_memory_op)
        return true;
    return number >= -200 && number < INT64_C(0x100000000);
}

/* Fill the scratch page with structures that may or may not make sense. */
static void fill_scratch(void)
{
    uint64_t *words = (uint64_t *)scratch;

    for (unsigned i = 0; i < 16; i++) {
        words[i] = word();
        words[PAGE_SIZE / 8 - 1 - i] = word();
    }
}

static unsigned nr_implausible;

/* What calls at random may have taken away, though not by mistake: the test's own mappings. */
static void repair(void)
{
    (void)!table_map((uintptr_t)table_root(), pte_make(virt_to_mfn(table_root()), PTE_READONLY));
    (void)!table_set_writable(scratch);
    if (table_make(READONLY_AT) || table_map(READONLY_AT, pte_make(virt_to_mfn(scratch), PTE_READONLY)) ||
        table_map(EDGE_AT, pte_make(virt_to_mfn(scratch), PTE_KERNEL)) || table_map(EDGE_AT + PAGE_SIZE, 0))
        test_error("the test's mappings cannot be repaired");
}

static void one(unsigned nr)
{
    uintptr_t a[5];
    long result;

    repair();
    for (unsigned i = 0; i < 5; i++)
        a[i] = (uintptr_t)value();
    if (destructive(nr, a))
        return;
    fill_scratch();
    result = hypercall(nr, a[0], a[1], a[2], a[3], a[4]);
    if (!plausible(nr, result)) {
        nr_implausible++;
        test_not_ok("plausible result",
                    "call %u(%" PRIxPTR ", %" PRIxPTR ", %" PRIxPTR ", %" PRIxPTR ", %" PRIxPTR ") = %lx", nr, a[0],
                    a[1], a[2], a[3], a[4], (unsigned long)result);
    }
}

/* A batch of calls that could be made one by one as well. */
static void batch(void)
{
    struct multicall_entry calls[4];
    long result;

    repair();
    for (unsigned i = 0; i < ARRAY_SIZE(calls); i++) {
        do {
            calls[i].op = (unsigned)(random() % NR_CALLS);
            for (unsigned j = 0; j < 6; j++)
                calls[i].args[j] = (uintptr_t)value();
        } while (destructive((unsigned)calls[i].op, calls[i].args));
    }
    fill_scratch();
    result = hypercall_multicall(calls, ARRAY_SIZE(calls));
    if (result) {
        nr_implausible++;
        test_not_ok("multicall", "%ld", result);
    }
}

static bool ignore(struct regs *regs)
{
    (void)regs;
    return true;
}

/* Calls with a pointer to something that is read, or written: position and the arguments around it. */
static const struct pointed {
    const char *name;
    unsigned nr, position;
    uintptr_t a[5];
    bool written; /* the call stores there */
} pointed[] = {
    {"set_trap_table", __HYPERVISOR_set_trap_table, 0, {0}, false},
    {"mmu_update", __HYPERVISOR_mmu_update, 0, {0, 1, 0, DOMID_SELF}, false},
    {"mmuext_op", __HYPERVISOR_mmuext_op, 0, {0, 1, 0, DOMID_SELF}, false},
    {"set_gdt", __HYPERVISOR_set_gdt, 0, {0, 512}, false},
    {"callback_op", __HYPERVISOR_callback_op, 1, {CALLBACKOP_register}, false},
    {"multicall", __HYPERVISOR_multicall, 0, {0, 1}, true},
    {"xen_version, extraversion", __HYPERVISOR_xen_version, 1, {1}, true},
    {"xen_version, features", __HYPERVISOR_xen_version, 1, {6}, true},
    {"memory_op, current_reservation", __HYPERVISOR_memory_op, 1, {3}, false},
    {"memory_op, machphys_mapping", __HYPERVISOR_memory_op, 1, {12}, true},
    {"event_channel_op, alloc_unbound", __HYPERVISOR_event_channel_op, 1, {6}, false},
    {"event_channel_op, bind_virq", __HYPERVISOR_event_channel_op, 1, {1}, false},
    {"event_channel_op, status", __HYPERVISOR_event_channel_op, 1, {5}, false},
    {"sched_op, shutdown", __HYPERVISOR_sched_op, 1, {SCHEDOP_shutdown}, false},
    {"sched_op, poll", __HYPERVISOR_sched_op, 1, {SCHEDOP_poll}, false},
    {"vcpu_op, set_singleshot_timer", __HYPERVISOR_vcpu_op, 2, {8, 0}, false},
    {"vcpu_op, register_vcpu_info", __HYPERVISOR_vcpu_op, 2, {10, 0}, false},
    {"vcpu_op, get_runstate_info", __HYPERVISOR_vcpu_op, 2, {4, 0}, true},
    {"grant_table_op, setup_table", __HYPERVISOR_grant_table_op, 1, {2, 0, 1}, false},
    {"grant_table_op, query_size", __HYPERVISOR_grant_table_op, 1, {6, 0, 1}, false},
    {"physdev_op, set_iopl", __HYPERVISOR_physdev_op, 1, {6}, false},
    {"console_io, write", __HYPERVISOR_console_io, 2, {0, 64}, false},
};

static void bad_pointers(void)
{
    static const struct {
        const char *name;
        uint64_t address;
        bool only_written; /* can be read */
    } bad[] = {
        {"nothing mapped there", 0x1234560, false},
        {"not canonical", UINT64_C(0x8000000000000000), false},
        {"the first address behind the lower half", UINT64_C(0x800000000000), false},
        {"the hypervisor's", UINT64_C(0xffff830000000000), false},
        {"the hypervisor's last", HYPERVISOR_VIRT_END - 1, false},
        {"the last of all", UINT64_C(0xffffffffffffffff), false},
        {"over the end of a mapped page", EDGE_AT + PAGE_SIZE - 1, false},
        {"a read-only page", READONLY_AT, true},
    };
    char name[100];

    for (unsigned i = 0; i < ARRAY_SIZE(pointed); i++) {
        for (unsigned j = 0; j < ARRAY_SIZE(bad); j++) {
            const struct pointed *it = &pointed[i];
            uintptr_t a[5];

            if ((bad[j].only_written && !it->written) || bad[j].address > UINTPTR_MAX)
                continue;
            memset(scratch, 0, PAGE_SIZE);
            if (it->nr == __HYPERVISOR_multicall)
                scratch[0] = __HYPERVISOR_xen_version; /* call 0 would take the handlers away */
            memcpy(a, it->a, sizeof(a));
            a[it->position] = (uintptr_t)bad[j].address;
            print_to(name, sizeof(name), "%s: %s", it->name, bad[j].name);
            test_result(name, hypercall(it->nr, a[0], a[1], a[2], a[3], a[4]), -XEN_EFAULT);
        }
    }
}

void test_main(void)
{
    unsigned rounds = (unsigned)guest_option("rounds", 2000);

    state = guest_option("seed", 1);
    test_note("seed=0x%" PRIx64 " rounds=%u", state, rounds);
    scratch = page_alloc();
    max_mfn = (uint64_t)hypercall_memory_op(XENMEM_maximum_ram_page, NULL);
    (void)trap_set_handler(TRAP_DB, ignore);
    repair();
    bad_pointers();
    for (unsigned nr = 0; nr < NR_CALLS; nr++) {
        for (unsigned round = 0; round < rounds; round++)
            one(nr);
        test_check(hypercall_xen_version(0, NULL) > 0, "the calls still work", "after call %u", nr);
    }
    for (unsigned round = 0; round < rounds; round++)
        batch();
    test_equal("implausible results", nr_implausible, 0);
}
