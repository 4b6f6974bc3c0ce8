/* SPDX-License-Identifier: MIT */
/* links: hv/emulate/decode.c hv/emulate/decode_table.c */
/*
 * Fuzzing of the instruction decoder.  The first byte chooses the mode; the rest are what can be read of an
 * instruction, and not a byte behind them may be touched.
 */
#include <stdlib.h>
#include <string.h>

#include <hv/emulate/decode.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_fields(const struct instruction *instruction, enum decode_mode mode, size_t size)
{
    unsigned bytes = instruction->bytes, address = instruction->address_bytes;

    require(instruction->length >= 1 && instruction->length <= INSTRUCTION_BYTES_MAX && instruction->length <= size);
    require(instruction->operation > OPERATION_NONE && instruction->operation < OPERATION_COUNT);
    require(bytes == 1 || bytes == 2 || bytes == 4 ||
            (bytes == 8 && (mode == DECODE_64 || instruction->operation == OPERATION_CMPXCHG8B)));
    require(address == 2 || address == 4 || address == 8);
    require((mode == DECODE_64) == (address == 8) || address == 4);
    require(instruction->number < 16 && instruction->control < 16 && instruction->address.shift < 4);
    require(instruction->address.base < 16 || instruction->address.base == REGISTER_NONE);
    require(instruction->address.index < 16 || instruction->address.index == REGISTER_NONE);
    require(instruction->segment <= SEGMENT_GS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct instruction instruction, again;
    enum decode_result result;
    enum decode_mode mode;

    if (size == 0)
        return -1;
    mode = (enum decode_mode)(data[0] % 3);
    result = decode(mode, data + 1, size - 1, &instruction);
    if (result == DECODE_SHORT)
        require(size - 1 < INSTRUCTION_BYTES_MAX);
    if (result != DECODE_OK)
        return 0;
    check_fields(&instruction, mode, size - 1);
    /* What comes behind an instruction does not matter, and each byte of it is needed. */
    require(decode(mode, data + 1, instruction.length, &again) == DECODE_OK && again.length == instruction.length);
    require(decode(mode, data + 1, instruction.length - 1, &again) == DECODE_SHORT);
    return 0;
}
