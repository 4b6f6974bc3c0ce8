/* SPDX-License-Identifier: MIT */
/* Streams of a 32-bit kernel: their descriptors and selectors, and how they call. */
#include <abi/hypercall.h>
#include <guests/tests/streams/descriptors.h>
#include <guests/tests/streams/emit.h>
#include <guests/tests/streams/stream.h>

const uint64_t machine_entries[NR_ENTRIES] = {
    [ENTRY_CODE16] = CODE16 | DPL(3),
    [ENTRY_CODE32] = CODE32 | DPL(3),
    [ENTRY_OWN_CODE] = CODE32 | DPL(1),
    [ENTRY_DATA16] = DATA16 | DPL(3),
    [ENTRY_DATA32] = DATA32 | DPL(3),
    [6] = CODE32 | DPL(3) | TYPE(4), /* conforming */
    [7] = CODE32 | DPL(1) | TYPE(4),
    [8] = (CODE32 | DPL(3)) & ~TYPE(2), /* execute only */
    [9] = (DATA32 | DPL(3)) & ~TYPE(2), /* read only */
    [10] = DATA16 | DPL(3) | TYPE(4),   /* expands down */
    [11] = (CODE32 | DPL(1)) & ~PRESENT,
    [12] = DATA16 | DPL(1),
    [ENTRY_BASED32] = ((CODE32 | DPL(3)) & ~LIMIT(0xffff)) | BASE(0x100) | LIMIT(3),
    [14] = DATA16 | DPL(3) | BASE(STACK_AT),
    [15] = CODE16 | DPL(1),
    [ENTRY_BASED16] = CODE16 | DPL(3) | BASE(CODE_AT),
    [17] = DATA32 | DPL(1),
    [18] = CALL_GATE | DPL(3) | BASE(FLAT_KERNEL_CS) | LIMIT(CODE_AT),
    [19] = CALL_GATE | DPL(3) | BASE(ENTRY_OWN_CODE * 8 + 7) | LIMIT(CODE_AT) | WORDS(5),
    [20] = CALL_GATE | DPL(3) | BASE(ENTRY_CODE32 * 8 + 7) | LIMIT(CODE_AT) | WORDS(31),
    [21] = CALL_GATE | DPL(3) | BASE(11 * 8) | LIMIT(CODE_AT),
    [22] = CALL_GATE | DPL(1) | BASE(15 * 8) | LIMIT(CODE_AT),
    [23] = CALL_GATE | DPL(3) | BASE(8192) | LIMIT(CODE_AT),
};

const uint16_t machine_selectors[16] = {0,      1,      3,      0xe008, 0xe00b, 0xe010, 0xe013, 0xe018,
                                        0xe019, 0xe021, 0xe02b, 0xe033, 0xe038, 0xe040, 0xe043, 0xfff8};

const unsigned machine_sizes[4] = {16, 32, 32, 32};

static uint16_t of_kernel(unsigned entry)
{
    return (uint16_t)(entry * 8 | 4 | KERNEL_RING);
}

uint16_t machine_code_selector(unsigned bits)
{
    if (stream.is_kernel)
        return bits == 16 ? of_kernel(15) : one_in(2) ? FLAT_KERNEL_CS : of_kernel(ENTRY_OWN_CODE);
    if (bits == 32)
        return one_in(2) ? FLAT_USER_CS : machine_in_ldt(ENTRY_CODE32);
    return machine_in_ldt(ENTRY_CODE16);
}

/* The kernel's is what its handlers run on: only with 32 bits they find room there. */
uint16_t machine_stack_selector(unsigned bits)
{
    if (stream.is_kernel)
        return one_in(2) ? FLAT_KERNEL_SS : of_kernel(17);
    if (bits == 16)
        return machine_in_ldt(ENTRY_DATA16);
    return one_in(2) ? FLAT_USER_SS : machine_in_ldt(ENTRY_DATA32);
}

/* The hypervisor's addresses are there. */
void machine_map_top(void)
{
}

void machine_set_gates(bool on)
{
    static const unsigned gates[] = {18, 19};

    for (unsigned i = 0; i < ARRAY_SIZE(gates); i++)
        machine_set_descriptor(gates[i], on ? machine_entries[gates[i]] : 0);
}

/* From the kernel a hypercall. */
void machine_system_call(void)
{
    emit_load(RAX, some_call());
    emit_load(RBX, below(3));
    emit_bytes("\xcd\x82", 2);
}

/* The hypercall iret, which ends a kernel that asks for ring 0; from a program it is an interrupt that is refused. */
void machine_iret(void)
{
    const uint32_t fields[] = {
        0, some_place(), some_code_selector() | KERNEL_RING, some_flags() | 0x200, some_stack(), some_data_selector()};

    emit_stack(fields, ARRAY_SIZE(fields), 4);
    emit_load(RAX, __HYPERVISOR_iret);
    emit_bytes("\xcd\x82", 2);
}
