/* SPDX-License-Identifier: MIT */
/* What each operation costs, in ticks of the TSC. */
#include <abi/vm_assist.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/table.h>
#include <guest/user.h>
#include <guests/demo/demo.h>

#define ROUNDS 200u
#define BATCH  32u

static void nothing(void)
{
}

static void null_call(void)
{
    (void)hypercall_xen_version(0, NULL);
}

static void one_update(void)
{
    (void)!table_write(&demo.l1[8], demo.l1[8]);
}

static void one_va_mapping(void)
{
    (void)!table_map(DEMO_VADDR + 8 * PAGE_SIZE, demo.l1[8]);
}

static void many_updates(void)
{
    struct mmu_update requests[BATCH];

    for (unsigned i = 0; i < BATCH; i++) {
        requests[i] = (struct mmu_update){.ptr = virt_to_maddr(&demo.l1[32 + i]),
                                          .val = pte_make(virt_to_mfn(demo.page), PTE_KERNEL)};
    }
    (void)hypercall_mmu_update(requests, BATCH, NULL, DOMID_SELF);
}

static void emulated_write(void)
{
    uintptr_t *low = (uintptr_t *)(void *)&demo.l1[8];

    WRITE_ONCE(*low, *low);
}

static void pin_and_unpin(void)
{
    uint64_t *table = TOP_LEVEL == 4 ? demo.l3 : demo.l2;

    (void)!table_pin(table, TOP_LEVEL - 1);
    (void)!table_unpin(table);
}

static void load_root(void)
{
    (void)!table_load(table_root());
}

static void read_nowhere(void *arg)
{
    (void)READ_ONCE(*(char *)arg);
}

static void page_fault(void)
{
    struct fault fault;

    (void)trap_try(read_nowhere, (void *)8, &fault);
}

static struct regs program;

static void user_round_trip(void)
{
    (void)user_run(&program);
}

extern const char cost_user_begin[], cost_user_end[];
__asm__(".pushsection .rodata\n"
        "cost_user_begin:\n"
        "    " PROGRAM_CALL "\n"
        "    jmp cost_user_begin\n"
        "cost_user_end:\n"
        ".popsection\n");

static const struct cost {
    const char *what;
    void (*once)(void);
    unsigned count;
} costs[] = {
    {"a hypercall that does nothing (xen_version)", null_call, 1},
    {"mmu_update of one L1 entry", one_update, 1},
    {"mmu_update of 32 entries in one call, each", many_updates, BATCH},
    {"update_va_mapping with a flush", one_va_mapping, 1},
    {"a store to an L1, emulated", emulated_write, 1},
    {"pin and unpin of a table below the root that is a table already", pin_and_unpin, 1},
    {"NEW_BASEPTR to the table in use", load_root, 1},
    {"a page fault of the kernel: to the handler and back", page_fault, 1},
    {"user mode: one call, to the kernel and back", user_round_trip, 1},
};

static uint64_t least(void (*once)(void))
{
    uint64_t best = ~UINT64_C(0);

    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t begin = rdtsc(), ticks;

        once();
        ticks = rdtsc() - begin;
        best = ticks < best ? ticks : best;
    }
    return best;
}

void step_cost(void)
{
    uint64_t overhead = least(nothing);
    bool plausible = true;

    say("The least of %u runs, in ticks of the TSC. Under `qemu -icount shift=0,sleep=off` a tick is one", ROUNDS);
    say("instruction, the hypervisor's included; elsewhere it is time, and emulators make it a strange one.");
    (void)hypercall_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables);
    claim_result("load a program for the last line", user_load(USER_BASE + PAGE_SIZE, cost_user_begin, cost_user_end),
                 0);
    user_regs_init(&program, USER_BASE + PAGE_SIZE);
    for (unsigned i = 0; i < ARRAY_SIZE(costs); i++) {
        uint64_t ticks = least(costs[i].once);

        plausible &= ticks > overhead;
        say("%8" PRIu64 "  %s", ticks > overhead ? (ticks - overhead) / costs[i].count : 0, costs[i].what);
    }
    claim(plausible, "each took longer than nothing, which takes %" PRIu64, overhead);
}
