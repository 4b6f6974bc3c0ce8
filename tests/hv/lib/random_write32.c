/* SPDX-License-Identifier: MIT */
/* Code of 16 and 32 bits: random_write32.h.  In order: prefixes; the memory operand; segments; the whole. */
#include <string.h>

#include <hv/cpu/trap.h>
#include <tests/hv/lib/random_write32.h>

#define CODE UINT64_C(0x008ffb000000ffff) /* of ring 3, with a limit of 4 GiB */
#define DATA UINT64_C(0x00cff3000000ffff)
#define BIG  (UINT64_C(1) << 54)

#define EAX 0u
#define ECX 1u
#define EDX 2u
#define EBX 3u
#define ESP 4u
#define EBP 5u
#define ESI 6u
#define EDI 7u

static void put(struct made32 *made, uint64_t value, unsigned count)
{
    memcpy(made->bytes + made->length, &value, count);
    made->length += count;
}

static uint32_t get(unsigned number)
{
    return native32_in.general[number];
}

static uint32_t address_with(struct made32 *made, unsigned number)
{
    made->addresses |= 1u << number;
    return get(number);
}

static bool is_movnti(const struct made32 *made)
{
    return made->pattern->bytes[1] == 0xc3;
}

static bool is_cmpxchg8b(const struct made32 *made)
{
    return made->pattern->bytes[1] == 0xc7;
}

unsigned operand_bytes32(const struct made32 *made)
{
    if (made->pattern->byte_size)
        return 1;
    if (is_cmpxchg8b(made))
        return 8;
    return is_movnti(made) || made->code_is_32 != made->operand_size ? 4 : 2;
}

unsigned address_bytes32(const struct made32 *made)
{
    return made->code_is_32 != made->address_size ? 4 : 2;
}

static void put_override(struct made32 *made)
{
    static const struct {
        uint8_t prefix, entry;
    } overrides[] = {{0x26, LDT_ES}, {0x36, LDT_SS}, {0x3e, LDT_DS}, {0x65, LDT_GS}};
    unsigned choice = below(4);

    made->overridden = true;
    made->segment = made->source = overrides[choice].entry;
    put(made, overrides[choice].prefix, 1);
}

static void put_prefixes(struct made32 *made)
{
    bool repeat = below(3) == 0 && !is_movnti(made);

    for (unsigned i = below(4); i > 0; i--) {
        switch (below(3)) {
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
            put_override(made);
            break;
        }
    }
    if (made->pattern->lock && below(2))
        put(made, 0xf0, 1);
    if (repeat)
        put(made, below(2) ? 0xf2 : 0xf3, 1);
}

/*
 * ---- The memory operand: what it says at random is where it is.
 */

/* Intel SDM volume 2, table 2-1. */
static uint32_t put_memory_16(struct made32 *made, unsigned mod, unsigned rm)
{
    static const struct {
        uint8_t base, index; /* ESP: none */
    } forms[] = {{EBX, ESI}, {EBX, EDI}, {EBP, ESI}, {EBP, EDI}, {ESI, ESP}, {EDI, ESP}, {EBP, ESP}, {EBX, ESP}};
    uint32_t displacement = (uint32_t)random_next(), offset;

    if (mod == 0 && rm == 6) {
        put(made, displacement, 2);
        return displacement & 0xffff;
    }
    offset = address_with(made, forms[rm].base);
    if (forms[rm].index != ESP)
        offset += address_with(made, forms[rm].index);
    if (!made->overridden && forms[rm].base == EBP)
        made->segment = LDT_SS;
    if (mod == 1)
        displacement = (uint32_t)(int8_t)displacement;
    put(made, displacement, mod);
    return (offset + (mod ? displacement : 0)) & 0xffff;
}

/* Tables 2-2 and 2-3. */
static uint32_t put_memory_32(struct made32 *made, unsigned mod, unsigned rm)
{
    unsigned sib = below(256), base = rm == ESP ? sib & 7 : rm, size = mod == 1 ? 1 : mod == 2 ? 4 : 0;
    uint32_t displacement = (uint32_t)random_next(), offset = 0;

    if (rm == ESP) {
        put(made, sib, 1);
        if ((sib >> 3 & 7) != ESP)
            offset += address_with(made, sib >> 3 & 7) << (sib >> 6);
    }
    if (base == EBP && mod == 0) {
        size = 4;
    } else {
        offset += address_with(made, base);
        if (!made->overridden && (base == EBP || base == ESP))
            made->segment = LDT_SS;
    }
    if (size == 1)
        displacement = (uint32_t)(int8_t)displacement;
    put(made, displacement, size);
    return size ? offset + displacement : offset;
}

/* The register that numbers a bit stays near; what lies above the operand's size is not looked at. */
static void limit_bit(const struct made32 *made, unsigned reg)
{
    uint32_t number = (uint32_t)((int)below(4000) - 2000);

    if (operand_bytes32(made) == 2)
        number = (number & 0xffff) | (uint32_t)random_next() << 16;
    native32_in.general[reg] = number;
}

