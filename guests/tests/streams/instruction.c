/* SPDX-License-Identifier: MIT */
/* Units of what only ring 0 may do, what the hypervisor carries out, and what loads or looks at a segment. */
#include <guest/string.h>
#include <guests/tests/streams/emit.h>
#include <guests/tests/streams/stream.h>

/* Units without operands, or with those at the stack pointer. */
static const struct {
    uint8_t length, bytes[8];
} lone[] = {
    {2, {0x0f, 0x06}},                            /* clts */
    {1, {0xf4}},                                  /* hlt */
    {1, {0xfa}},                                  /* cli */
    {1, {0xfb}},                                  /* sti */
    {1, {0xfc}},                                  /* cld */
    {1, {0xfd}},                                  /* std */
    {2, {0x0f, 0x08}},                            /* invd */
    {2, {0x0f, 0x09}},                            /* wbinvd */
    {2, {0x0f, 0x0b}},                            /* ud2 */
    {2, {0x0f, 0x31}},                            /* rdtsc */
    {2, {0x0f, 0x33}},                            /* rdpmc */
    {2, {0x0f, 0xa2}},                            /* cpuid */
    {2, {0x0f, 0xaa}},                            /* rsm */
    {2, {0x0f, 0x37}},                            /* getsec */
    {3, {0x0f, 0x01, 0xc1}},                      /* vmcall */
    {3, {0x0f, 0x01, 0xc8}},                      /* monitor */
    {3, {0x0f, 0x01, 0xc9}},                      /* mwait */
    {3, {0x0f, 0x01, 0xca}},                      /* clac */
    {3, {0x0f, 0x01, 0xcb}},                      /* stac */
    {3, {0x0f, 0x01, 0xd0}},                      /* xgetbv */
    {3, {0x0f, 0x01, 0xd1}},                      /* xsetbv */
    {3, {0x0f, 0x01, 0xd8}},                      /* vmrun */
    {3, {0x0f, 0x01, 0xd9}},                      /* vmmcall */
    {3, {0x0f, 0x01, 0xda}},                      /* vmload */
    {3, {0x0f, 0x01, 0xdb}},                      /* vmsave */
    {3, {0x0f, 0x01, 0xdc}},                      /* stgi */
    {3, {0x0f, 0x01, 0xdd}},                      /* clgi */
    {3, {0x0f, 0x01, 0xde}},                      /* skinit */
    {3, {0x0f, 0x01, 0xdf}},                      /* invlpga */
    {3, {0x0f, 0x01, 0xee}},                      /* rdpkru */
    {3, {0x0f, 0x01, 0xf8}},                      /* swapgs */
    {3, {0x0f, 0x01, 0xf9}},                      /* rdtscp */
    {3, {0x0f, 0x00, 0xc0}},                      /* sldt */
    {3, {0x0f, 0x00, 0xc8}},                      /* str */
    {3, {0x0f, 0x01, 0xe0}},                      /* smsw */
    {3, {0x0f, 0x01, 0xf0}},                      /* lmsw */
    {4, {0x0f, 0x01, 0x04, 0x24}},                /* sgdt */
    {4, {0x0f, 0x01, 0x0c, 0x24}},                /* sidt */
    {4, {0x0f, 0x01, 0x14, 0x24}},                /* lgdt */
    {4, {0x0f, 0x01, 0x1c, 0x24}},                /* lidt */
    {4, {0x0f, 0x01, 0x3c, 0x24}},                /* invlpg */
    {4, {0x0f, 0x00, 0x04, 0x24}},                /* sldt */
    {4, {0x0f, 0xae, 0x04, 0x24}},                /* fxsave */
    {4, {0x0f, 0xae, 0x0c, 0x24}},                /* fxrstor */
    {4, {0x0f, 0xae, 0x14, 0x24}},                /* ldmxcsr */
    {4, {0x0f, 0xae, 0x24, 0x24}},                /* xsave */
    {4, {0x0f, 0xae, 0x2c, 0x24}},                /* xrstor */
    {3, {0x62, 0x04, 0x24}},                      /* bound */
    {2, {0xdb, 0xe3}},                            /* fninit */
    {3, {0xd9, 0x2c, 0x24}},                      /* fldcw */
    {1, {0x9b}},                                  /* fwait */
    {7, {0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2}}, /* cpuid by way of the hypervisor */
    {7, {0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0x05}}, /* which knows no other */
    {4, {0xc8, 0x10, 0x00, 0x01}},                /* enter */
    {1, {0xc9}},                                  /* leave */
    {2, {0x63, 0xc0}},                            /* arpl */
};

