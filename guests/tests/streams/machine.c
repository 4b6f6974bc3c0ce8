/* SPDX-License-Identifier: MIT */
/* The memory of the streams, descriptors of every kind, breakpoints, and values that a stream may name. */
#include <abi/hypercall.h>
#include <guest/hypercall.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <guest/user.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/streams/stream.h>

#define VIRTUAL_8086 UINT32_C(0x20000)
#define LDT_AT       0x20000000u

static uint8_t *memory;
static uint64_t *gdt, *ldt;

uint8_t *machine_memory(unsigned address)
{
    return memory + address - CODE_AT;
}

uint16_t machine_in_ldt(unsigned entry)
{
    return (uint16_t)(entry * 8 | 7);
}

/* Of the guest's own tables, at any privilege; the hypervisor's; none. */
uint16_t some_selector(void)
{
    switch (below(4)) {
    case 0:
        return ONE_OF(machine_selectors);
    case 1:
        return one_in(4) ? (uint16_t)random() : (uint16_t)(below(NR_ENTRIES) * 8 | below(8));
    default:
        return (uint16_t)(below(NR_ENTRIES) * 8 | below(2) * 4 | 3);
    }
}

uint16_t some_code_selector(void)
{
    return one_in(3) ? some_selector() : machine_code_selector(machine_sizes[below(3)]);
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

/* Only some leave a kernel as it is. */
uint32_t some_call(void)
{
    static const uint32_t harmless[] = {__HYPERVISOR_xen_version, __HYPERVISOR_fpu_taskswitch, 60, 127, 128, 0x10000};

    return stream.is_kernel ? ONE_OF(harmless) : below(64);
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

void machine_set_descriptor(unsigned entry, uint64_t descriptor)
{
    test_need((int)hypercall_update_descriptor(virt_to_maddr(&gdt[entry]), descriptor), "descriptor");
    test_need((int)hypercall_update_descriptor(virt_to_maddr(&ldt[entry]), descriptor), "descriptor");
}

void machine_set_bases(bool on)
{
    static const unsigned based[] = {ENTRY_BASED16, ENTRY_BASED32};

    for (unsigned i = 0; i < ARRAY_SIZE(based); i++)
        machine_set_descriptor(based[i], on ? machine_entries[based[i]] : 0);
}

/*
 * ---- Breakpoints.
 */

/* A 32-bit kernel enters its handlers on the stream's stack, and by code that writes each word several times. */
static uint32_t data_place(void)
{
    return stream.is_kernel && KERNEL_RING != 3 ? DATA_AT + below(DATA_SIZE) : some_stack();
}

static uintptr_t breakpoint_address(void)
{
    static const unsigned vectors[] = {TRAP_UD,        TRAP_GP,          TRAP_BP,        0x80,
                                       VECTOR_SYSCALL, VECTOR_SYSCALL32, VECTOR_SYSENTER};

    switch (below(4)) {
    case 0:
        return one_in(2) ? data_place() : DATA_AT + below(DATA_SIZE);
    case 1:
        return (uintptr_t)trap_entry_of(ONE_OF(vectors));
    default:
        if (!stream.is_flat)
            return data_place();
        return stream.unit_at[below(stream.nr_units + 1)] + (one_in(2) ? 0 : below(8));
    }
}

/* Whatever is refused is not set. */
void machine_set_breakpoints(void)
{
    for (unsigned i = 0; i < 4; i++)
        (void)hypercall_set_debugreg(i, breakpoint_address());
    if (hypercall_set_debugreg(7, (uintptr_t)(random() & 0xffff0000) | 0x400 | (uintptr_t)(random() & 0x3ff)) != 0)
        (void)hypercall_set_debugreg(7, 0x4ff | (uintptr_t)(random() & 0x11110000));
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
    struct mmuext_op op = {.cmd = MMUEXT_SET_LDT, .arg1.linear_addr = LDT_AT, .arg2.nr_ents = ENTRIES_PER_TABLE};
    xen_pfn_t frame;
    unsigned refused = 0;

    gdt = page_alloc();
    ldt = page_alloc();
    frame = (xen_pfn_t)virt_to_mfn(gdt).v;
    for (unsigned i = 0; i < NR_ENTRIES; i++) {
        refused += hypercall_update_descriptor(virt_to_maddr(&ldt[i]), machine_entries[i]) != 0;
        (void)hypercall_update_descriptor(virt_to_maddr(&gdt[i]), machine_entries[i]);
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
    machine_map_top();
    test_need(user_init(), "user mode");
    make_descriptors();
}
