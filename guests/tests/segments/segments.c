/* SPDX-License-Identifier: MIT */
/*
 * Segments: what a descriptor may say, selectors that work and that do not, the LDT that appears when it is used,
 * bases.
 */
#include <abi/errno.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/table.h>
#include <guest/user.h>
#include <guests/tests/lib/snippet.h>
#include <guests/tests/lib/test.h>

#define DATA_AT 0x10000000u /* where the segments' base points */
#define LDT_AT  UINT64_C(0x20000000)
#define NOWHERE UINT64_C(0x8000000000000000)

#define DATA_DPL0   UINT64_C(0x00cf92000000ffff)
#define DATA_DPL3   UINT64_C(0x00cff2000000ffff)
#define CODE64_DPL0 UINT64_C(0x00af9a000000ffff)
#define CODE64_DPL3 UINT64_C(0x00affa000000ffff)
#define TSS         UINT64_C(0x0000890000000067)
#define LDT         UINT64_C(0x0000820000000067)
#define TRAP_GATE   UINT64_C(0x00008f0000000000)
#define CALL_GATE   UINT64_C(0x00008c0000000000) /* selector to be added */

static uint64_t *gdt, *ldt;

static uint64_t with_base(uint64_t descriptor, uint32_t base)
{
    return descriptor | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)(base >> 24) << 56;
}

static long update(uint64_t *entry, uint64_t descriptor)
{
    return hypercall_update_descriptor(virt_to_maddr(entry), descriptor);
}

struct load {
    uint64_t selector, value;
};

static void load_fs(void *arg)
{
    struct load *load = arg;

    __asm__ volatile("movw %w1, %%fs; movq %%fs:0, %0" : "=r"(load->value) : "r"(load->selector));
}

static void load_es(void *arg)
{
    struct load *load = arg;

    __asm__ volatile("movw %w1, %%es; movw %%es, %w0" : "=r"(load->value) : "r"(load->selector));
}

static void clear_segments(void)
{
    __asm__ volatile("movw %w0, %%fs; movw %w0, %%es; movw %w0, %%ds; movw %w0, %%gs" ::"r"(0));
}

/* Load fs with @selector and read its first word; the vector raised. */
static unsigned through_fs(uint16_t selector, uint64_t *value, struct fault *fault)
{
    struct load load = {.selector = selector};

    (void)trap_try(load_fs, &load, fault);
    clear_segments();
    *value = load.value;
    return fault->vector;
}

/*
 * Shows segdesc.segment, segdesc.absent, segdesc.other-types, segdesc.call-gate, segdesc.not-writable,
 * update_descriptor.misaligned, update_descriptor.in-use.
 */
static void descriptors(void)
{
    test_result("update_descriptor: data", update(&gdt[1], DATA_DPL0), 0);
    test_equal("its privilege is raised", gdt[1] & ~UINT64_C(0x10000000000), DATA_DPL3);
    test_result("update_descriptor: code", update(&gdt[2], CODE64_DPL0), 0);
    test_equal("its privilege is raised, too", gdt[2] & ~UINT64_C(0x10000000000), CODE64_DPL3);
    test_result("not present: anything goes", update(&gdt[3], UINT64_C(0x0000090000000067)), 0);
    test_result("a TSS", update(&gdt[4], TSS), -XEN_EINVAL);
    test_result("an LDT", update(&gdt[4], LDT), -XEN_EINVAL);
    test_result("a trap gate", update(&gdt[4], TRAP_GATE), -XEN_EINVAL);
    test_result("a call gate to the kernel's code", update(&gdt[4], CALL_GATE | (uint64_t)FLAT_KERNEL_CS << 16), 0);
    test_equal("it is stored without privilege", gdt[4] >> 45 & 3, 0);
    test_result("a call gate to the hypervisor's code", update(&gdt[4], CALL_GATE | UINT64_C(0xe008) << 16),
                -XEN_EINVAL);
    test_result("not a multiple of 8", hypercall_update_descriptor(virt_to_maddr(gdt) + 4, 0), -XEN_EINVAL);
    test_result("in a page table", hypercall_update_descriptor(virt_to_maddr(table_root()), 0), -XEN_EINVAL);
    test_result("in no frame", hypercall_update_descriptor(PTE_FRAME, 0), -XEN_EINVAL);
    test_result("the GDT writable while loaded", table_set_writable(gdt), -XEN_EBUSY);
}

