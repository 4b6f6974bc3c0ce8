/* SPDX-License-Identifier: MIT */
/*
 * A 32-bit guest in a machine with RAM at 4 GiB and above: a root there is taken with VMASST_TYPE_pae_extended_cr3 and
 * refused without, by each way that a root can come; cr3 holds its number folded.
 *
 * The machine has half of its RAM above 4 GiB, and a large hole below (`options`), so that it needs little of it.
 */
#include <abi/context.h>
#include <abi/errno.h>
#include <abi/vcpu.h>
#include <abi/version.h>
#include <abi/vm_assist.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <guest/user.h>
#include <guests/tests/lib/test.h>

#define FRAMES_4G (1u << (32 - PAGE_SHIFT))
#define WINDOW    UINT64_C(0x50000000)
#define WINDOW_L3 1u

static bool is_high(const void *page)
{
    return virt_to_mfn(page).v >= FRAMES_4G;
}

/* Frames are handed out at random, so that some of a guest's are on either side. */
static void *page_on_side(bool high)
{
    for (unsigned i = 0; i < 256; i++) {
        void *page = page_alloc();

        if (is_high(page) == high)
            return page;
    }
    test_error("no page %s 4 GiB", high ? "above" : "below");
}

/* What the kernel needs, a table of its own for the last slot, and the window. */
static uint64_t *make_root(bool high)
{
    uint64_t *root = page_on_side(high), *own = page_alloc();

    test_need(table_set_readonly(own), "read-only");
    root[WINDOW_L3] = table_root()[WINDOW_L3];
    root[KERNEL_SLOTS] = table_root()[KERNEL_SLOTS];
    root[ROOT_OWN_SLOT] = pte_make(virt_to_mfn(own), PTE_ROOT);
    test_need(table_set_readonly(root), "read-only");
    return root;
}

static void assist(unsigned command)
{
    test_need((int)hypercall_vm_assist(command, VMASST_TYPE_pae_extended_cr3), "vm_assist");
}

static bool feature(void)
{
    struct xen_feature_info features = {0};

    test_need((int)hypercall_xen_version(XENVER_get_features, &features), "features");
    return features.submap >> XENFEAT_pae_pgdir_above_4gb & 1;
}

static uint32_t folded(const void *root)
{
    return xen_pfn_to_cr3(virt_to_mfn(root).v);
}

static void write_cr3(void *value)
{
    __asm__ volatile("movl %0, %%cr3" ::"r"(value) : "memory");
}

static void read_cr3(void *value)
{
    __asm__ volatile("movl %%cr3, %0" : "=r"(*(uint32_t *)value)::"memory");
}

static unsigned by_cr3(const uint64_t *root)
{
    struct fault fault;

    (void)trap_try(write_cr3, (void *)(uintptr_t)folded(root), &fault);
    return fault.vector;
}

static uint32_t cr3(void)
{
    uint32_t value = 0;
    struct fault fault;

    (void)trap_try(read_cr3, &value, &fault);
    return value;
}

/* The other vCPU, which never runs. */
static long by_context(const uint64_t *root)
{
    static struct vcpu_guest_context context;

    context.flags = VGCF_in_kernel;
    context.user_regs.rip = (uintptr_t)test_main;
    context.user_regs.cs = FLAT_KERNEL_CS;
    context.user_regs.ss = FLAT_KERNEL_SS;
    context.user_regs.ds = FLAT_KERNEL_DS;
    context.user_regs.es = FLAT_KERNEL_DS;
    context.kernel_ss = FLAT_KERNEL_SS;
    context.ctrlreg[3] = folded(root);
    return hypercall_vcpu_op(VCPUOP_initialise, 1, &context);
}

/* Shows mmuext_op.pin-above-4g, vm_assist.extended-cr3. */
static void without(uint64_t *high, uint64_t *low)
{
    assist(VMASST_CMD_disable);
    test_equal("without the assist: the feature", feature(), false);
    test_result("pin", table_pin(high, TOP_LEVEL), -XEN_ERANGE);
    test_result("load", table_mmuext(MMUEXT_NEW_BASEPTR, high), -XEN_ERANGE);
    test_equal("mov to cr3", by_cr3(high), TRAP_GP);
    test_result("a context", by_context(high), -XEN_ERANGE);
    test_equal("the root is what it was", cr3(), folded(table_root()));
    test_result("it is no table, but memory", table_set_writable(high), 0);
    test_need(table_set_readonly(high), "read-only");
    test_result("one below 4 GiB: pin", table_pin(low, TOP_LEVEL), 0);
    test_result("unpin", table_unpin(low), 0);
}

/* On @root: what a change of an entry below it, and of one of its own, does. */
static void runs_on(uint64_t *root, const char *name)
{
    uint64_t *first = page_on_side(true), *second = page_on_side(false), saved = root[WINDOW_L3];

    *first = 1;
    *second = 2;
    test_equal(name, cr3(), folded(root));
    test_result("map a page above 4 GiB", table_map(WINDOW, pte_make(virt_to_mfn(first), PTE_KERNEL)), 0);
    test_equal("it is there", *(volatile uint64_t *)WINDOW, 1);
    test_result("and one below", table_map(WINDOW, pte_make(virt_to_mfn(second), PTE_KERNEL)), 0);
    test_equal("it is there", *(volatile uint64_t *)WINDOW, 2);
    test_result("clear the root's entry", table_write(&root[WINDOW_L3], 0), 0);
    test_result("and put it back", table_write(&root[WINDOW_L3], saved), 0);
    test_equal("it is there", *(volatile uint64_t *)WINDOW, 2);
}

/* Shows vm_assist.extended-cr3. */
static void with(uint64_t *high, uint64_t *own)
{
    assist(VMASST_CMD_enable);
    test_equal("with the assist: the feature", feature(), true);
    test_result("pin", table_pin(high, TOP_LEVEL), 0);
    test_result("load", table_load(high), 0);
    runs_on(high, "it is the root");
    test_result("back", table_load(own), 0);
    test_equal("mov to cr3", by_cr3(high), TRAP_NONE);
    table_set_root(high);
    runs_on(high, "it is the root again");
    test_equal("mov to cr3, and back", by_cr3(own), TRAP_NONE);
    table_set_root(own);
    test_result("a context", by_context(high), 0);
    test_result("unpin", table_unpin(high), 0);
    test_result("the other vCPU has it still", table_set_writable(high), -XEN_EBUSY);
}

void test_main(void)
{
    uint64_t *own = table_root(), *high, *low;

    test_equal("at the start: the feature, which the kernel's note asks for", feature(), true);
    test_need(user_map(WINDOW, page_alloc(), PTE_KERNEL), "a window");
    high = make_root(true);
    low = make_root(false);
    test_note("roots at 0x%x000 and 0x%x000", (unsigned)virt_to_mfn(high).v, (unsigned)virt_to_mfn(low).v);
    without(high, low);
    with(high, own);
}
