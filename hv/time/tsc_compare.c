/* SPDX-License-Identifier: MIT */
/* Turns are numbered: even ones are the first's, odd ones the other's. */
#include <stdbool.h>

#include <abi/errno.h>
#include <hv/base/asm.h>
#include <hv/time/time.h>
#include <hv/time/tsc_compare.h>

#define TURNS     16u
#define ABANDONED UINT32_MAX

static struct {
    uint32_t turn;      /* whoever's it is writes the rest */
    uint64_t last, off; /* the last reading; the most that one was too early */
} compared;

void tsc_compare_begin(void)
{
    compared.last = compared.off = 0;
    __atomic_store_n(&compared.turn, 0, __ATOMIC_RELEASE);
}

static uint32_t turn_now(void)
{
    return __atomic_load_n(&compared.turn, __ATOMIC_ACQUIRE);
}

/* rdtsc may be carried out before what stands in front of it: Intel SDM volume 2. */
static void take_turn(uint32_t turn)
{
    uint64_t tsc;

    __asm__ volatile("lfence" : : : "memory");
    tsc = asm_read_tsc();
    if (tsc < compared.last && compared.last - tsc > compared.off)
        compared.off = compared.last - tsc;
    compared.last = tsc;
    __atomic_store_n(&compared.turn, turn + 1, __ATOMIC_RELEASE);
}

int tsc_compare_first(uint64_t ns, uint64_t *off)
{
    uint64_t begin = time_now();

    for (uint32_t turn = 0; turn < TURNS; turn += 2) {
        take_turn(turn);
        while (turn_now() == turn + 1) {
            if (time_now() - begin >= ns) {
                __atomic_store_n(&compared.turn, ABANDONED, __ATOMIC_RELEASE);
                return -XEN_EBUSY;
            }
            __asm__ volatile("pause");
        }
    }
    *off = compared.off;
    return 0;
}

void tsc_compare_other(void)
{
    for (uint32_t turn = 1; turn < TURNS; turn += 2) {
        while (turn_now() < turn)
            __asm__ volatile("pause");
        if (turn_now() == ABANDONED)
            return;
        take_turn(turn);
    }
}
