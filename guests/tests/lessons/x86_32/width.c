/* SPDX-License-Identifier: MIT */
/* Lessons of a 32-bit kernel, and those about kernels of that width alone. */
#include <abi/errno.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/processor.h>
#include <guest/table.h>
#include <guest/user.h>
#include <guests/tests/lessons/lessons.h>
#include <guests/tests/lib/test.h>

static const uintptr_t stacks[] = {USER_STACK_END, 0, 4, MACH2PHYS_VIRT_START + 0xff8, HYPERVISOR_INSIDE};
static const uintptr_t refused[] = {HYPERVISOR_VIRT_START, HYPERVISOR_VIRT_START + 8, HYPERVISOR_INSIDE, 0xffffffff};
static const uintptr_t granted[] = {0, USER_BASE, VIRT_BASE, HYPERVISOR_VIRT_START - 8};

const struct lessons_width lessons_width = {
    .call = {"syscall", {0x0f, 0x05}, 2, VECTOR_SYSCALL32, TRAP_UD},
    .callback = CALLBACKTYPE_syscall32,
    .hypercall = TRAP_NONE,
    .read_fs_base = TRAP_UD,
    .nr_stacks = ARRAY_SIZE(stacks),
    .nr_refused = ARRAY_SIZE(refused),
    .nr_granted = ARRAY_SIZE(granted),
    .stacks = stacks,
    .refused = refused,
    .granted = granted,
};

/*
 * ---- 136: a return into virtual-8086 mode, to the kernel or to a program, is a fault of the instruction itself.
 */

#define EFLAGS_VM 0x20000u

static void return_with_vm(void *arg)
{
    const struct regs *to = arg;

    __asm__ volatile("pushl %0; pushl %1; pushl %2; pushl %3; pushl %4; pushl %%eax; int $0x82"
                     :
                     : "r"((uint32_t)to->ss), "r"(to->esp), "r"(to->eflags), "r"((uint32_t)to->cs), "r"(to->eip),
                       "a"(__HYPERVISOR_iret)
                     : "memory");
}

static void no_virtual_8086_mode(void)
{
    bool right = true;

    for (unsigned kernel = 0; kernel < 2; kernel++) {
        struct fault fault;
        struct regs to;

        user_regs_init(&to, USER_BASE);
        if (kernel)
            regs_set_kernel_segments(&to);
        to.eflags |= EFLAGS_VM;
        (void)trap_try(return_with_vm, &to, &fault);
        right &= fault.vector == TRAP_GP && fault.error == 0 && fault.regs.cs == FLAT_KERNEL_CS;
    }
    test_check(right, "xsa_136_no_return_of_ring_1_with_vm", "no #GP of the kernel's");
}

/*
 * ---- 24: lists of the narrow structures that are longer than any area to convert them in, with elements that lie
 * across pages, and that run into where nothing is.
 */

#define LIST_AT   0x30000000u
#define LIST_END  (LIST_AT + LIST_SIZE)
#define LIST_SIZE (8 * PAGE_SIZE)
#define NR_OPS    (LIST_SIZE / sizeof(struct mmuext_op))
#define NR_CALLS  (LIST_SIZE / sizeof(struct multicall_entry))

static bool long_operations(void)
{
    struct mmuext_op *ops = (struct mmuext_op *)LIST_AT;
    unsigned done = 0;
    bool right = true;

    for (unsigned i = 0; i < NR_OPS; i++)
        ops[i] = (struct mmuext_op){.cmd = MMUEXT_TLB_FLUSH_LOCAL};
    right &= hypercall_mmuext_op(ops, NR_OPS, &done, DOMID_SELF) == 0 && done == NR_OPS;
    right &= hypercall_mmuext_op(ops, NR_OPS + 1, &done, DOMID_SELF) == -XEN_EFAULT && done == NR_OPS;
    right &= hypercall_mmuext_op(ops, UINT32_MAX >> 1, &done, DOMID_SELF) == -XEN_EFAULT && done == NR_OPS;
    return right;
}

static bool long_batch(void)
{
    struct multicall_entry *calls = (struct multicall_entry *)LIST_AT;
    long version = hypercall(__HYPERVISOR_xen_version, 0, 0, 0, 0, 0);
    bool right = true;

    for (unsigned i = 0; i < NR_CALLS; i++)
        calls[i] = (struct multicall_entry){.op = __HYPERVISOR_xen_version};
    right &= hypercall_multicall(calls, NR_CALLS + 1) == -XEN_EFAULT;
    for (unsigned i = 0; i < NR_CALLS; i++)
        right &= (long)calls[i].result == version;
    return right;
}

static bool short_lists(void)
{
    struct trap_info *traps = (struct trap_info *)LIST_END - 2;
    xen_pfn_t *frames = (xen_pfn_t *)LIST_END - 1;
    bool right = true;

    for (unsigned i = 0; i < 2; i++)
        traps[i] = (struct trap_info){0x40, 3, FLAT_KERNEL_CS, (uint32_t)trap_entry_of(0x40)};
    right &= hypercall_set_trap_table(traps) == -XEN_EFAULT;
    *frames = (xen_pfn_t)virt_to_mfn(table_root()).v;
    right &= hypercall_set_gdt(frames, 2 * ENTRIES_PER_TABLE) == -XEN_EFAULT;
    return right;
}