/* Shows set_gdt.too-many, set_gdt.all-checked, set_gdt.in-use. */
static void gdts(void)
{
    uint64_t *bad = page_alloc();
    uint64_t frame = virt_to_mfn(gdt).v;

    test_result("set_gdt: too many entries", hypercall_set_gdt(&frame, 7169), -XEN_EINVAL);
    bad[511] = TSS;
    test_need(table_set_readonly(bad), "read-only");
    frame = virt_to_mfn(bad).v;
    test_result("set_gdt: a TSS in the last slot, beyond the count", hypercall_set_gdt(&frame, 4), -XEN_EINVAL);
    frame = virt_to_mfn(table_root()).v;
    test_result("set_gdt: a page table", hypercall_set_gdt(&frame, 512), -XEN_EINVAL);
    frame = PTE_FRAME >> PAGE_SHIFT;
    test_result("set_gdt: no frame", hypercall_set_gdt(&frame, 512), -XEN_EINVAL);
}

/* Shows set_gdt.loaded, set_gdt.limit, set_gdt.entries, set_gdt.flat-segments. */
static void selectors(void)
{
    struct fault fault;
    uint64_t value;
    struct load load = {.selector = 1 * 8 + 3};

    test_need((int)update(&gdt[5], with_base(DATA_DPL0, DATA_AT)), "descriptor with a base");
    test_equal("fs with a base: loads", through_fs(5 * 8 + 3, &value, &fault), TRAP_NONE);
    test_equal("fs with a base: reads there", value, 0xdada);
    (void)trap_try(load_es, &load, &fault);
    test_equal("es of the guest's GDT", load.value, 1 * 8 + 3);
    clear_segments();
    test_equal("after an empty slot", through_fs(7 * 8 + 3, &value, &fault), TRAP_GP);
    test_equal("its error code", fault.error, 7 * 8);
    test_equal("a page without a frame", through_fs(0x1003, &value, &fault), TRAP_GP);
    test_equal("its error code", fault.error, 0x1000);
    test_result("set_gdt with no entries", hypercall_set_gdt(NULL, 0), 0);
    test_equal("the selector is gone", through_fs(5 * 8 + 3, &value, &fault), TRAP_GP);
    test_result("the old GDT writable again", table_set_writable(gdt), 0);
}