static void alone(void)
{
    unsigned i = below(ARRAY_SIZE(lone));

    emit_address_size();
    emit_bytes(lone[i].bytes, lone[i].length);
}

static void with_selector(void)
{
    static const uint8_t group6[] = {0xd0, 0xd8, 0xe0, 0xe8}; /* lldt, ltr, verr, verw */

    emit_load(RAX, some_selector());
    switch (below(3)) {
    case 0:
        emit_bytes(one_in(2) ? "\x0f\x02\xd8" : "\x0f\x03\xd8", 3); /* lar, lsl */
        break;
    case 1:
        emit_bytes("\x0f\x00", 2);
        emit(ONE_OF(group6));
        break;
    default:
        emit(0x8e);
        emit(0xc0 | below(6) << 3); /* mov to es, cs, ss, ds, fs, gs */
    }
}

static void far_pointer(void)
{
    static const char *const loads[] = {"\x0f\xb4", "\x0f\xb5", "\xc4", "\xc5"};
    const uint32_t fields[] = {some_place(), some_data_selector()};
    const char *load = ONE_OF(loads);

    emit_stack(fields, 2, 4);
    emit_address_size();
    emit_size(4);
    emit_bytes(load, strlen(load));
    emit_at_stack(RAX);
}

static void port(void)
{
    static const uint16_t ports[] = {0xf4, 0x3f8, 0x3f9, 0x2f8, 0x20, 0x21,  0x40,   0x43, 0x64,
                                     0x70, 0x92,  0xcf8, 0xcf9, 0xe9, 0x604, 0xb004, 0x501};
    uint16_t number = one_in(8) ? (uint16_t)random() : ONE_OF(ports);

    emit_load(RAX, 0x10);
    if (one_in(2)) {
        emit(0xe4 | below(4));
        emit(number & 0xff);
        return;
    }
    emit_load(RDX, number);
    emit_load(RSI, DATA_AT + below(DATA_SIZE));
    emit_load(RDI, DATA_AT + below(DATA_SIZE));
    emit_load(RCX, below(8));
    if (one_in(3))
        emit(0xf3);
    emit((one_in(2) ? 0xec : 0x6c) | below(4));
}

/* To and from control and debug registers. */
static void special_register(void)
{
    emit_load(RAX, (uint32_t)(one_in(2) ? random() : random() & 0xff));
    emit(0x0f);
    emit(0x20 | below(4));
    emit(0xc0 | below(8) << 3);
}

static void model_specific(void)
{
    static const uint32_t registers[] = {0x10,       0x1b,       0x174,      0x175,      0x176,      0x1d9,
                                         0x277,      0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084,
                                         0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103};

    emit_load(RCX, ONE_OF(registers));
    emit_load(RAX, (uint32_t)random());
    emit_load(RDX, one_in(2) ? 0 : (uint32_t)random());
    emit_bytes(one_in(2) ? "\x0f\x30" : "\x0f\x32", 2);
}

static void segment_base(void)
{
    emit_load(RAX, some_place());
    emit(0xf3);
    if (stream.bits == 64 && one_in(2))
        emit(0x48);
    emit_bytes("\x0f\xae", 2);
    emit(0xc0 | below(4) << 3);
}

static void string(void)
{
    static const uint8_t operations[] = {0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf};

    emit_load(RSI, DATA_AT + below(DATA_SIZE - 0x100));
    emit_load(RDI, DATA_AT + below(DATA_SIZE - 0x100));
    emit_load(RCX, below(16));
    emit(one_in(2) ? 0xf3 : 0xf2);
    emit(ONE_OF(operations));
}

/* More than an instruction may have, or nearly. */
static void prefixes(void)
{
    static const uint8_t all[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3};

    for (unsigned count = below(16); count; count--)
        emit(ONE_OF(all));
    alone();
}

const struct weighted instructions[] = {
    {alone, 8},          {with_selector, 5}, {far_pointer, 2}, {port, 2},     {special_register, 3},
    {model_specific, 2}, {segment_base, 1},  {string, 1},      {prefixes, 1}, {NULL, 0},
};