static uint32_t put_modrm(struct made32 *made)
{
    unsigned mod = below(3), reg = made->pattern->reg >= 0 ? (unsigned)made->pattern->reg : below(8), rm = below(8);

    if (made->pattern->shape == SHAPE_BIT_REG)
        limit_bit(made, reg);
    put(made, mod << 6 | reg << 3 | rm, 1);
    return address_bytes32(made) == 2 ? put_memory_16(made, mod, rm) : put_memory_32(made, mod, rm);
}

/* The destination's offset; a few elements of either are to stay within 16 bits. */
static uint32_t put_string(struct made32 *made)
{
    uint32_t count = below(4);

    made->segment = LDT_ES; /* whatever a prefix says */
    native32_in.general[ECX] = address_bytes32(made) == 2 ? count | (uint32_t)random_next() << 16 : count;
    native32_in.general[EDI] = (get(EDI) & 0xffff0000) | (0x1000 + below(0xe000));
    native32_in.general[ESI] = (get(ESI) & 0xffff0000) | (0x1000 + below(0xe000));
    if (made->source == LDT_ES)
        native32_in.general[ESI] = get(EDI) + below(200);
    return address_bytes32(made) == 2 ? get(EDI) & 0xffff : get(EDI);
}

static uint32_t put_operand(struct made32 *made)
{
    uint32_t offset = (uint32_t)random_next();

    switch (made->pattern->shape) {
    case SHAPE_STRING:
        return put_string(made);
    case SHAPE_ABSOLUTE:
        if (address_bytes32(made) == 2)
            offset &= 0xffff;
        put(made, offset, address_bytes32(made));
        return offset;
    default:
        return put_modrm(made);
    }
}

/* All of it, and what a bit may reach, on one side of where offsets wrap. */
static bool is_within(const struct made32 *made, uint32_t offset)
{
    uint32_t end = address_bytes32(made) == 2 ? 0xffff : 0xffffffff;

    return offset >= 0x200 && offset <= end - 0x200;
}

/*
 * ---- Segments.
 */

static uint64_t with_base(uint64_t descriptor, uint32_t base)
{
    return descriptor | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)(base >> 24) << 56;
}

static void set(struct made32 *made, unsigned entry, uint64_t descriptor)
{
    made->ldt[entry] = descriptor;
    native32_set_descriptor(entry, descriptor);
}

/* The destination at its offset leads to @target, the source of movs near it. */
static void set_segments(struct made32 *made, uint32_t offset, uint32_t target)
{
    uint32_t eip = below(2) ? 0 : (uint32_t)random_next() & 0x7fff, esi = get(ESI);

    if (address_bytes32(made) == 2)
        esi &= 0xffff;
    for (unsigned entry = LDT_DS; entry < LDT_ENTRIES; entry++)
        made->ldt[entry] = with_base(DATA, (uint32_t)random_next());
    made->ldt[made->source] = with_base(DATA, target + 8 * below(200) - esi);
    made->ldt[made->segment] = with_base(DATA, target - offset);
    for (unsigned entry = LDT_DS; entry < LDT_ENTRIES; entry++)
        set(made, entry, made->ldt[entry]);
    set(made, LDT_CS, with_base(CODE | (made->code_is_32 ? BIG : 0), (uint32_t)(uintptr_t)native32_code - eip));
    native32_in.eip = eip;
    native32_in.cs = NATIVE32_SELECTOR(LDT_CS);
    native32_in.ds = NATIVE32_SELECTOR(LDT_DS);
    native32_in.es = NATIVE32_SELECTOR(LDT_ES);
    native32_in.ss = NATIVE32_SELECTOR(LDT_SS);
    native32_in.gs = NATIVE32_SELECTOR(LDT_GS);
}

/*
 * ---- The whole.
 */

bool make32(struct made32 *made)
{
    uint32_t target = (uint32_t)(uintptr_t)native32_memory + NATIVE32_BYTES / 2 + 8 * below(64), offset;
    unsigned size, immediate;

    *made = (struct made32){.pattern = &patterns[below(PATTERNS)], .segment = LDT_DS, .source = LDT_DS};
    made->code_is_32 = below(2);
    for (unsigned i = 0; i < 8; i++)
        native32_in.general[i] = (uint32_t)any_value();
    native32_in.eflags = (uint32_t)(0x202 | (random_next() & (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF |
                                                              RFLAGS_SF | RFLAGS_OF | RFLAGS_DF)));
    put_prefixes(made);
    size = operand_bytes32(made);
    target += below(8) / size * size;
    for (unsigned i = 0; i < made->pattern->count; i++)
        put(made, made->pattern->bytes[i], 1);
    offset = put_operand(made);
    immediate = made->pattern->shape == SHAPE_IMM8 ? 1 : made->pattern->shape == SHAPE_IMM ? size : 0;
    put(made, any_value(), immediate);
    if (!is_within(made, offset))
        return false;
    set_segments(made, offset, target);
    return true;
}
