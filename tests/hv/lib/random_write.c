/* SPDX-License-Identifier: MIT */
/* Random instructions that write: random_write.h. */
#include <string.h>

#include <hv/base/asm.h>
#include <hv/cpu/trap.h>
#include <tests/hv/lib/random_write.h>

const struct pattern patterns[] = {
#define BOTH(code, shape, reg, lock, undefined)         \
    {{(code)}, 1, 1, shape, reg, lock, undefined},      \
    {                                                   \
        {(code) + 1}, 1, 0, shape, reg, lock, undefined \
    }
#define BOTH_TWO(code, shape, reg, lock, undefined)           \
    {{0x0f, (code)}, 2, 1, shape, reg, lock, undefined},      \
    {                                                         \
        {0x0f, (code) + 1}, 2, 0, shape, reg, lock, undefined \
    }
#define LOGIC RFLAGS_AF
#define BITS  (RFLAGS_OF | RFLAGS_SF | RFLAGS_AF | RFLAGS_PF)
    BOTH(0x00, SHAPE_REG, -1, true, 0),
    BOTH(0x08, SHAPE_REG, -1, true, LOGIC),
    BOTH(0x10, SHAPE_REG, -1, true, 0),
    BOTH(0x18, SHAPE_REG, -1, true, 0),
    BOTH(0x20, SHAPE_REG, -1, true, LOGIC),
    BOTH(0x28, SHAPE_REG, -1, true, 0),
    BOTH(0x30, SHAPE_REG, -1, true, LOGIC),
    BOTH(0x80, SHAPE_IMM, 0, true, 0),
    BOTH(0x80, SHAPE_IMM, 1, true, LOGIC),
    BOTH(0x80, SHAPE_IMM, 2, true, 0),
    BOTH(0x80, SHAPE_IMM, 3, true, 0),
    BOTH(0x80, SHAPE_IMM, 4, true, LOGIC),
    BOTH(0x80, SHAPE_IMM, 5, true, 0),
    BOTH(0x80, SHAPE_IMM, 6, true, LOGIC),
    {{0x83}, 1, 0, SHAPE_IMM8, 0, true, 0},
    {{0x83}, 1, 0, SHAPE_IMM8, 1, true, LOGIC},
    {{0x83}, 1, 0, SHAPE_IMM8, 2, true, 0},
    {{0x83}, 1, 0, SHAPE_IMM8, 3, true, 0},
    {{0x83}, 1, 0, SHAPE_IMM8, 4, true, LOGIC},
    {{0x83}, 1, 0, SHAPE_IMM8, 5, true, 0},
    {{0x83}, 1, 0, SHAPE_IMM8, 6, true, LOGIC},
    BOTH(0x86, SHAPE_REG, -1, true, 0),
    BOTH(0x88, SHAPE_REG, -1, false, 0),
    BOTH(0xa2, SHAPE_ABSOLUTE, -1, false, 0),
    BOTH(0xa4, SHAPE_STRING, -1, false, 0),
    BOTH(0xaa, SHAPE_STRING, -1, false, 0),
    BOTH(0xc6, SHAPE_IMM, 0, false, 0),
    BOTH(0xf6, SHAPE_MODRM, 2, true, 0),
    BOTH(0xf6, SHAPE_MODRM, 3, true, 0),
    BOTH(0xfe, SHAPE_MODRM, 0, true, 0),
    BOTH(0xfe, SHAPE_MODRM, 1, true, 0),
    {{0x0f, 0xab}, 2, 0, SHAPE_BIT_REG, -1, true, BITS},
    {{0x0f, 0xb3}, 2, 0, SHAPE_BIT_REG, -1, true, BITS},
    {{0x0f, 0xbb}, 2, 0, SHAPE_BIT_REG, -1, true, BITS},
    {{0x0f, 0xba}, 2, 0, SHAPE_IMM8, 5, true, BITS},
    {{0x0f, 0xba}, 2, 0, SHAPE_IMM8, 6, true, BITS},
    {{0x0f, 0xba}, 2, 0, SHAPE_IMM8, 7, true, BITS},
    BOTH_TWO(0xb0, SHAPE_REG, -1, true, 0),
    BOTH_TWO(0xc0, SHAPE_REG, -1, true, 0),
    {{0x0f, 0xc3}, 2, 0, SHAPE_REG, -1, false, 0},
    {{0x0f, 0xc7}, 2, 0, SHAPE_MODRM, 1, true, 0},
};

static uint64_t random_state = 0x9e3779b97f4a7c15;

uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

unsigned below(unsigned limit)
{
    return (unsigned)((random_next() >> 20) % limit);
}

uint64_t any_value(void)
{
    static const uint64_t edges[] = {0,          1,          0x7f,
                                     0x80,       0xff,       0x7fff,
                                     0x8000,     0xffff,     0x7fffffff,
                                     0x80000000, 0xffffffff, 0x7fffffffffffffff,
                                     0x10,       UINT64_MAX, UINT64_MAX / 2 + 1,
                                     0x0f};

    return below(2) ? edges[below(sizeof(edges) / sizeof(edges[0]))] : random_next();
}

static void put(struct made *made, uint64_t value, unsigned count)
{
    memcpy(made->bytes + made->length, &value, count);
    made->length += count;
}

unsigned operand_size(const struct made *made)
{
    if (made->pattern->byte_size)
        return 1;
    return made->rex & 8 ? 8 : made->operand_size ? 2 : 4;
}

