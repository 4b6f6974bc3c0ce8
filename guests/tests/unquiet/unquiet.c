/* SPDX-License-Identifier: MIT */
/*
 * vCPUs that are in the middle of something long whenever others stop them, start them, send them NMIs, and at last end
 * the domain: what they hold then has to come back, which the audit behind the end sees.  "seed=" and "rounds=" repeat
 * a run.
 */
#include <abi/context.h>
#include <abi/grant.h>
#include <abi/memory.h>
#include <abi/sched.h>
#include <abi/segment.h>
#include <abi/vcpu.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guests/tests/lib/test.h>

#define WORKERS      2u
#define TABLES       24u /* L1s below a worker's L2 */
#define WORKER_STACK 8192u
#define CALLS        64u

static struct worker {
    uint64_t state, steps;
    uint64_t *l2, *page;
    struct vcpu_runstate_info runstate;
    struct vcpu_time_info time;
    struct multicall_entry calls[CALLS];
    struct gnttab_copy copies[CALLS];
    char stack[WORKER_STACK] __attribute__((aligned(16)));
} workers[WORKERS];

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* An L2 that takes long to validate: each entry an L1, each entry of that the worker's page. */
static void make_tables(struct worker *worker)
{
    uint64_t *l2 = page_alloc();

    worker->page = page_alloc();
    for (unsigned i = 0; i < TABLES; i++) {
        uint64_t *l1 = page_alloc();

        for (unsigned j = 0; j < ENTRIES_PER_TABLE; j++)
            l1[j] = pte_make(virt_to_mfn(worker->page), PTE_READONLY);
        test_need(table_set_readonly(l1), "table_set_readonly");
        l2[i] = pte_make(virt_to_mfn(l1), PTE_TABLE);
    }
    test_need(table_set_readonly(l2), "table_set_readonly");
    worker->l2 = l2;
}

static long mmuext(unsigned command, uint64_t mfn)
{
    struct mmuext_op op = {.cmd = command, .arg1.mfn = (xen_pfn_t)mfn};

    return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static void pin(struct worker *worker)
{
    (void)mmuext(MMUEXT_PIN_L2_TABLE, virt_to_mfn(worker->l2).v);
}

static void unpin(struct worker *worker)
{
    (void)mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(worker->l2).v);
}

static void calls(struct worker *worker)
{
    for (unsigned i = 0; i < CALLS; i++) {
        struct multicall_entry *call = &worker->calls[i];
        bool is_pin = next(&worker->state) % 2;
        static struct mmuext_op ops[WORKERS][2];
        struct mmuext_op *op = &ops[worker - workers][is_pin];

        *op = (struct mmuext_op){.cmd = is_pin ? MMUEXT_PIN_L2_TABLE : MMUEXT_UNPIN_TABLE,
                                 .arg1.mfn = (xen_pfn_t)virt_to_mfn(worker->l2).v};
        *call = (struct multicall_entry){.op = __HYPERVISOR_mmuext_op, .args = {(uintptr_t)op, 1, 0, DOMID_SELF}};
    }
    (void)hypercall_multicall(worker->calls, CALLS);
}

static void copies(struct worker *worker)
{
    xen_pfn_t mfn = (xen_pfn_t)virt_to_mfn(worker->page).v;

    for (unsigned i = 0; i < CALLS; i++) {
        worker->copies[i] = (struct gnttab_copy){.source = {.u.gmfn = mfn, .domid = DOMID_SELF, .offset = 0},
                                                 .dest = {.u.gmfn = mfn, .domid = DOMID_SELF, .offset = 2048},
                                                 .len = 2048};
    }
    (void)hypercall_grant_table_op(GNTTABOP_copy, worker->copies, CALLS);
}

/* Frames come and go. */
static void reserve(struct worker *worker)
{
    xen_pfn_t list[8];
    struct xen_memory_reservation more = {.extent_start = (uintptr_t)list, .nr_extents = 8, .domid = DOMID_SELF};
    long got = hypercall_memory_op(XENMEM_increase_reservation, &more);

    (void)worker;
    if (got > 0) {
        more.nr_extents = (uintptr_t)got;
        (void)hypercall_memory_op(XENMEM_decrease_reservation, &more);
    }
}

