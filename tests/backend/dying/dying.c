/* SPDX-License-Identifier: MIT */
/*
 * A fault for the back end domain: linked with it, by ld's --wrap, it ends the domain as soon as the disks have been
 * given "die=N" requests, the last of which is under way then.
 */
#include <guest/guest.h>
#include <backend/disk.h>

int __real_disk_submit(struct disk *disk, struct disk_request *request);
int __wrap_disk_submit(struct disk *disk, struct disk_request *request);
void __real_disk_poll(void);
void __wrap_disk_poll(void);

static uint64_t given;

int __wrap_disk_submit(struct disk *disk, struct disk_request *request)
{
    int error = __real_disk_submit(disk, request);

    given += !error;
    return error;
}

void __wrap_disk_poll(void)
{
    __real_disk_poll();
    if (given >= guest_option("die", UINT64_MAX))
        guest_panic("a planted fault, with a request under way");
}
