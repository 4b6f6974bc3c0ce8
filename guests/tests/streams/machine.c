/* SPDX-License-Identifier: MIT */
/* The memory of the streams, descriptors of every kind, breakpoints, and values that a stream may name. */
#include <guest/hypercall.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <guest/user.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/streams/stream.h>

#define VIRTUAL_8086 UINT32_C(0x20000)
#define LDT_AT       UINT64_C(0x20000000)
#define NR_ENTRIES   24u

#define CODE16    UINT64_C(0x00009b000000ffff)
#define CODE32    UINT64_C(0x00cf9b000000ffff)
#define CODE64    UINT64_C(0x00af9b000000ffff)
#define DATA16    UINT64_C(0x000093000000ffff)
#define DATA32    UINT64_C(0x00cf93000000ffff)
#define DPL(n)    ((uint64_t)(n) << 45)
#define TYPE(n)   ((uint64_t)(n) << 40)
#define BASE(n)   ((uint64_t)(n) << 16)
#define LIMIT(n)  ((uint64_t)(n))
#define PRESENT   (UINT64_C(1) << 47)
#define BIG       (UINT64_C(1) << 54)
#define CALL_GATE UINT64_C(0x00008c0000000000)

enum entry {
    ENTRY_CODE16 = 1,
    ENTRY_CODE32,
    ENTRY_CODE64,
    ENTRY_DATA16,
    ENTRY_DATA32,
    ENTRY_BASED32 = 13,
    ENTRY_BASED16 = 16
};

/* What the hypervisor refuses stays empty. */
static const uint64_t entries[NR_ENTRIES] = {
    [ENTRY_CODE16] = CODE16 | DPL(3),
    [ENTRY_CODE32] = CODE32 | DPL(3),
    [ENTRY_CODE64] = CODE64 | DPL(3),
    [ENTRY_DATA16] = DATA16 | DPL(3),
    [ENTRY_DATA32] = DATA32 | DPL(3),
    [6] = CODE32 | DPL(3) | TYPE(4), /* conforming */
    [7] = CODE64 | TYPE(4),
    [8] = (CODE32 | DPL(3)) & ~TYPE(2), /* execute only */
    [9] = (DATA32 | DPL(3)) & ~TYPE(2), /* read only */
    [10] = DATA16 | DPL(3) | TYPE(4),   /* expands down */
    [11] = (CODE64 | DPL(3)) & ~PRESENT,
    [12] = (DATA32 | DPL(3)) & ~PRESENT,
    [ENTRY_BASED32] = ((CODE32 | DPL(3)) & ~LIMIT(0xffff)) | BASE(0x100) | LIMIT(3),
    [14] = DATA16 | DPL(3) | BASE(STACK_AT),
    [15] = CODE64 | DPL(3) | BIG, /* 64-bit and 32-bit at once */
    [ENTRY_BASED16] = CODE16 | DPL(3) | BASE(CODE_AT),
    [17] = CODE64 | DPL(1),
    [18] = CALL_GATE | DPL(3) | BASE(FLAT_KERNEL_CS64) | LIMIT(CODE_AT),
    [20] = CALL_GATE | DPL(3) | BASE(ENTRY_CODE64 * 8 + 7) | LIMIT(CODE_AT),
    [22] = CALL_GATE | BASE(ENTRY_CODE32 * 8 + 4) | LIMIT(CODE_AT),
};

static uint8_t *memory;
static uint64_t *gdt, *ldt;

uint8_t *machine_memory(unsigned address)
{
    return memory + address - CODE_AT;
}

static uint16_t in_ldt(unsigned index)
{
    return (uint16_t)(index * 8 | 7);
}

uint16_t machine_code_selector(unsigned bits)
{
    if (bits == 64)
        return one_in(2) ? FLAT_USER_CS64 : in_ldt(ENTRY_CODE64);
    if (bits == 32)
        return one_in(2) ? FLAT_USER_CS32 : in_ldt(ENTRY_CODE32);
    return in_ldt(ENTRY_CODE16);
}

/* A return to a stack of 16 bits leaves the rest of the pointer as it was: no kernel's handler finds room there. */
uint16_t machine_stack_selector(unsigned bits)
{
    if (bits == 16 && !stream.is_kernel)
        return in_ldt(ENTRY_DATA16);
    return one_in(2) ? FLAT_USER_SS64 : in_ldt(ENTRY_DATA32);
}

/* Of the guest's own tables, at any privilege; the hypervisor's; none. */
uint16_t some_selector(void)
{
    static const uint16_t others[] = {0,      1,      3,      0xe008, 0xe00b, 0xe010, 0xe013, 0xe018,
                                      0xe023, 0xe02b, 0xe033, 0xe030, 0xe038, 0xe040, 0xe043, 0xfff8};

    switch (below(4)) {
    case 0:
        return ONE_OF(others);
    case 1:
        return one_in(4) ? (uint16_t)random() : (uint16_t)(below(NR_ENTRIES) * 8 | below(8));
    default:
        return (uint16_t)(below(NR_ENTRIES) * 8 | below(2) * 4 | 3);
    }
}

uint16_t some_code_selector(void)
{
    static const unsigned sizes[] = {16, 32, 64};

    return one_in(3) ? some_selector() : machine_code_selector(ONE_OF(sizes));
}

