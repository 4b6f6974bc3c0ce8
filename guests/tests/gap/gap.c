/* SPDX-License-Identifier: MIT */
/*
 * For how long others keep a guest from the processor, at the most, until the machine's fourth second.
 *
 *   spin=1     it wants all of it
 *   spin=0     it sleeps for a millisecond again and again, and is late
 *
 * In one bundle with a guest that reboots all the time, tests/several sees that neither the release of that one nor its
 * building is felt.  The limits: whoever uses the processor waits for a turn of 10 ms, for as much that another has not
 * used before, and for the hypervisor's 1 ms; whoever sleeps, for what of that work is not cut into turns.
 */
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/time.h>
#include <guests/tests/lib/test.h>

#define US      UINT64_C(1000)
#define MS      (1000 * US)
#define END     (4000 * MS)
#define LONGEST (21 * MS)
#define LATEST  (3 * MS)

static uint64_t gap_spinning(void)
{
    uint64_t longest = 0, last = time_now(), now;

    for (; last < END; last = now) {
        now = time_now();
        if (now - last > longest)
            longest = now - last;
    }
    return longest;
}

static uint64_t gap_sleeping(void)
{
    uint64_t longest = 0;

    for (uint64_t at = time_now() + MS; at < END; at = time_now() + MS) {
        uint64_t late = time_sleep_until(at);

        if (late > longest)
            longest = late;
    }
    return longest;
}

void test_main(void)
{
    bool spins = guest_option("spin", 0);
    uint64_t limit = spins ? LONGEST : LATEST, gap;

    test_need(timer_init(event_only_wakes), "VIRQ_TIMER");
    event_enable();
    gap = spins ? gap_spinning() : gap_sleeping();
    test_note("longest gap: %" PRIu64 " us", gap / US);
    test_check(gap <= limit, "no longer than a turn", "%" PRIu64 " us instead of %" PRIu64, gap / US, limit / US);
}
