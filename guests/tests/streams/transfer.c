/* SPDX-License-Identifier: MIT */
/* Units that go elsewhere: far calls and returns, iret, interrupts, system calls; what loads a stack segment before. */
#include <abi/hypercall.h>
#include <guest/string.h>
#include <guest/trap.h>
#include <guests/tests/streams/emit.h>
#include <guests/tests/streams/stream.h>

#define FLAG_VM UINT32_C(0x20000)

static void far_return(void)
{
    const uint32_t fields[] = {some_place(), some_code_selector(), some_stack(), some_data_selector()};
    unsigned size = emit_some_size();

    emit_stack(fields, ARRAY_SIZE(fields), size);
    emit_size(size);
    if (one_in(3)) {
        emit(0xca);
        emit_number(below(4) * 4, 2);
    } else {
        emit(0xcb);
    }
}

/* Frames of virtual-8086 mode as well: segments are paragraphs there, and four more of them follow. */
static void interrupt_return(void)
{
    uint32_t fields[9] = {some_place(), some_code_selector(), some_flags(), some_stack(), some_data_selector()};
    unsigned size = emit_some_size();

    if (fields[2] & FLAG_VM) {
        fields[1] = one_in(4) ? some_code_selector() : CODE_AT / 16;
        fields[0] -= fields[1] * 16;
        fields[4] = one_in(4) ? some_data_selector() : 0;
    }
    for (unsigned i = 5; i < ARRAY_SIZE(fields); i++)
        fields[i] = some_data_selector();
    emit_stack(fields, ARRAY_SIZE(fields), size);
    emit_size(size);
    emit(0xcf);
}

/* Through a far pointer in memory: a call or a jump. */
static void far_indirect(void)
{
    unsigned size = emit_some_size();
    const uint32_t fields[] = {some_place(), some_code_selector()};
    const uint32_t words[] = {fields[0] & 0xffff, fields[0] >> 16, fields[1]};

    if (size == 4)
        emit_stack(words, ARRAY_SIZE(words), 2);
    else
        emit_stack(fields, ARRAY_SIZE(fields), size);
    emit_address_size();
    emit_size(size);
    emit(0xff);
    emit_at_stack(one_in(2) ? 3 : 5);
}

/* With the pointer in the instruction, which 64-bit code does not have. */
static void far_direct(void)
{
    unsigned size = one_in(2) ? 2 : 4;

    emit_size(size);
    emit(one_in(2) ? 0x9a : 0xea);
    emit_number(some_place(), size);
    emit_number(some_code_selector(), 2);
}

static void software_interrupt(void)
{
    static const uint8_t vectors[] = {0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 14, 18, 0x20, 0x80, 0x81, 0x82, 0xef, 0xf0, 0xff};

    switch (below(6)) {
    case 0:
        emit(0xcc);
        break;
    case 1:
        emit(0xce); /* into */
        break;
    case 2:
        emit(0xf1); /* icebp */
        break;
    default:
        emit(0xcd);
        emit(one_in(4) ? below(256) : ONE_OF(vectors));
    }
}

static void fast_calls(void)
{
    static const char *const calls[] = {"\x0f\x34", "\x0f\x35", "\x48\x0f\x35", "\x0f\x07", "\x48\x0f\x07", "\x0f\x34"};
    const char *call = ONE_OF(calls);

    emit_load(RCX, one_in(2) ? some_place() : some_stack());
    emit_load(RDX, some_place());
    emit_bytes(call, strlen(call));
}

/* Interrupts and debug traps are held back behind a load of ss: so what comes next is what they meet. */
static void load_stack_segment(void)
{
    const uint32_t pointer[] = {some_stack(), some_data_selector()};
    static const char *const next[] = {"\x0f\x05", "\xcd\x80", "\xcc", "\xce", "\xf1",     "\x0f\x34",
                                       "\xcf",     "\xcb",     "\x9d", "\xf4", "\x0f\x0b", "\x9c"};
    const char *behind = ONE_OF(next);

    switch (below(3)) {
    case 0:
        emit_load(RBX, pointer[1]);
        emit_bytes("\x8e\xd3", 2);
        break;
    case 1:
        emit_stack(pointer, 2, 4);
        emit_address_size();
        emit_size(4);
        emit_bytes("\x0f\xb2", 2); /* lss */
        emit_at_stack(RSP);
        break;
    default:
        emit(0x68); /* push, pop ss */
        emit_number(pointer[1], stream.bits == 16 ? 2 : 4);
        emit(0x17);
    }
    if (stream.is_kernel)
        emit_load(RAX, __HYPERVISOR_xen_version);
    emit_bytes(behind, strlen(behind));
}

static void flags(void)
{
    emit(0x68);
    emit_number(some_flags(), stream.bits == 16 ? 2 : 4);
    emit(0x9d);
    if (one_in(3))
        emit(0x9c);
}

static void short_jump(void)
{
    emit(0xeb);
    emit(one_in(16) ? 0xf0 : below(24));
}

const struct weighted transfers[] = {
    {far_return, 4},   {interrupt_return, 8},   {far_indirect, 4},
    {far_direct, 2},   {software_interrupt, 3}, {machine_system_call, 2},
    {machine_iret, 2}, {fast_calls, 3},         {load_stack_segment, 4},
    {flags, 3},        {short_jump, 1},         {NULL, 0},
};
