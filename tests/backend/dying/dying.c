/* SPDX-License-Identifier: MIT */
/*
 * A fault for the back end domain: linked with it, by ld's --wrap, it ends the domain with a request under way: as soon
 * as the disks have been given "die=N" requests; or at a guest's word, a write to a disk of DIE_SECTORS that begins at
 *
 *   DIE_NOW     then, and in each life anew, since the write is not answered
 *   DIE_SOON    when they have been given DIE_AFTER more
 */
#include <guest/guest.h>
#include <backend/disk.h>

#define DIE_SECTORS 131072u
#define DIE_NOW     4240u
#define DIE_SOON    8480u
#define DIE_AFTER   100u

int __real_disk_submit(struct disk *disk, struct disk_request *request);
int __wrap_disk_submit(struct disk *disk, struct disk_request *request);
void __real_disk_kick(void);
void __wrap_disk_kick(void);

static uint64_t given, end = UINT64_MAX;

static bool is_word(const struct disk *disk, const struct disk_request *request, uint64_t sector)
{
    return disk->nr_sectors == DIE_SECTORS && request->operation == DISK_WRITE && request->sector == sector;
}

int __wrap_disk_submit(struct disk *disk, struct disk_request *request)
{
    int error = __real_disk_submit(disk, request);

    given += !error;
    if (!error && is_word(disk, request, DIE_NOW))
        end = given;
    if (!error && is_word(disk, request, DIE_SOON))
        end = given + DIE_AFTER;
    return error;
}

void __wrap_disk_kick(void)
{
    __real_disk_kick();
    if (given >= guest_option("die", UINT64_MAX) || given >= end)
        guest_panic("a planted fault, with a request under way");
}
