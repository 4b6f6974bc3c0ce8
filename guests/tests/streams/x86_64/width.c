/* SPDX-License-Identifier: MIT */
/* Streams of a 64-bit kernel: their descriptors and selectors, and how they call. */
#include <abi/hypercall.h>
#include <guest/table.h>
#include <guest/user.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/streams/descriptors.h>
#include <guests/tests/streams/emit.h>
#include <guests/tests/streams/stream.h>

#define TOP_AT    UINT64_C(0xffffffffffffc000)
#define TOP_PAGES 4u

const uint64_t machine_entries[NR_ENTRIES] = {
    [ENTRY_CODE16] = CODE16 | DPL(3),
    [ENTRY_CODE32] = CODE32 | DPL(3),
    [ENTRY_OWN_CODE] = CODE64 | DPL(3),
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
    [20] = CALL_GATE | DPL(3) | BASE(ENTRY_OWN_CODE * 8 + 7) | LIMIT(CODE_AT),
    [22] = CALL_GATE | BASE(ENTRY_CODE32 * 8 + 4) | LIMIT(CODE_AT),
};

const uint16_t machine_selectors[16] = {0,      1,      3,      0xe008, 0xe00b, 0xe010, 0xe013, 0xe018,
                                        0xe023, 0xe02b, 0xe033, 0xe030, 0xe038, 0xe040, 0xe043, 0xfff8};

const unsigned machine_sizes[4] = {16, 32, 64, 64};

uint16_t machine_code_selector(unsigned bits)
{
    if (bits == 64)
        return one_in(2) ? FLAT_USER_CS64 : machine_in_ldt(ENTRY_OWN_CODE);
    if (bits == 32)
        return one_in(2) ? FLAT_USER_CS32 : machine_in_ldt(ENTRY_CODE32);
    return machine_in_ldt(ENTRY_CODE16);
}

/* A return to a stack of 16 bits leaves the rest of the pointer as it was: no kernel's handler finds room there. */
uint16_t machine_stack_selector(unsigned bits)
{
    if (bits == 16 && !stream.is_kernel)
        return machine_in_ldt(ENTRY_DATA16);
    return one_in(2) ? FLAT_USER_SS64 : machine_in_ldt(ENTRY_DATA32);
}

void machine_map_top(void)
{
    for (uint64_t i = 0; i < TOP_PAGES; i++) {
        test_need(user_map((uint32_t)TOP_AT + i * PAGE_SIZE, page_alloc(), PTE_PROGRAM), "the last below 4 GiB");
        test_need(user_map(TOP_AT + i * PAGE_SIZE, page_alloc(), PTE_KERNEL), "the last pages");
    }
}

/* The use of a gate is a fault, wherever it leads. */
void machine_set_gates(bool on)
{
    (void)on;
}

/* From the kernel a hypercall. */
void machine_system_call(void)
{
    emit_load(RAX, some_call());
    emit_load(RDI, below(3));
    emit_bytes("\x0f\x05", 2);
}

/* The hypercall iret; from a program it is any system call. */
void machine_iret(void)
{
    const uint32_t fields[] = {0,
                               0,
                               0,
                               one_in(2) ? 0x100 : 0,
                               some_place(),
                               some_code_selector(),
                               some_flags() | 0x200,
                               some_stack(),
                               some_data_selector()};

    if (stream.bits == 64)
        emit_stack(fields, ARRAY_SIZE(fields), 8);
    emit_load(RAX, __HYPERVISOR_iret);
    emit_bytes("\x0f\x05", 2);
}
