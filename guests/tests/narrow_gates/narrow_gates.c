/* SPDX-License-Identifier: MIT */
/*
 * Call gates of a 32-bit guest: programs call the kernel through them and come back by lret, which is the processor's
 * own; what is not allowed is the exception that a processor would raise.
 */
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <guest/user.h>
#include <guests/tests/lib/snippet.h>
#include <guests/tests/lib/test.h>

#define WORDS      40u
#define LDT_AT     UINT64_C(0x20000000)
#define LDT_GATE   2u
#define BASE       0x1000u
#define USER_ENTRY (USER_BASE + 0x800) /* a far return, for gates that stay in ring 3 */

#define CODE      UINT64_C(0x00cf9b000000ffff)
#define DATA      UINT64_C(0x00cf93000000ffff)
#define PRESENT   (UINT64_C(1) << 47)
#define DPL(ring) ((uint64_t)(ring) << 45)
#define GATE      UINT64_C(0x00008c0000000000)

/* Selectors of the GDT, as programs name them. */
#define SELECTOR_PLAIN      0x43
#define SELECTOR_PARAMETERS 0x4b
#define SELECTOR_KERNEL     0x53
#define SELECTOR_BASED      0x5b
#define SELECTOR_USER       0x63
#define SELECTOR_ABSENT     0x6b
#define SELECTOR_DATA       0x73
#define SELECTOR_OUTSIDE    0x7b
#define SELECTOR_LDT        0x17 /* LDT_GATE of the LDT */
#define SELECTOR_NO_LDT     0x3f

enum entry {
    ENTRY_BASED_CODE = 1,
    ENTRY_ABSENT_CODE,
    ENTRY_DATA,
    ENTRY_SMALL_CODE,
    ENTRY_USER_CODE,
    ENTRY_PLAIN = SELECTOR_PLAIN / 8,
    ENTRY_PARAMETERS,
    ENTRY_KERNEL,
    ENTRY_BASED,
    ENTRY_USER,
    ENTRY_ABSENT,
    ENTRY_GATE_TO_DATA,
    ENTRY_OUTSIDE,
    ENTRIES,
};

#define TEXT_OF(macro) #macro
#define TEXT(macro)    TEXT_OF(macro)

/* Three words on the stack, and a call; what comes back goes on at it_next. */
#define CALL(name, selector) \
    SNIPPET(name, "pushl $0x33; pushl $0x22; pushl $0x11", "lcall $" TEXT(selector) ", $0x12345678", "ud2")
CALL(call_plain, SELECTOR_PLAIN);
CALL(call_parameters, SELECTOR_PARAMETERS);
CALL(call_kernel, SELECTOR_KERNEL);
CALL(call_based, SELECTOR_BASED);
CALL(call_user, SELECTOR_USER);
CALL(call_absent, SELECTOR_ABSENT);
CALL(call_data, SELECTOR_DATA);
CALL(call_outside, SELECTOR_OUTSIDE);
CALL(call_ldt, SELECTOR_LDT);
CALL(call_no_ldt, SELECTOR_NO_LDT);
SNIPPET(call_16, "pushl $0x33; pushl $0x22; pushl $0x11", ".byte 0x66, 0x9a, 0, 0, " TEXT(SELECTOR_PLAIN) ", 0", "ud2");
SNIPPET(call_memory, "pushl $0x33; pushl $" TEXT(SELECTOR_PLAIN) "; pushl $0x11", "lcall *(%esp)", "ud2");
SNIPPET(call_of_kernel_memory, "movl $gate_words, %eax", "lcall *(%eax)", "ud2");
SNIPPET(jump_plain, "", "ljmp $" TEXT(SELECTOR_PLAIN) ", $0", "ud2");
SNIPPET(jump_user, "pushl %cs; pushl $" TEXT(0x400000) " + 1f - jump_user_begin", "ljmp $" TEXT(SELECTOR_USER) ", $0",
        "1: ud2");

/*
 * What gates lead to: the stack as it is found, and back.  A program's data segments serve as well: they are flat.
 */
uint32_t gate_words[WORDS], gate_stack, gate_cs;
extern const char gate_plain[], gate_parameters[], gate_far_return[], gate_far_return_end[];
__asm__(".pushsection .text\n"
        "gate_note:\n"
        "    pushal\n"
        "    cld\n"
        "    leal 36(%esp), %esi\n"
        "    movl %esi, gate_stack\n"
        "    movl $gate_words, %edi\n"
        "    movl $40, %ecx\n"
        "    rep movsl\n"
        "    movw %cs, gate_cs\n"
        "    popal\n"
        "    ret\n"
        "gate_plain: call gate_note; lret\n"
        "gate_parameters: call gate_note; lret $12\n"
        "gate_far_return: lret\n"
        "gate_far_return_end:\n"
        ".popsection\n");

