/* SPDX-License-Identifier: MIT */
/*
 * A fault for the back end domain: linked with it, by ld's --wrap, it ends the domain with requests under way, each
 * time that another "die=N" milliseconds of the machine's time are over, up to "until=N".
 */
#include <guest/guest.h>
#include <guest/time.h>
#include <backend/disk.h>

#define MS UINT64_C(1000000)

int __real_disk_submit(struct disk *disk, struct disk_request *request);
int __wrap_disk_submit(struct disk *disk, struct disk_request *request);
void __real_disk_poll(void);
void __wrap_disk_poll(void);

static bool under_way; /* something that the device has not been told of yet */

int __wrap_disk_submit(struct disk *disk, struct disk_request *request)
{
    int error = __real_disk_submit(disk, request);

    under_way = under_way || !error;
    return error;
}

/* The first of those times behind the start, 0 for none. */
static uint64_t time_of_death(void)
{
    static uint64_t death;
    uint64_t period = guest_option("die", 0) * MS;

    if (!death && period)
        death = (time_now() / period + 1) * period;
    return death <= guest_option("until", 0) * MS ? death : 0;
}

void __wrap_disk_poll(void)
{
    __real_disk_poll();
    if (under_way && time_of_death() && time_now() >= time_of_death())
        guest_panic("a planted fault, with a request under way");
    under_way = false;
}
