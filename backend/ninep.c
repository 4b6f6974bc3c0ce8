/* SPDX-License-Identifier: MIT */
/* Requests of which a size matters, by their types; all others are the server's to understand. */
#include <abi/errno.h>
#include <guest/string.h>
#include <backend/ninep.h>

#define TAG_AT 5u

#define TSTATFS  8u
#define TGETATTR 24u
#define TSETATTR 26u
#define TREADDIR 40u
#define TFSYNC   50u
#define TLOCK    52u
#define TGETLOCK 54u
#define TREAD    116u
#define TWRITE   118u

#define RLERROR      7u
#define RLERROR_SIZE (NINEP_HEADER + 4)
_Static_assert(RLERROR_SIZE == NINEP_REFUSAL_MAX, "the longest answer without a server");

/* fid (4 bytes), newfid (4), and how many names follow. */
#define NR_NAMES_AT  (NINEP_HEADER + 4 + 4)
#define NR_NAMES_END (NR_NAMES_AT + 2)

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
    uint8_t type = ninep_type(request);

    if (type == NINEP_TVERSION)
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

uint32_t ninep_fid(const uint8_t *message)
{
    return get(message + NINEP_HEADER);
}

uint32_t ninep_refuse(const uint8_t *request, uint8_t *reply, uint32_t error)
{
    uint8_t type = ninep_type(request);
    bool ends = type == NINEP_TFLUSH || type == NINEP_TCLUNK;
    uint32_t size = ends ? NINEP_HEADER : RLERROR_SIZE;

    memcpy(reply, &size, sizeof(size));
    reply[sizeof(size)] = (uint8_t)(ends ? type + 1u : RLERROR);
    memcpy(reply + TAG_AT, request + TAG_AT, NINEP_HEADER - TAG_AT);
    if (!ends)
        memcpy(reply + NINEP_HEADER, &error, sizeof(error));
    return size;
}

/* Does it name no file but by a fid? */
static bool names_a_fid_alone(const uint8_t *request, uint32_t size)
{
    static const uint8_t types[] = {TSTATFS, NINEP_TLOPEN, TGETATTR, TSETATTR, TREADDIR,
                                    TFSYNC,  TLOCK,        TGETLOCK, TREAD,    TWRITE};
    uint8_t type = ninep_type(request);

    for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
        if (type == types[i])
            return true;
    }
    return type == NINEP_TWALK && size >= NR_NAMES_END && !request[NR_NAMES_AT] && !request[NR_NAMES_AT + 1];
}

static bool moves_data(const uint8_t *request)
{
    uint8_t type = ninep_type(request);

    return type == TREAD || type == TWRITE || type == TREADDIR;
}

void ninep_make_stale(const uint8_t *request, uint32_t size, uint8_t *reply, uint32_t reply_size)
{
    const uint32_t stale = NINEP_ESTALE;
    uint32_t error;

    if (reply_size < RLERROR_SIZE || ninep_type(reply) != RLERROR)
        return;
    error = get(reply + NINEP_HEADER);
    if ((error == NINEP_ENOENT && names_a_fid_alone(request, size)) || (error == NINEP_EINVAL && moves_data(request)))
        memcpy(reply + NINEP_HEADER, &stale, sizeof(stale));
}
