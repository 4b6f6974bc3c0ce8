/* SPDX-License-Identifier: MIT */
/* In order: the format; who else uses it; what else can be wrong. */
#define _GNU_SOURCE /* F_OFD_GETLK */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cli/disk_image.h>

/* What a qcow2 file begins with, big-endian. */
struct qcow2_start {
    uint8_t magic[4];        /* "QFI\xfb" */
    uint32_t version;        /* 2 or 3; 1 is another format */
    uint64_t backing_offset; /* 0: it stands on no other file */
    uint8_t unused[56];
    uint64_t incompatible_features; /* of version 3 */
};
_Static_assert(sizeof(struct qcow2_start) == 80, "as in QEMU's docs/interop/qcow2.txt");
#define QCOW2_EXTERNAL_DATA 4u

static bool read_start(int fd, struct qcow2_start *start)
{
    return pread(fd, start, sizeof(*start), 0) == (ssize_t)sizeof(*start) && !memcmp(start->magic, "QFI\xfb", 4) &&
           be32toh(start->version) >= 2;
}

static bool leads_elsewhere(const struct qcow2_start *start)
{
    return start->backing_offset ||
           (be32toh(start->version) >= 3 && be64toh(start->incompatible_features) & QCOW2_EXTERNAL_DATA);
}

/*
 * A guest can write to its disk what a qcow2 file begins with.  That must not get it another file of this machine the
 * next time, which is what such a file could name; so that is for whoever knows the image to say.
 */
static enum status find_format(int fd, struct disk_options *disk)
{
    struct qcow2_start start;
    bool is_qcow2 = read_start(fd, &start);

    if (disk->format && is_qcow2 && !strcmp(disk->format, "raw"))
        say("%s: a qcow2 image by its looks, but taken as raw, as is said", disk->path);
    if (disk->format)
        return STATUS_GOOD;
    disk->format = is_qcow2 ? "qcow2" : "raw";
    if (!is_qcow2 || !leads_elsewhere(&start))
        return STATUS_GOOD;
    say_error("%s: a qcow2 image that stands on another file; if it is meant to, say format=qcow2", disk->path);
    return STATUS_USAGE;
}

/*
 * QEMU locks a byte for each right that it uses, and one for each that others may not use.  The right to write is the
 * second of them.  Without locks on that file system, or for QEMU, nobody can tell.
 */
#define LOCK_WRITES       101
#define LOCK_DENIES_WRITE 201

static bool is_locked(int fd, off_t byte)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

    return !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
}

static enum status check_locks(int fd, const struct disk_options *disk, bool writes)
{
    if (!is_locked(fd, LOCK_WRITES) && !(writes && is_locked(fd, LOCK_DENIES_WRITE)))
        return STATUS_GOOD;
    say_error("%s: in use by another QEMU; end that, or give this guest an image of its own%s", disk->path,
              writes && !is_locked(fd, LOCK_WRITES) ? "; both can read it: say ro, or --snapshot" : "");
    return STATUS_USAGE;
}

bool disk_image_is_written(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is_written = fd >= 0 && is_locked(fd, LOCK_WRITES);

    if (fd >= 0)
        close(fd);
    return is_written;
}

static enum status check_open(int fd, struct disk_options *disk, bool writes)
{
    struct stat about;
    enum status status;

    if (fstat(fd, &about)) {
        say_error("%s: cannot be read: %s", disk->path, strerror(errno));
        return STATUS_USAGE;
    }
    if (!S_ISREG(about.st_mode) && !S_ISBLK(about.st_mode)) {
        say_error("%s: neither a file nor a block device", disk->path);
        return STATUS_USAGE;
    }
    if (S_ISREG(about.st_mode) && !about.st_size) {
        say_error("%s: empty; `truncate -s 1G FILE` or `qemu-img create` makes an image", disk->path);
        return STATUS_USAGE;
    }
    status = find_format(fd, disk);
    return status ? status : check_locks(fd, disk, writes);
}

enum status disk_image_check(struct disk_options *disk, bool snapshot)
{
    bool writes = !disk->read_only && !snapshot;
    /* A pipe must not make anybody wait. */
    int fd = open(disk->path, (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
    enum status status;

    if (fd < 0) {
        say_error("%s: cannot be %s: %s%s", disk->path, writes ? "opened for writing" : "opened",
                  errno == EISDIR ? "a directory, where an image is wanted" : strerror(errno),
                  writes && (errno == EACCES || errno == EROFS) ? "; to read it only, say ro, or --snapshot" : "");
        return STATUS_USAGE;
    }
    status = check_open(fd, disk, writes);
    close(fd);
    return status;
}
