/* SPDX-License-Identifier: MIT */
/* Read until the end, piece by piece: a pipe does not say how much will come. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cli/file.h>

#define CHUNK MIB

void bytes_free(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct bytes){NULL, 0};
}

enum status bytes_reserve(struct bytes *bytes, size_t *capacity, size_t room)
{
    size_t wanted = *capacity ? *capacity : CHUNK;
    uint8_t *data;

    if (*capacity - bytes->size >= room)
        return STATUS_GOOD;
    while (wanted - bytes->size < room)
        wanted *= 2;
    data = realloc(bytes->data, wanted);
    if (!data) {
        say_error("out of memory: %zu MiB could not be had", wanted / MIB);
        return STATUS_FAILED;
    }
    bytes->data = data;
    *capacity = wanted;
    return STATUS_GOOD;
}

/* How much the file will have, as a share of 100; -1 where that is not known. */
static int share_read(size_t size, off_t expected)
{
    return expected > 0 && (uint64_t)expected >= size ? (int)(size * 100 / (uint64_t)expected) : -1;
}

static enum status read_all(int fd, const char *path, size_t limit, off_t expected, struct bytes *bytes)
{
    size_t capacity = 0;

    for (;;) {
        ssize_t got;
        enum status status = bytes_reserve(bytes, &capacity, CHUNK);

        if (status)
            return status;
        got = read(fd, bytes->data + bytes->size, CHUNK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            say_error("%s: cannot be read: %s", path, strerror(errno));
            return STATUS_USAGE;
        }
        if (got == 0)
            return STATUS_GOOD;
        bytes->size += (size_t)got;
        if (bytes->size > limit) {
            say_error("%s: larger than the %zu MiB that are taken", path, limit / MIB);
            return STATUS_USAGE;
        }
        progress_tick(share_read(bytes->size, expected));
    }
}

enum status file_read(const char *path, size_t limit, struct bytes *bytes)
{
    enum status status = STATUS_USAGE;
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    *bytes = (struct bytes){NULL, 0};
    if (fd < 0) {
        say_error("%s: cannot be opened: %s", path, strerror(errno));
        return STATUS_USAGE;
    }
    if (fstat(fd, &about))
        say_error("%s: cannot be read: %s", path, strerror(errno));
    else if (S_ISDIR(about.st_mode))
        say_error("%s: a directory, where a file is wanted", path);
    else
        status = read_all(fd, path, limit, S_ISREG(about.st_mode) ? about.st_size : 0, bytes);
    close(fd);
    if (status)
        bytes_free(bytes);
    return status;
}

static bool find_file(const char *path, struct stat *about)
{
    return path && !stat(path, about) && (S_ISREG(about->st_mode) || S_ISBLK(about->st_mode));
}

bool file_is_same(const char *path, const char *other)
{
    struct stat one, two;

    if (!find_file(path, &one) || !find_file(other, &two))
        return false;
    if (S_ISBLK(one.st_mode) && S_ISBLK(two.st_mode))
        return one.st_rdev == two.st_rdev;
    return one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}
