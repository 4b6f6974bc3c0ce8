/* SPDX-License-Identifier: MIT */
/* A number has the major number of Linux's driver of old, the disk and the partition; or, for many disks, a bit. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cli/disk_name.h>

#define LETTERS       26u
#define MAJOR_SHIFT   8
#define MAJOR_XVD     202u
#define MAJOR_SD      8u
#define MAJOR_HD      3u  /* the first two */
#define MAJOR_HD_NEXT 22u /* two more */
#define EXTENDED      (1u << 28)
#define XVD_DISKS     16u /* that have numbers of the old kind, as have: */
#define XVD_PARTS     16u
#define MANY_DISKS    (1u << 20)
#define MANY_PARTS    256u

/* "a" is 0, "z" 25, "aa" 26.  Returns how many letters there are; 0: none, or too many. */
static size_t read_letters(const char *text, unsigned *disk)
{
    size_t length = 0;
    unsigned number = 0;

    for (; islower((unsigned char)text[length]); length++) {
        number = number * LETTERS + (unsigned)(text[length] - 'a') + 1;
        if (number > MANY_DISKS)
            return 0;
    }
    *disk = number - 1;
    return length;
}

static unsigned xvd_number(unsigned disk, unsigned part)
{
    if (disk < XVD_DISKS && part < XVD_PARTS)
        return MAJOR_XVD << MAJOR_SHIFT | disk << 4 | part;
    return part < MANY_PARTS ? EXTENDED | disk << 8 | part : 0;
}

static unsigned sd_number(unsigned disk, unsigned part)
{
    return disk < 16 && part < 16 ? MAJOR_SD << MAJOR_SHIFT | disk << 4 | part : 0;
}

static unsigned hd_number(unsigned disk, unsigned part)
{
    unsigned major = disk < 2 ? MAJOR_HD : MAJOR_HD_NEXT;

    return disk < 4 && part < 64 ? major << MAJOR_SHIFT | (disk & 1) << 6 | part : 0;
}

static const struct {
    const char *start;
    unsigned (*number)(unsigned disk, unsigned part);
} kinds[] = {{"xvd", xvd_number}, {"sd", sd_number}, {"hd", hd_number}};

unsigned disk_name_number(const char *name)
{
    if (strlen(name) > DISK_NAME_MAX)
        return 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t length = strlen(kinds[i].start), letters;
        unsigned disk;
        const char *part;

        if (strncmp(name, kinds[i].start, length))
            continue;
        letters = read_letters(name + length, &disk);
        part = name + length + letters;
        if (!letters || strlen(part) > 3 || strspn(part, "0123456789") != strlen(part) || *part == '0')
            return 0;
        return kinds[i].number(disk, (unsigned)strtoul(part, NULL, 10));
    }
    return 0;
}

void disk_name_make(unsigned place, char name[DISK_NAME_MAX + 1])
{
    snprintf(name, DISK_NAME_MAX + 1, "xvd%c", 'a' + (int)(place % LETTERS));
}
