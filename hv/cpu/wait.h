/* SPDX-License-Identifier: MIT */
/*
 * Waiting for another processor, with interrupts off: for a lock, for answers.  Who waits spins for a moment, and halts
 * then.  Where processors are virtual, whoever it waits for may be one that waits for this one's place on a real one,
 * and would get nowhere while this one spins.  So each processor's patience follows what it meets: after a wait that it
 * was not enough for it is half of what it was, however soon the halt ended then, and after another one all there is.
 * Halting makes waits longer, so that every eighth has all of it, to see.
 *
 * Who waits, or holds a lock, need not be kicked to look at what others ask of it, unless it has halted: it looks while
 * it waits, and once it has dropped the last lock.  A kick would come when it is back in its guest, for nothing.
 *
 * Who halts has said so before it looks a last time at what it waits for; who changes that looks afterwards whether
 * somebody has, and kicks.  Both do it by locked instructions, so that one of the two sees the other; a kick that comes
 * before the halt ends it at once.  The same is so of who ends a wait or drops a lock, before it looks, and who asks.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hv/base/asm.h>
#include <hv/cpu/cpu.h>

/* Ticks of the TSC, some 100 microseconds: to halt and be woken costs a virtual processor that much. */
#define WAIT_PATIENCE_MOST (UINT64_C(1) << 18)
#define WAIT_TRIAL         16u /* in numbers of waits, of which each has two */

#define WAIT_LOOKS 100u /* at what is waited for, and for what others ask, between two at the clock */

/* A wait begins.  Waits do not nest. */
static inline void wait_begin(struct cpu *here)
{
    here->wait_began = asm_read_tsc();
    __atomic_store_n(&here->waits, here->waits + 1, __ATOMIC_RELEASE);
}

/* So many ticks does this wait last without a halt. */
static inline uint64_t wait_limit(const struct cpu *here)
{
    return here->waits % WAIT_TRIAL == 1 ? WAIT_PATIENCE_MOST : here->wait_patience;
}

/* Has this processor, which waits, spun for long enough? */
static inline bool wait_is_long(const struct cpu *here)
{
    return asm_read_tsc() - here->wait_began >= wait_limit(here);
}

/* It ends, and counts for @sum. */
static inline void wait_end(struct cpu *here, struct wait_sum *sum)
{
    uint64_t ticks = asm_read_tsc() - here->wait_began;
    bool was_long = ticks >= wait_limit(here);

    sum->count++;
    sum->ticks += ticks;
    sum->halts += was_long;
    sum->halts_ticks += was_long ? ticks : 0;
    here->wait_patience = was_long ? here->wait_patience / 2 : WAIT_PATIENCE_MOST;
    __atomic_store_n(&here->waits, here->waits + 1, __ATOMIC_SEQ_CST);
    here->nmi_ticks = 0; /* it gets on */
}

/*
 * Between two looks.  A pause would do, but QEMU's TCG takes it for a reason to leave the guest's code, and has a lock
 * for the whole machine to take on the way, which whoever is waited for may need.
 */
static inline void wait_look(void)
{
    __asm__ volatile("lfence" : : : "memory");
}

/* Does @cpu wait?  The number of a wait, which no other one has. */
static inline bool wait_is_one(uint32_t waits)
{
    return waits & 1;
}

/*
 * Something has been asked of @cpu, another one.  Will it look by itself?  Otherwise it has to be kicked.  The mark
 * comes first: who has seen that it waits or holds a lock knows that it looks for the mark later.
 */
static inline bool wait_looks(struct cpu *cpu)
{
    __atomic_store_n(&cpu->is_asked, true, __ATOMIC_SEQ_CST);
    return !__atomic_load_n(&cpu->rests, __ATOMIC_SEQ_CST) &&
           (__atomic_load_n(&cpu->innermost, __ATOMIC_SEQ_CST) ||
            wait_is_one(__atomic_load_n(&cpu->waits, __ATOMIC_SEQ_CST)));
}

/* Has anything been asked of this processor since it looked last? */
static inline bool wait_is_asked(const struct cpu *here)
{
    return __atomic_load_n(&here->is_asked, __ATOMIC_SEQ_CST);
}

/*
 * Halt until this processor is kicked, or something else has woken it.  Kicks are answered (hv/domain/request.h); other
 * interrupts stay away, since who waits may hold locks.
 */
void wait_halted(void);

#pragma GCC visibility push(hidden)
extern const uint8_t wait_hlt[]; /* the instruction that halts there */
#pragma GCC visibility pop

/*
 * What has interrupted the hypervisor goes back to @rip next, or to what this returns.  An NMI may come between sti and
 * hlt, and a kick that waits is taken as it ends: before the halt, which would wait for another one.
 */
static inline uint64_t wait_passes_halt(uint64_t rip)
{
    return rip == (uint64_t)wait_hlt ? rip + 1 : rip;
}
