/* SPDX-License-Identifier: MIT */
/* The combinations of the test, and what the kernel finds after each. */
#pragma once

#include <abi/segment.h>
#include <guest/trap.h>
#include <guest/types.h>

#define FLAG_ONE  UINT64_C(0x00002)
#define FLAG_IOPL UINT64_C(0x03000)
#define FLAG_NT   UINT64_C(0x04000)
#define FLAG_VM   UINT64_C(0x20000)
#define FLAG_VIF  UINT64_C(0x80000)
#define FLAG_VIP  UINT64_C(0x100000)
#define FLAG_ID   UINT64_C(0x200000)

#define GS_WORD UINT64_C(0x5e9e5e9e)

struct origin {
    const char *name;
    uint16_t cs; /* privilege 0: kernel mode */
};

enum ending {
    TRAPS,
    LOOPS,    /* until an interrupt, or with IF clear an NMI */
    SYSENTER, /* keeps neither flags nor place, so that nobody can tell whence it came; or an interrupt was first */
};

struct code {
    const char *name;
    uint8_t bytes[6];
    enum ending ending;
    bool brief; /* with few flags */
};

#define NR_ORIGINS       4u
#define NR_SEGMENTS      8u
#define NR_DATA_SEGMENTS 5u
#define NR_CODES         26u
#define NR_FLAG_BITS     9u

#define NR_FLAGS       (1u << NR_FLAG_BITS)
#define NR_FLAGS_BRIEF 8u /* IF, IOPL, TF */

extern const struct origin origins[NR_ORIGINS];
extern const struct code codes[NR_CODES];
extern const uint16_t segments[NR_SEGMENTS], data_segments[NR_DATA_SEGMENTS];

struct combination {
    unsigned origin, segment, code;
    uint64_t flags;
    uint16_t data;
    bool is_masked; /* events */
};

static inline bool is_kernel(const struct combination *it)
{
    return !(origins[it->origin].cs & 3);
}

static inline bool is_sysenter(const struct combination *it)
{
    return codes[it->code].ending == SYSENTER;
}

/* The flags that a number stands for: from 0 to NR_FLAGS - 1; below NR_FLAGS_BRIEF those that matter most. */
uint64_t flags_of(unsigned number);

/* What the kernel found when it was entered. */
struct found {
    uint64_t rflags, gs_word;
    uint16_t cs, ss, data[4];
    uint8_t exit_port, status_port;
    bool is_on_vm86_stack;
};
extern struct found found;

/* How many have been judged, and how many of these were wrong. */
extern unsigned nr_tried, nr_bad;

/* @regs and @found are what came of @it. */
void judge(const struct combination *it, const struct regs *regs);
