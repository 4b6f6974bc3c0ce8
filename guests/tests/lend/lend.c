/* SPDX-License-Identifier: MIT */
/* What both sides need, and who is who: guests/tests/lend/lend.h. */
#include <guest/grant.h>
#include <guest/guest.h>
#include <guest/table.h>
#include <guest/time.h>
#include <guests/tests/lend/lend.h>
#include <guests/tests/lib/test.h>

#define WINDOW     UINT64_C(0x30000000)
#define MS         UINT64_C(1000000)
#define WAITS_MOST 20000u

uint64_t window(unsigned index)
{
    return WINDOW + (uint64_t)index * PAGE_SIZE;
}

bool wait_a_little(unsigned *times)
{
    time_sleep(MS);
    return ++*times < WAITS_MOST;
}

int16_t map_grant(unsigned domain, grant_ref_t ref, uint64_t at, uint32_t flags, grant_handle_t *handle)
{
    struct gnttab_map_grant_ref map = {.host_addr = at, .flags = flags, .ref = ref, .dom = (uint16_t)domain};

    grant_map(&map, 1);
    if (map.status == GNTST_okay && handle)
        *handle = map.handle;
    return map.status;
}

int16_t unmap_grant(grant_handle_t handle, uint64_t at)
{
    struct gnttab_unmap_grant_ref unmap = {.host_addr = at, .handle = handle};

    grant_unmap(&unmap, 1);
    return unmap.status;
}

int16_t copy_grant(struct gnttab_copy *copy)
{
    grant_copy(copy, 1);
    return copy->status;
}

void test_main(void)
{
    unsigned peer = (unsigned)guest_option("peer", 0), end = (unsigned)guest_option("end", 0);

    test_need(timer_init(event_only_wakes), "VIRQ_TIMER");
    event_enable();
    test_need(table_make(window(0)), "tables");
    switch (guest_option("role", 0)) {
    case 1:
        be_lender(peer, end);
        break;
    case 2:
        be_borrower(peer, end, (unsigned)guest_option("orphan", 0));
        break;
    case 3:
        be_thief();
        break;
    default:
        test_skip("it takes another guest: tests/several");
    }
}