static void lists(void)
{
    for (unsigned i = 0; i < LIST_SIZE; i += PAGE_SIZE)
        test_need(user_map(LIST_AT + i, page_alloc(), PTE_KERNEL), "a list");
    test_check(long_operations(), "xsa_24_operations_by_the_thousand", "not all, or more");
    test_check(long_batch(), "xsa_24_calls_by_the_thousand", "not all, or more");
    test_check(short_lists(), "xsa_24_lists_that_run_into_nothing", "no EFAULT");
}

/*
 * ---- 185: no root that leads to itself, by whatever way, and no L2 that leads to a root.
 */

static int pin_with(uint64_t *table, unsigned level, unsigned slot, const uint64_t *target)
{
    int error;

    table[slot] = pte_make(virt_to_mfn(target), pte_table_flags(level));
    test_need(table_set_readonly(table), "read-only");
    error = table_pin(table, level);
    if (!error)
        test_need(table_unpin(table), "unpinned");
    test_need(table_set_writable(table), "memory again");
    table[slot] = 0;
    return error;
}

static void roots(void)
{
    uint64_t *root = table_root(), *other = page_alloc();
    bool right = true;

    for (unsigned slot = 0; slot < ROOT_SLOTS; slot++) {
        right &= pin_with(other, 3, slot, other) == -XEN_EINVAL;
        right &= pin_with(other, 3, slot, root) == -XEN_EINVAL;
        right &= table_write(&root[slot], pte_make(virt_to_mfn(root), PTE_ROOT)) == -XEN_EINVAL;
    }
    right &= pin_with(other, 2, 1, root) == -XEN_EINVAL;
    right &= pin_with(other, 2, 1, other) == -XEN_EINVAL;
    right &= table_write(table_entry(USER_BASE, 2) + 1, pte_make(virt_to_mfn(root), PTE_TABLE)) == -XEN_EINVAL;
    test_check(right, "xsa_185_no_root_leads_to_a_root", "one does");
    page_free(other);
}

/*
 * ---- 298: of an LDT, what lies within its limit can be loaded, from pages that are no memory then.
 */

#define LDT_AT      0x20000000u
#define DATA        UINT64_C(0x00cfb2000000ffff) /* of ring 1 */
#define LDT(index)  ((void *)((index)*8 + 5u))
#define LDT_ENTRIES (ENTRIES_PER_TABLE + 1)

static void load_fs(void *selector)
{
    __asm__ volatile("movw %w0, %%fs; movw %w1, %%fs" ::"r"(selector), "r"(0));
}

static unsigned loading(void *selector)
{
    struct fault fault;

    (void)trap_try(load_fs, selector, &fault);
    return fault.vector;
}

static long set_ldt(uint32_t entries)
{
    struct mmuext_op op = {.cmd = MMUEXT_SET_LDT, .arg1.linear_addr = LDT_AT, .arg2.nr_ents = entries};

    return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static void ldt_limits(void)
{
    uint64_t *pages = pages_alloc(2);
    bool right = true;

    for (unsigned i = 0; i < 2 * ENTRIES_PER_TABLE; i++)
        pages[i] = DATA;
    for (unsigned i = 0; i < 2; i++) {
        test_need(table_set_readonly(pages + i * ENTRIES_PER_TABLE), "read-only");
        test_need(user_map(LDT_AT + i * PAGE_SIZE, pages + i * ENTRIES_PER_TABLE, PTE_READONLY), "the LDT");
    }
    right &= set_ldt(LDT_ENTRIES) == 0;
    right &= loading(LDT(1)) == TRAP_NONE && loading(LDT(LDT_ENTRIES - 1)) == TRAP_NONE;
    right &= loading(LDT(LDT_ENTRIES)) == TRAP_GP && loading(LDT(2 * ENTRIES_PER_TABLE)) == TRAP_GP;
    right &= table_set_writable(pages + ENTRIES_PER_TABLE) == -XEN_EBUSY;
    right &= set_ldt(2) == 0;
    right &= table_set_writable(pages + ENTRIES_PER_TABLE) == 0;
    right &= loading(LDT(1)) == TRAP_NONE && loading(LDT(2)) == TRAP_GP && loading(LDT(LDT_ENTRIES - 1)) == TRAP_GP;
    right &= set_ldt(0) == 0 && loading(LDT(1)) == TRAP_GP;
    right &= table_set_writable(pages) == 0;
    test_check(right, "xsa_298_the_ldt_of_ring_1_has_a_limit", "it has not, or its pages are memory");
}

void lessons_own(void)
{
    no_virtual_8086_mode();
    lists();
    roots();
    ldt_limits();
}
