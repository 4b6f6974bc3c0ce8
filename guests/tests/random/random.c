/* SPDX-License-Identifier: MIT */
/*
 * Random bytes run as the kernel's code, for some seconds.  Any end is right for the domain: it may crash, shut itself
 * down or last to the end; what must stand is the hypervisor, which the run's exit code tells.
 *
 * "seed=" repeats a run, "seconds=" is how long (2).
 */
#include <guest/guest.h>
#include <guest/memory.h>
#include <guest/time.h>
#include <guest/trap.h>
#include <guests/tests/lib/test.h>

static uint64_t state;

static uint64_t random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void jump(void *code)
{
    ((void (*)(void))code)();
}

void test_main(void)
{
    uint64_t seconds = guest_option("seconds", 2), end;
    uint64_t *code = pages_alloc(4);
    uint64_t rounds = 0, kinds[32] = {0};

    state = guest_option("seed", 1);
    test_note("seed=0x%lx seconds=%lu", state, seconds);
    end = time_now() + seconds * 1000000000;
    while (time_now() < end) {
        struct fault fault;

        for (unsigned i = 0; i < 4 * PAGE_SIZE / 8; i++) {
            code[i] = random();
        }
        (void)trap_try(jump, code + random() % 1024, &fault);
        kinds[fault.vector % 32]++;
        rounds++;
    }
    test_note("%lu rounds; #UD %lu #GP %lu #PF %lu", rounds, kinds[TRAP_UD], kinds[TRAP_GP], kinds[TRAP_PF]);
    test_ok("lasted to the end");
}
