/* SPDX-License-Identifier: MIT */
/* Requests of which a size matters, by their types; all others are the server's to understand. */
#include <abi/errno.h>
#include <guest/string.h>
#include <backend/ninep.h>

#define TYPE_AT 4u

#define TREADDIR 40u
#define TVERSION 100u
#define TREAD    116u
#define TWRITE   118u

/* msize, and the size of the version's name. */
#define MSIZE_AT     NINEP_HEADER
#define TVERSION_MIN (NINEP_HEADER + 4 + 2)

/* fid (4 bytes), offset (8), count; of Twrite the data follows. */
#define COUNT_AT  (NINEP_HEADER + 4 + 8)
#define COUNT_END (COUNT_AT + 4)

/* Of a reply to Tread and Treaddir, before the data: header and count. */
#define REPLY_HEADER (NINEP_HEADER + 4)

static uint32_t get(const uint8_t *place)
{
    uint32_t value;

    memcpy(&value, place, sizeof(value));
    return value;
}

/* Make the number there @most at most, and say what it is then. */
static uint32_t limit(uint8_t *place, uint32_t most)
{
    uint32_t value = get(place);

    if (value > most) {
        value = most;
        memcpy(place, &value, sizeof(value));
    }
    return value;
}

uint32_t ninep_size(const uint8_t *message)
{
    return get(message);
}

static int check_version(uint8_t *request, uint32_t size, uint32_t most, uint32_t *msize)
{
    if (size < TVERSION_MIN)
        return -XEN_EINVAL;
    *msize = limit(request + MSIZE_AT, most);
    return 0;
}

int ninep_check(uint8_t *request, uint32_t size, uint32_t most, uint32_t *msize)
{
    uint8_t type = request[TYPE_AT];

    if (type == TVERSION)
        return size > most ? -XEN_EINVAL : check_version(request, size, most, msize);
    if (size > *msize)
        return -XEN_EINVAL;
    if (type != TREAD && type != TREADDIR && type != TWRITE)
        return 0;
    if (size < COUNT_END)
        return -XEN_EINVAL;
    if (type == TWRITE)
        return get(request + COUNT_AT) > size - COUNT_END ? -XEN_EINVAL : 0;
    (void)limit(request + COUNT_AT, *msize > REPLY_HEADER ? *msize - REPLY_HEADER : 0);
    return 0;
}
