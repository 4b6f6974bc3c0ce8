/* SPDX-License-Identifier: MIT */
/*
 * The back end domain: it has the machine's devices and serves the other domains of the run.
 *
 * Everything is done by one loop, in turns.  Event handlers do nothing but note what happened.  In a turn each part
 * does a bounded amount of work and says by work_again() if there is more; when there is none, and no event has come
 * since the turn began, the domain sleeps until the next one.
 */
#include <guest/errno.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/print.h>
#include <backend/blkback.h>
#include <backend/disk.h>
#include <backend/netback.h>
#include <backend/nic.h>
#include <backend/ninepfs.h>
#include <backend/packet.h>
#include <backend/share.h>
#include <backend/uplink.h>
#include <backend/work.h>
#include <backend/xenbus.h>

/*
 * One turn of everything there is.  What the disks have finished comes first, so that it is answered in this turn.
 * What the devices were given in the turn they are told last.
 */
static void turn(void)
{
    disk_poll();
    xenbus_turn();
    uplink_turn();
    disk_kick();
    share_poll();
}

/* No event can come unseen between the look and the sleep: SCHEDOP_block lets them in and sleeps in one step. */
static void sleep_unless_new(uint64_t upcalls_seen)
{
    event_disable();
    if (event_upcalls == upcalls_seen && !work_take())
        event_wait();
    else
        event_enable();
}

static void must(int error, const char *what)
{
    if (error)
        guest_panic("%s: %s", what, errno_name(error));
}

void guest_main(void)
{
    packet_init();
    event_enable();
    disk_init();
    nic_init();
    share_init();
    blkback_init();
    netback_init();
    ninepfs_init();
    must(xenbus_init(), "the xenstore");
    print("backend: ready\n");
    for (;;) {
        uint64_t upcalls_seen = event_upcalls;

        turn();
        sleep_unless_new(upcalls_seen);
    }
}