static void areas(struct worker *worker)
{
    unsigned id = (unsigned)(worker - workers) + 1;
    uint64_t place = next(&worker->state) % 2 ? (uintptr_t)&worker->runstate : 0, time = (uintptr_t)&worker->time;

    (void)hypercall_vcpu_op(VCPUOP_register_runstate_memory_area, id, &place);
    (void)hypercall_vcpu_op(VCPUOP_register_vcpu_time_memory_area, id, &time);
}

/* Timers, and NMIs to the others, whatever state they are in. */
static void disturb(struct worker *worker)
{
    struct vcpu_set_periodic_timer timer = {UINT64_C(1000000)};

    (void)hypercall_vcpu_op(VCPUOP_set_periodic_timer, (unsigned)(next(&worker->state) % (WORKERS + 1)), &timer);
    (void)hypercall_vcpu_op(VCPUOP_send_nmi, 1 + (unsigned)(next(&worker->state) % WORKERS), NULL);
}

static void switch_off(struct worker *worker)
{
    (void)hypercall_vcpu_op(VCPUOP_down, 1 + (unsigned)(next(&worker->state) % WORKERS), NULL);
}

static void sleep(struct worker *worker)
{
    struct sched_poll poll = {.ports = (uintptr_t)worker, .nr_ports = 0, .timeout = 1};

    (void)hypercall_sched_op(SCHEDOP_poll, &poll);
}

__attribute__((used)) _Noreturn static void work(struct worker *worker)
{
    static void (*const jobs[])(struct worker *) = {pin,     unpin, calls,   pin,        unpin, copies,
                                                    reserve, areas, disturb, switch_off, sleep};

    for (;;) {
        jobs[next(&worker->state) % ARRAY_SIZE(jobs)](worker);
        *(volatile uint64_t *)&worker->steps += 1;
    }
}

extern const char unquiet_entry[];
__asm__(".pushsection .text\n"
        "unquiet_entry: push %" REGISTER_DI "; call work\n" /* an argument is in the register, or on the stack */
        ".popsection\n");

static void start(unsigned number, uint64_t seed)
{
    static struct vcpu_guest_context context;
    struct worker *worker = &workers[number];

    worker->state = seed * 2654435761u + number + 1;
    make_tables(worker);
    memset(&context, 0, sizeof(context));
    context.flags = VGCF_in_kernel;
    context.user_regs.rip = (uintptr_t)unquiet_entry;
    context.user_regs.rdi = (uintptr_t)worker;
    context.user_regs.cs = FLAT_KERNEL_CS;
    context.user_regs.ss = FLAT_KERNEL_SS;
    context.user_regs.ds = FLAT_KERNEL_DS;
    context.user_regs.es = FLAT_KERNEL_DS;
    context.user_regs.rsp = (uintptr_t)(worker->stack + WORKER_STACK);
    context.kernel_ss = FLAT_KERNEL_SS;
    context.kernel_sp = context.user_regs.rsp;
    context.ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn(table_root()).v);
    test_need((int)hypercall_vcpu_op(VCPUOP_initialise, number + 1, &context), "VCPUOP_initialise");
    test_need((int)hypercall_vcpu_op(VCPUOP_up, number + 1, NULL), "VCPUOP_up");
}

void test_main(void)
{
    uint64_t state = guest_option("seed", 1) * 7919 + 1, rounds = guest_option("rounds", 40), steps = 0;

    test_note("seed=%" PRIu64, guest_option("seed", 1));
    for (unsigned i = 0; i < WORKERS; i++)
        start(i, state);
    rounds += next(&state) % 64;
    for (uint64_t round = 0; round < rounds; round++) {
        unsigned id = 1 + (unsigned)(next(&state) % WORKERS);
        uint64_t spins = next(&state) % 200000;

        for (uint64_t i = 0; i < spins; i++)
            __asm__ volatile("pause");
        (void)hypercall_vcpu_op(next(&state) % 4 == 0 ? VCPUOP_down : VCPUOP_up, id, NULL);
        (void)hypercall_sched_op(SCHEDOP_yield, NULL);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        steps += READ_ONCE(workers[i].steps);
    test_note("%" PRIu64 " steps", steps);
    test_check(steps > 0, "the workers got on", "no steps");
}
