/* SPDX-License-Identifier: MIT */
/*
 * Waiting for another processor, with interrupts off: for a lock, for answers.  Who waits spins for about as long as it
 * takes to halt and be woken, and halts then.  Where processors are virtual, whoever it waits for may be one that waits
 * for this one's place on a real one, and would get nowhere while this one spins.
 *
 * Who halts has said so before it looks a last time at what it waits for; who changes that looks afterwards whether
 * somebody has, and kicks.  Both do it by locked instructions, so that one of the two sees the other; a kick that comes
 * before the halt ends it at once.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hv/base/asm.h>
#include <hv/cpu/cpu.h>

#define WAIT_SPIN_TICKS (UINT64_C(1) << 16) /* of the TSC, some 30 microseconds: halting and waking costs as much */

/* A wait begins; it ends.  Waits do not nest.  wait_begin() returns when, in ticks of the TSC. */
static inline uint64_t wait_begin(struct cpu *here)
{
    here->wait_began = asm_read_tsc();
    __atomic_store_n(&here->waits, here->waits + 1, __ATOMIC_RELEASE);
    return here->wait_began;
}

static inline void wait_end(struct cpu *here)
{
    __atomic_store_n(&here->waits, here->waits + 1, __ATOMIC_RELEASE);
    here->nmi_ticks = 0; /* it gets on */
}

/* Does @cpu wait?  The number of a wait, which no other one has. */
static inline bool wait_is_one(uint32_t waits)
{
    return waits & 1;
}

/* Has one that began at @began spun for long enough? */
static inline bool wait_is_long(uint64_t began)
{
    return asm_read_tsc() - began >= WAIT_SPIN_TICKS;
}

/*
 * Halt until this processor is kicked, or something else has woken it.  Kicks are answered (hv/domain/request.h); other
 * interrupts stay away, since who waits may hold locks.
 */
void wait_halted(void);