static uint64_t *gdt, *ldt;

static uint64_t gate(unsigned selector, unsigned privilege, unsigned parameters, uint64_t offset)
{
    return GATE | DPL(privilege) | (uint64_t)parameters << 32 | (uint64_t)selector << 16 | (offset & 0xffff) |
           (offset & 0xffff0000) << 32;
}

static void set(uint64_t *table, unsigned entry, uint64_t descriptor)
{
    test_need((int)hypercall_update_descriptor(virt_to_maddr(&table[entry]), descriptor), "descriptor");
}

static void fill_gdt(void)
{
    const uint64_t plain = (uintptr_t)gate_plain;

    set(gdt, ENTRY_BASED_CODE, CODE | DPL(1) | BASE << 16);
    set(gdt, ENTRY_ABSENT_CODE, (CODE | DPL(1)) & ~PRESENT);
    set(gdt, ENTRY_DATA, DATA | DPL(1));
    set(gdt, ENTRY_SMALL_CODE, (CODE | DPL(1)) & ~UINT64_C(0x8f000000000000));
    set(gdt, ENTRY_USER_CODE, CODE | DPL(3));
    set(gdt, ENTRY_PLAIN, gate(FLAT_KERNEL_CS, 3, 0, plain));
    set(gdt, ENTRY_PARAMETERS, gate(FLAT_KERNEL_CS, 3, 3, (uintptr_t)gate_parameters));
    set(gdt, ENTRY_KERNEL, gate(FLAT_KERNEL_CS, 1, 0, plain));
    set(gdt, ENTRY_BASED, gate(ENTRY_BASED_CODE * 8, 3, 0, plain - BASE));
    set(gdt, ENTRY_USER, gate(ENTRY_USER_CODE * 8, 3, 0, USER_ENTRY));
    set(gdt, ENTRY_ABSENT, gate(ENTRY_ABSENT_CODE * 8, 3, 0, plain));
    set(gdt, ENTRY_GATE_TO_DATA, gate(ENTRY_DATA * 8, 3, 0, plain));
    set(gdt, ENTRY_OUTSIDE, gate(ENTRY_SMALL_CODE * 8, 3, 0, plain));
}

static void make_tables(void)
{
    struct mmuext_op op = {.cmd = MMUEXT_SET_LDT, .arg1.linear_addr = (uint32_t)LDT_AT, .arg2.nr_ents = LDT_GATE + 1};
    xen_pfn_t frame;

    gdt = page_alloc();
    ldt = page_alloc();
    frame = (xen_pfn_t)virt_to_mfn(gdt).v;
    fill_gdt();
    set(ldt, LDT_GATE, gate(FLAT_KERNEL_CS, 3, 0, (uintptr_t)gate_plain));
    set(ldt, SELECTOR_NO_LDT / 8, gate(FLAT_KERNEL_CS, 3, 0, (uintptr_t)gate_plain));
    test_need(table_set_readonly(gdt), "GDT read-only");
    test_need(table_set_readonly(ldt), "LDT read-only");
    test_need((int)hypercall_set_gdt(&frame, ENTRIES_PER_TABLE), "GDT");
    test_need(user_map(LDT_AT, ldt, PTE_READONLY), "LDT mapped");
    test_need((int)hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF), "LDT");
}

/* ---- Programs. */

static void run(const char *name, const struct snippet *code, struct regs *regs)
{
    char *page = page_alloc();

    memcpy(page, code->begin, (size_t)(code->end - code->begin));
    memcpy(page + USER_ENTRY % PAGE_SIZE, gate_far_return, (size_t)(gate_far_return_end - gate_far_return));
    memset(gate_words, 0, sizeof(gate_words));
    gate_cs = 0;
    test_need(user_map(USER_BASE, page, PTE_PROGRAM), name);
    user_regs_init(regs, USER_BASE);
    (void)user_run(regs);
}

static bool came_back(const char *name, const struct snippet *code, uint32_t esp, const struct regs *regs)
{
    uint32_t wanted = (uint32_t)(USER_BASE + (unsigned)(code->next - code->begin));

    return test_check(regs->vector == TRAP_UD && regs->eip == wanted && regs->esp == esp && regs->cs == FLAT_USER_CS,
                      name, "%s with error %x at %x:%x, stack %x; expected #UD at %x, stack %x",
                      trap_name(regs->vector), regs->error, regs->cs, regs->eip, regs->esp, wanted, esp);
}