static int set_ldt(uint64_t address, uint32_t entries)
{
    struct mmuext_op op = {.cmd = MMUEXT_SET_LDT, .arg1.linear_addr = address, .arg2.nr_ents = entries};

    return (int)hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

/*
 * Shows mmuext_op.ldt-none, mmuext_op.ldt, mmuext_op.ldt-fault, mmuext_op.ldt-limit, mmuext_op.ldt-misaligned,
 * mmuext_op.ldt-nowhere.
 */
static void ldts(void)
{
    struct fault fault;
    uint64_t value;

    test_equal("no LDT", through_fs(1 * 8 + 7, &value, &fault), TRAP_GP);
    test_equal("its error code", fault.error, 1 * 8 + 4);
    ldt = page_alloc();
    ldt[1] = with_base(DATA_DPL3, DATA_AT);
    test_need(table_set_readonly(ldt), "read-only");
    test_need(user_map(LDT_AT, ldt, PTE_READONLY), "map the LDT");
    test_result("SET_LDT: too large", set_ldt(LDT_AT, 8193), -XEN_EINVAL);
    test_result("SET_LDT: misaligned", set_ldt(LDT_AT + 8, 512), -XEN_EINVAL);
    test_result("SET_LDT: not canonical", set_ldt(NOWHERE, 512), -XEN_EINVAL);
    test_result("SET_LDT of two pages, the second not mapped", set_ldt(LDT_AT, 1024), 0);
    test_equal("its first use", through_fs(1 * 8 + 7, &value, &fault), TRAP_NONE);
    test_equal("reads there", value, 0xdada);
    test_equal("beyond its limit", through_fs(1024 * 8 + 7, &value, &fault), TRAP_GP);
    test_equal("its second page", through_fs(600 * 8 + 7, &value, &fault), TRAP_PF);
    test_equal("cr2 is where the descriptor would be", fault.cr2, LDT_AT + 600 * 8);
    test_result("the LDT writable while in use", table_set_writable(ldt), -XEN_EBUSY);
    test_result("update_descriptor in the LDT", update(&ldt[2], with_base(DATA_DPL3, DATA_AT + 8)), 0);
    test_equal("the new one", through_fs(2 * 8 + 7, &value, &fault), TRAP_NONE);
    test_equal("reads 8 bytes up", value, 0xdada + 1);
    test_result("SET_LDT of nothing", set_ldt(0, 0), 0);
    test_equal("the LDT is gone", through_fs(1 * 8 + 7, &value, &fault), TRAP_GP);
    test_result("writable again", table_set_writable(ldt), 0);
}

SNIPPET(read_gs_selector, "movl %gs, %edi", "syscall", "");

/*
 * The selector of the user's gs as user mode finds it.  Shows set_segment_base.selector,
 * set_segment_base.null-selector.
 */
static void user_gs(const char *name, uint64_t selector, uint64_t wanted)
{
    struct regs regs;

    test_result(name, hypercall_set_segment_base(SEGBASE_GS_USER_SEL, selector), 0);
    user_regs_init(&regs, USER_BASE + PAGE_SIZE);
    test_equal("user mode", user_run(&regs), VECTOR_SYSCALL);
    test_equal("its gs", regs.rdi, wanted);
}

SNIPPET(read_gs, "movq %gs:0, %rdi", "syscall", "");

/* Shows set_segment_base.bases, set_segment_base.refused. */
static void bases(void)
{
    uint64_t value;
    struct regs regs;

    test_result("set_segment_base FS", hypercall_set_segment_base(SEGBASE_FS, DATA_AT), 0);
    __asm__ volatile("movq %%fs:0, %0" : "=r"(value));
    test_equal("fs reads there", value, 0xdada);
    test_result("set_segment_base GS_KERNEL", hypercall_set_segment_base(SEGBASE_GS_KERNEL, DATA_AT + 8), 0);
    __asm__ volatile("movq %%gs:0, %0" : "=r"(value));
    test_equal("gs reads there", value, 0xdada + 1);
    test_result("set_segment_base GS_USER", hypercall_set_segment_base(SEGBASE_GS_USER, DATA_AT), 0);
    user_regs_init(&regs, USER_BASE);
    test_equal("user mode", user_run(&regs), VECTOR_SYSCALL);
    test_equal("gs of user mode is the other", regs.rdi, 0xdada);
    __asm__ volatile("movq %%gs:0, %0" : "=r"(value));
    test_equal("gs of the kernel is back", value, 0xdada + 1);
    test_result("FS not canonical", hypercall_set_segment_base(SEGBASE_FS, NOWHERE), -XEN_EINVAL);
    test_result("GS_USER not canonical", hypercall_set_segment_base(SEGBASE_GS_USER, NOWHERE), -XEN_EINVAL);
    test_result("GS_KERNEL not canonical", hypercall_set_segment_base(SEGBASE_GS_KERNEL, NOWHERE), -XEN_EINVAL);
    test_result("no such base", hypercall_set_segment_base(4, 0), -XEN_EINVAL);
    user_gs("a selector for the user's gs", FLAT_USER_SS, FLAT_USER_SS);
    user_gs("a bad selector for the user's gs", 0x1233, 0);
}

void test_main(void)
{
    uint64_t *data = page_alloc(), frame;

    data[0] = 0xdada;
    data[1] = 0xdada + 1;
    gdt = page_alloc();
    frame = virt_to_mfn(gdt).v;
    test_need(user_map(DATA_AT, data, PTE_PROGRAM), "data");
    test_need(user_load(USER_BASE, read_gs.begin, read_gs.end), "user code");
    test_need(user_load(USER_BASE + PAGE_SIZE, read_gs_selector.begin, read_gs_selector.end), "user code");
    test_need(user_init(), "user mode");
    test_result("update_descriptor in a page that is not loaded", update(&gdt[6], DATA_DPL0), 0);
    test_need(table_set_readonly(gdt), "read-only");
    test_need((int)hypercall_set_gdt(&frame, 512), "set_gdt");
    descriptors();
    gdts();
    selectors();
    ldts();
    bases();
}
