/* SPDX-License-Identifier: MIT */
/* Bytes written one behind the other into the code of the stream, and the prefixes that a size needs. */
#include <guest/memory.h>
#include <guest/string.h>
#include <guests/tests/streams/emit.h>
#include <guests/tests/streams/stream.h>

#define PREFIX_OPERAND 0x66u
#define PREFIX_ADDRESS 0x67u
#define REX_W          0x48u
#define ROOM           64u /* more than any unit takes behind the place where it is seen to be near the end */

static unsigned at;

void emit_begin(void)
{
    /* Some cross a page. */
    at = one_in(2) ? below(64) : PAGE_SIZE - below(256);
    stream.nr_units = 0;
    stream.unit_at[0] = CODE_AT + at;
}

void emit_unit(void)
{
    stream.unit_at[++stream.nr_units] = CODE_AT + at;
}

void emit(unsigned byte)
{
    if (at < CODE_SIZE - ROOM) {
        *machine_memory(CODE_AT + at) = (uint8_t)byte;
        at++;
    }
}

void emit_bytes(const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        emit(((const uint8_t *)bytes)[i]);
}

void emit_number(uint64_t number, unsigned bytes)
{
    emit_bytes(&number, bytes);
}

unsigned emit_some_size(void)
{
    static const unsigned sizes[] = {2, 4, 8};

    return sizes[below(stream.bits == 64 ? 3 : 2)];
}

void emit_size(unsigned bytes)
{
    if (bytes == 8)
        emit(REX_W);
    else if ((bytes == 2) != (stream.bits == 16))
        emit(PREFIX_OPERAND);
}

void emit_load(enum general reg, uint32_t value)
{
    emit_size(4);
    emit(0xb8u + reg);
    emit_number(value, 4);
}

void emit_address_size(void)
{
    if (stream.bits == 16)
        emit(PREFIX_ADDRESS);
}

void emit_at_stack(unsigned reg)
{
    emit(0x04 | reg << 3);
    emit(0x24);
}

void emit_stack(const uint32_t *fields, unsigned count, unsigned bytes)
{
    emit_size(stream.bits == 64 ? 8 : 4);
    emit(0x83); /* sub $imm8, %esp */
    emit(0xec);
    emit(count * bytes);
    for (unsigned i = 0; i < count; i++) {
        emit_address_size();
        emit_size(bytes);
        emit(0xc7); /* mov $imm, disp8(%esp) */
        emit(0x44);
        emit(0x24);
        emit(i * bytes);
        emit_number(fields[i], bytes == 2 ? 2 : 4);
    }
}