/* To the kernel and back: the words on its stack are @count between the return address and the old stack. */
static void reaches(const char *name, const struct snippet *code, unsigned count, uint16_t cs)
{
    const uint32_t esp = (uint32_t)USER_STACK_END - 12, words[] = {0x11, 0x22, 0x33};
    uint32_t eip = (uint32_t)(USER_BASE + (unsigned)(code->next - code->begin));
    struct regs regs;

    run(name, code, &regs);
    if (!came_back(name, code, esp + 4 * count, &regs))
        return;
    test_equal("the kernel's code", gate_cs & 0xffff, cs);
    test_check(gate_words[0] == eip && gate_words[1] == FLAT_USER_CS, "return address", "%x:%x", gate_words[1],
               gate_words[0]);
    test_check(memcmp(gate_words + 2, words, count * 4) == 0, "parameters", "%x %x %x", gate_words[2], gate_words[3],
               gate_words[4]);
    test_check(gate_words[2 + count] == esp && gate_words[3 + count] == FLAT_USER_SS, "old stack", "%x:%x",
               gate_words[3 + count], gate_words[2 + count]);
}

static void raises(const char *name, const struct snippet *code, unsigned vector, uint32_t error)
{
    struct regs regs;

    run(name, code, &regs);
    test_check(regs.vector == vector && regs.error == error &&
                   regs.eip == USER_BASE + (unsigned)(code->at - code->begin),
               name, "%s with error %x at %x, expected %s with %x", trap_name(regs.vector), regs.error, regs.eip,
               trap_name(vector), error);
    test_equal("the kernel was not called", gate_cs, 0);
}

/* Shows segdesc.gate-inner, segdesc.gate-parameters. */
static void calls(void)
{
    reaches("a call", &call_plain, 0, FLAT_KERNEL_CS);
    reaches("a call with parameters", &call_parameters, 3, FLAT_KERNEL_CS);
    reaches("a call to code that begins elsewhere", &call_based, 0, ENTRY_BASED_CODE * 8 | 1);
    reaches("a call through the LDT", &call_ldt, 0, FLAT_KERNEL_CS);
    reaches("a call with a 16-bit offset", &call_16, 0, FLAT_KERNEL_CS);
    reaches("a call through memory", &call_memory, 0, FLAT_KERNEL_CS);
}

/* Shows segdesc.gate-same, segdesc.gate-jump. */
static void in_ring_3(void)
{
    struct regs regs;

    run("a call within ring 3", &call_user, &regs);
    (void)came_back("a call within ring 3", &call_user, (uint32_t)USER_STACK_END - 12, &regs);
    run("a jump within ring 3", &jump_user, &regs);
    (void)came_back("a jump within ring 3", &jump_user, (uint32_t)USER_STACK_END, &regs);
}

/* Shows segdesc.gate-level, segdesc.gate-target, segdesc.gate-memory. */
static void refusals(void)
{
    raises("a gate of the kernel's", &call_kernel, TRAP_GP, SELECTOR_KERNEL & ~3u);
    raises("a target that is not present", &call_absent, TRAP_NP, ENTRY_ABSENT_CODE * 8);
    raises("a target that is data", &call_data, TRAP_GP, ENTRY_DATA * 8);
    raises("a target beyond its segment", &call_outside, TRAP_GP, 0);
    raises("a gate beyond the LDT", &call_no_ldt, TRAP_GP, SELECTOR_NO_LDT & ~3u);
    raises("a jump to the kernel", &jump_plain, TRAP_GP, FLAT_KERNEL_CS & ~3u);
    raises("a pointer in the kernel's memory", &call_of_kernel_memory, TRAP_PF, FAULT_USER | FAULT_PRESENT);
}

/* ---- The kernel itself. */

static void call_from_kernel(void *arg)
{
    (void)arg;
    __asm__ volatile("lcall $" TEXT(SELECTOR_KERNEL) " - 2, $0" ::: "memory");
}

/* Shows segdesc.gate-same. */
static void from_kernel(void)
{
    struct fault seen;

    memset(gate_words, 0, sizeof(gate_words));
    (void)trap_try(call_from_kernel, NULL, &seen);
    test_check(seen.vector == TRAP_NONE, "a call of the kernel's", "%s with error %x", trap_name(seen.vector),
               seen.error);
    test_equal("its code", gate_words[1], FLAT_KERNEL_CS);
    test_equal("its own stack", gate_stack / PAGE_SIZE, (uintptr_t)__builtin_frame_address(0) / PAGE_SIZE);
}

void test_main(void)
{
    test_need(user_init(), "user mode");
    make_tables();
    calls();
    in_ring_3();
    refusals();
    from_kernel();
}
