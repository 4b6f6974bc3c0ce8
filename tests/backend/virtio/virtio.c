/* SPDX-License-Identifier: MIT */
/* A kernel of the back end's drivers and a test in the place of its loop. */
#include <guest/event.h>
#include <guests/tests/lib/test.h>
#include <tests/backend/virtio/virtio.h>

void test_main(void)
{
    event_enable();
    test_disks();
    test_cards();
    test_shares();
}