static bool is_movnti(const struct made *made)
{
    return made->pattern->bytes[1] == 0xc3;
}

static void put_prefixes(struct made *made)
{
    static const uint8_t ignored[] = {0x26, 0x2e, 0x36, 0x3e};
    bool repeat = below(3) == 0 && !is_movnti(made);

    for (unsigned i = below(4); i > 0; i--) {
        switch (below(4)) {
        case 0:
            if (is_movnti(made))
                break;
            made->operand_size = true;
            put(made, 0x66, 1);
            break;
        case 1:
            made->address_size = true;
            put(made, 0x67, 1);
            break;
        case 2:
            made->gs = true;
            put(made, 0x65, 1);
            break;
        case 3:
            put(made, ignored[below(4)], 1);
            break;
        }
    }
    if (made->pattern->lock && below(2))
        put(made, 0xf0, 1);
    if (repeat)
        put(made, below(2) ? 0xf2 : 0xf3, 1);
    if (below(2)) {
        made->rex = 0x40 + below(16);
        if (made->pattern->bytes[1] == 0xc7)
            made->rex &= ~8u;
        put(made, made->rex, 1);
    }
}

uint64_t truncated(const struct made *made, uint64_t address)
{
    return made->address_size ? (uint32_t)address : address;
}

/* Set a register that addresses: with a small address size its upper half may be anything. */
static void set_address(const struct made *made, unsigned number, uint64_t value)
{
    native_in.general[number] = made->address_size ? (uint32_t)value | random_next() << 32 : value;
}

/*
 * ModRM, SIB and displacement that lead to @target, which is not yet beyond the base of gs.  False: these do not.
 */
static bool put_memory(struct made *made, uint64_t target, unsigned behind)
{
    unsigned mod = below(3), reg = below(8), rm = below(8), base = rm | (made->rex & 1) << 3, index = 16, sib = 0;
    unsigned displacement_size = mod == 1 ? 1 : mod == 2 ? 4 : 0;
    bool has_base = true, from_rip = false;
    uint64_t sum = 0, displacement = 0;

    if (made->pattern->reg >= 0)
        reg = (unsigned)made->pattern->reg;
    if (rm == 4) {
        sib = below(256);
        index = (sib >> 3 & 7) | (made->rex & 2) << 2;
        base = (sib & 7) | (made->rex & 1) << 3;
        has_base = (sib & 7) != 5 || mod != 0;
    } else if (rm == 5 && mod == 0) {
        has_base = false;
        from_rip = true;
    }
    if (!has_base)
        displacement_size = 4;
    if (rm == 4 && index != 4)
        sum += native_in.general[index] << (sib >> 6);
    if (has_base)
        sum += native_in.general[base];
    put(made, mod << 6 | reg << 3 | rm, 1);
    if (rm == 4)
        put(made, sib, 1);
    if (from_rip)
        sum += (uint64_t)code + made->length + 4 + behind;
    if (displacement_size == 1)
        displacement = (uint64_t)(int64_t)(int8_t)below(256);
    else if (displacement_size == 4)
        displacement = (uint64_t)(int64_t)(int32_t)(target - sum);
    put(made, displacement, displacement_size);
    sum += displacement;
    if (truncated(made, sum) == target)
        return true;
    /* Otherwise the base, if that is not the index too. */
    if (!has_base || base == index)
        return false;
    set_address(made, base, native_in.general[base] + (target - sum));
    return true;
}

/* The register that numbers a bit stays near; what lies above the operand's size is not looked at. */
static void limit_bit(const struct made *made, unsigned reg)
{
    uint64_t number = (uint64_t)(int64_t)((int)below(4000) - 2000);
    unsigned bits = 8 * operand_size(made);

    if (bits < 64)
        number = (number & ((UINT64_C(1) << bits) - 1)) | random_next() << bits;
    native_in.general[reg] = number;
}

bool make(struct made *made)
{
    uint64_t target = (uint64_t)buffer + BUFFER_SIZE / 2 + 8 * below(64);
    unsigned immediate, size, modrm_at;

    *made = (struct made){.pattern = &patterns[below(PATTERNS)]};
    for (unsigned i = 0; i < 16; i++)
        native_in.general[i] = any_value();
    native_in.rflags =
        0x202 | (random_next() & (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF | RFLAGS_DF));
    put_prefixes(made);
    size = operand_size(made);
    target += below(8) / size * size;
    if (made->gs)
        target -= GS_BASE;
    memcpy(made->bytes + made->length, made->pattern->bytes, made->pattern->count);
    made->length += made->pattern->count;
    modrm_at = made->length;
    immediate = made->pattern->shape == SHAPE_IMM8 ? 1 : made->pattern->shape == SHAPE_IMM ? (size < 4 ? size : 4) : 0;
    switch (made->pattern->shape) {
    case SHAPE_STRING: /* gs does not count for what is written, but for what is read */
        set_address(made, 7, target + (made->gs ? GS_BASE : 0));
        set_address(made, 6, target + 8 * below(200));
        set_address(made, 1, below(4));
        break;
    case SHAPE_ABSOLUTE:
        put(made, target, made->address_size ? 4 : 8);
        break;
    default:
        if (!put_memory(made, target, immediate))
            return false;
        break;
    }
    if (made->pattern->shape == SHAPE_BIT_REG) {
        unsigned reg = (made->bytes[modrm_at] >> 3 & 7) | (made->rex & 4) << 1;

        limit_bit(made, reg);
    }
    put(made, any_value(), immediate);
    return true;
}
