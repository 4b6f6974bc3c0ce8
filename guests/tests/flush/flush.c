/* SPDX-License-Identifier: MIT */
/*
 * Each way to have a translation forgotten: an address that led to one page leads to another, for the kernel and for
 * user mode, however often it was used before.
 */
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/table.h>
#include <guest/user.h>
#include <guests/tests/lib/snippet.h>
#include <guests/tests/lib/test.h>

#define PLACE  UINT64_C(0x10000000)
#define ROUNDS 4u

enum way {
    WAY_UPDATE, /* with update_va_mapping itself */
    WAY_MMUEXT, /* with an operation of mmuext_op behind it */
};

static const struct {
    const char *name;
    enum way way;
    uint64_t how; /* flags of the one, command of the other */
} ways[] = {
    {"update_va_mapping, INVLPG here", WAY_UPDATE, UVMF_INVLPG | UVMF_LOCAL},
    {"update_va_mapping, INVLPG everywhere", WAY_UPDATE, UVMF_INVLPG | UVMF_ALL},
    {"update_va_mapping, TLB flush here", WAY_UPDATE, UVMF_TLB_FLUSH | UVMF_LOCAL},
    {"update_va_mapping, TLB flush everywhere", WAY_UPDATE, UVMF_TLB_FLUSH | UVMF_ALL},
    {"MMUEXT_INVLPG_LOCAL", WAY_MMUEXT, MMUEXT_INVLPG_LOCAL},
    {"MMUEXT_INVLPG_ALL", WAY_MMUEXT, MMUEXT_INVLPG_ALL},
    {"MMUEXT_TLB_FLUSH_LOCAL", WAY_MMUEXT, MMUEXT_TLB_FLUSH_LOCAL},
    {"MMUEXT_TLB_FLUSH_ALL", WAY_MMUEXT, MMUEXT_TLB_FLUSH_ALL},
};

static uint64_t *pages[2];

static void read_place(void *arg)
{
    *(uint64_t *)arg = READ_ONCE(*(uint64_t *)PLACE);
}

/* What the kernel finds at the place; ~0: a fault. */
static uint64_t seen_by_kernel(void)
{
    uint64_t value = 0;
    struct fault fault;

    return trap_try(read_place, &value, &fault) ? value : UINT64_MAX;
}

/* Change the entry and have the old translation forgotten. */
static int move(enum way way, uint64_t how, uint64_t entry)
{
    struct mmuext_op op = {.cmd = (uint32_t)how, .arg1.linear_addr = PLACE};
    int error;

    if (way == WAY_UPDATE)
        return (int)hypercall_update_va_mapping(PLACE, entry, how);
    error = table_write(table_entry(PLACE, 1), entry);
    return error ? error : (int)hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

/* From page to page, to read-only pages and to none, with a read on each side. */
static void try_way(unsigned number)
{
    bool right = true;

    for (unsigned round = 0; round < 2 * ROUNDS && right; round++) {
        uint64_t *page = pages[round % 2], flags = round < ROUNDS ? PTE_PROGRAM : PTE_PROGRAM & ~PTE_RW;

        test_need(move(ways[number].way, ways[number].how, pte_make(virt_to_mfn(page), flags)), ways[number].name);
        right = seen_by_kernel() == page[0];
    }
    test_check(right, ways[number].name, "the page before is still seen");
    test_need(move(ways[number].way, ways[number].how, 0), ways[number].name);
    test_equal("and then nothing", seen_by_kernel(), UINT64_MAX);
}

SNIPPET(user_code, "mov 0x10000000, %" REGISTER_DI, PROGRAM_CALL, "");

/* User mode has a root of its own, and the same table below it. */
static void try_user(void)
{
    struct regs regs;

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t *page = pages[i % 2];

        test_need(move(WAY_UPDATE, UVMF_INVLPG | UVMF_LOCAL, pte_make(virt_to_mfn(page), PTE_PROGRAM)), "map");
        user_regs_init(&regs, USER_BASE);
        test_equal("user mode reads", user_run(&regs), VECTOR_PROGRAM_CALL);
        test_equal("the page of now", regs.rdi, page[0]);
    }
}

/*
 * A page of the kernel, one without USER, is in the table that user mode shares: where the kernel runs in ring 3,
 * nothing keeps user mode out.  Shows pte.user-bit, pte.adjusted-32.
 */
static void try_kernels_page(void)
{
    struct regs regs;

    test_need(move(WAY_UPDATE, UVMF_INVLPG | UVMF_LOCAL, pte_make(virt_to_mfn(pages[0]), PTE_KERNEL)), "map");
    user_regs_init(&regs, USER_BASE);
    if (KERNEL_RING == 3) {
        test_equal("user mode reads a page of the kernel", user_run(&regs), VECTOR_PROGRAM_CALL);
        test_equal("as it is", regs.rdi, pages[0][0]);
    } else {
        test_equal("user mode reads no page of the kernel", user_run(&regs), TRAP_PF);
    }
}

/* Shows mmuext_op.flush-all, mmuext_op.invlpg, update_va_mapping.flush-kinds. */
void test_main(void)
{
    for (unsigned i = 0; i < 2; i++) {
        pages[i] = page_alloc();
        pages[i][0] = 0xdada00 + i;
    }
    test_need(user_map(PLACE, pages[0], PTE_PROGRAM), "map");
    test_need(user_init(), "user mode");
    test_need(user_load(USER_BASE, user_code.begin, user_code.end), "user code");
    for (unsigned i = 0; i < ARRAY_SIZE(ways); i++)
        try_way(i);
    try_user();
    try_kernels_page();
}
