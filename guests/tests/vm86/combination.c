/* SPDX-License-Identifier: MIT */
/* The tables that are combined, and the flags of each combination. */
#include <guests/tests/vm86/combination.h>

const struct origin origins[NR_ORIGINS] = {
    {"64-bit program", FLAT_USER_CS64},
    {"32-bit program", FLAT_USER_CS32},
    {"64-bit kernel", FLAT_KERNEL_CS64 & ~3},
    {"32-bit kernel", FLAT_KERNEL_CS32 & ~3},
};

/* Ordinary ones, also of privilege 0 by their number, the hypervisor's own, the guest's own, none at all. */
const uint16_t segments[NR_SEGMENTS] = {0x1000, 0x1001, 0x1003, 0xe008, 0xe010, 0xe030, 0xe033, 0};

/* What goes into ds, es, fs and gs. */
const uint16_t data_segments[NR_DATA_SEGMENTS] = {0, 0x1234, 0xe008, 0xe02b, 0xffff};

const struct code codes[NR_CODES] = {
    {"syscall", {0x0f, 0x05}, TRAPS, false},
    {"ud2", {0x0f, 0x0b}, TRAPS, false},
    {"jmp $", {0xeb, 0xfe}, LOOPS, false},
    {"sysenter", {0x0f, 0x34}, SYSENTER, false},
    {"hlt", {0xf4, 0x0f, 0x0b}, TRAPS, false},
    {"int3", {0xcc, 0x0f, 0x0b}, TRAPS, false},
    {"int 0x80", {0xcd, 0x80, 0x0f, 0x0b}, TRAPS, false},
    {"iret", {0xcf, 0x0f, 0x0b}, TRAPS, false},
    {"mov ss; syscall", {0x8e, 0xd0, 0x0f, 0x05}, TRAPS, true},
    {"mov ss; int 0x80", {0x8e, 0xd0, 0xcd, 0x80, 0x0f, 0x0b}, TRAPS, true},
    {"cli; syscall", {0xfa, 0x0f, 0x05}, TRAPS, true},
    {"popf; syscall", {0x9d, 0x0f, 0x05}, TRAPS, true},
    {"pushf; popf; int3", {0x9c, 0x9d, 0xcc, 0x0f, 0x0b}, TRAPS, true},
    {"into", {0xce, 0x0f, 0x0b}, TRAPS, true},
    {"int 0x82", {0xcd, 0x82, 0x0f, 0x0b}, TRAPS, true},
    {"int 13", {0xcd, 13, 0x0f, 0x0b}, TRAPS, true},
    {"iretl", {0x66, 0xcf, 0x0f, 0x0b}, TRAPS, true},
    {"far return", {0xcb, 0x0f, 0x0b}, TRAPS, true},
    {"sysret", {0x0f, 0x07, 0x0f, 0x0b}, TRAPS, true},
    {"out 0xf4", {0xe6, 0xf4, 0x0f, 0x0b}, TRAPS, true},
    {"outl 0xf4", {0x66, 0xe7, 0xf4, 0x0f, 0x0b}, TRAPS, true},
    {"in 0xf4", {0xe4, 0xf4, 0x0f, 0x0b}, TRAPS, true},
    {"out com1", {0xba, 0xf8, 0x03, 0xee, 0x0f, 0x0b}, TRAPS, true},
    {"out com2", {0xba, 0xf8, 0x02, 0xee, 0x0f, 0x0b}, TRAPS, true},
    {"outs com2", {0xba, 0xf8, 0x02, 0x6e, 0x0f, 0x0b}, TRAPS, true},
    {"in com1", {0xba, 0xfd, 0x03, 0xec, 0x0f, 0x0b}, TRAPS, true},
};

static const uint64_t flag_bits[NR_FLAG_BITS] = {RFLAGS_IF, FLAG_IOPL, RFLAGS_TF, FLAG_NT,  FLAG_VIF,
                                                 FLAG_VIP,  RFLAGS_AC, FLAG_ID,   RFLAGS_DF};

uint64_t flags_of(unsigned number)
{
    uint64_t flags = 0;

    for (unsigned i = 0; i < NR_FLAG_BITS; i++) {
        if (number >> i & 1)
            flags |= flag_bits[i];
    }
    return flags;
}