uint16_t some_data_selector(void)
{
    static const unsigned sizes[] = {16, 32};

    return one_in(3) && !stream.is_kernel ? some_selector() : machine_stack_selector(ONE_OF(sizes));
}

/* Mostly where a unit begins. */
uint32_t some_place(void)
{
    static const uint32_t others[] = {0, 1, 0x7fffffff, 0x80100000, 0xffff8180, STACK_AT, DATA_AT};

    if (one_in(8))
        return ONE_OF(others);
    return one_in(6) ? CODE_AT + below(CODE_SIZE) : stream.unit_at[below(stream.nr_units + 1)] + below(24);
}

uint32_t some_stack(void)
{
    return STACK_AT + 0x1000 + below(STACK_END - STACK_AT - 0x1800);
}

uint32_t some_flags(void)
{
    static const uint32_t likely[] = {0x2,     0x202,   0x302,   0x4202,  0x3202,   0x20202, 0x20002,
                                      0x23202, 0x23002, 0x40202, 0x10202, 0x1a0202, 0x20302};
    uint32_t flags;

    flags = one_in(3) ? (uint32_t)random() & 0x3fffff : ONE_OF(likely);
    return stream.is_flat ? flags & ~VIRTUAL_8086 : flags; /* whose segments are not flat */
}

void machine_set_bases(bool on)
{
    static const unsigned based[] = {ENTRY_BASED16, ENTRY_BASED32};

    for (unsigned i = 0; i < ARRAY_SIZE(based); i++) {
        uint64_t descriptor = on ? entries[based[i]] : 0;

        test_need((int)hypercall_update_descriptor(virt_to_maddr(&gdt[based[i]]), descriptor), "descriptor");
        test_need((int)hypercall_update_descriptor(virt_to_maddr(&ldt[based[i]]), descriptor), "descriptor");
    }
}

/*
 * ---- Breakpoints.
 */

static uint64_t breakpoint_address(void)
{
    static const unsigned vectors[] = {TRAP_UD,        TRAP_GP,          TRAP_BP,        0x80,
                                       VECTOR_SYSCALL, VECTOR_SYSCALL32, VECTOR_SYSENTER};

    switch (below(4)) {
    case 0:
        return one_in(2) ? some_stack() : DATA_AT + below(DATA_SIZE);
    case 1:
        return trap_entry_of(ONE_OF(vectors));
    default:
        if (!stream.is_flat)
            return some_stack();
        return stream.unit_at[below(stream.nr_units + 1)] + (one_in(2) ? 0 : below(8));
    }
}

/* Whatever is refused is not set. */
void machine_set_breakpoints(void)
{
    for (unsigned i = 0; i < 4; i++)
        (void)hypercall_set_debugreg(i, breakpoint_address());
    if (hypercall_set_debugreg(7, ((uint64_t)random() & 0xffff0000) | 0x400 | (random() & 0x3ff)) != 0)
        (void)hypercall_set_debugreg(7, 0x4ff | (uint64_t)(random() & 0x11110000));
}

void machine_clear_breakpoints(void)
{
    (void)hypercall_set_debugreg(7, 0);
    (void)hypercall_set_debugreg(6, 0);
}

/*
 * ---- The beginning.
 */

/* The same descriptors in both tables. */
static void make_descriptors(void)
{
    uint64_t frame;
    struct mmuext_op op = {.cmd = MMUEXT_SET_LDT, .arg1.linear_addr = LDT_AT, .arg2.nr_ents = ENTRIES_PER_TABLE};
    unsigned refused = 0;

    gdt = page_alloc();
    ldt = page_alloc();
    frame = virt_to_mfn(gdt).v;
    for (unsigned i = 0; i < NR_ENTRIES; i++) {
        refused += hypercall_update_descriptor(virt_to_maddr(&ldt[i]), entries[i]) != 0;
        (void)hypercall_update_descriptor(virt_to_maddr(&gdt[i]), entries[i]);
    }
    test_note("%u descriptors, %u of them refused", NR_ENTRIES, refused);
    test_need(table_set_readonly(gdt), "GDT read-only");
    test_need(table_set_readonly(ldt), "LDT read-only");
    test_need((int)hypercall_set_gdt(&frame, ENTRIES_PER_TABLE), "GDT");
    test_need(user_map(LDT_AT, ldt, PTE_READONLY), "LDT mapped");
    test_need((int)hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF), "LDT");
}

void machine_init(void)
{
    const unsigned pages = (LOW_END - CODE_AT) / PAGE_SIZE;

    memory = pages_alloc(pages);
    for (unsigned i = 0; i < pages; i++)
        test_need(user_map(CODE_AT + i * PAGE_SIZE, memory + i * PAGE_SIZE, PTE_PROGRAM), "memory of the streams");
    test_need(user_map(0, page_alloc(), PTE_PROGRAM), "page 0");
    for (uint64_t i = 0; i < TOP_PAGES; i++) {
        test_need(user_map((uint32_t)TOP_AT + i * PAGE_SIZE, page_alloc(), PTE_PROGRAM), "the last below 4 GiB");
        test_need(user_map(TOP_AT + i * PAGE_SIZE, page_alloc(), PTE_KERNEL), "the last pages");
    }
    test_need(user_init(), "user mode");
    make_descriptors();
}
