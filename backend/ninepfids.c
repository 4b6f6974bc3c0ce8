/* SPDX-License-Identifier: MIT */
/* In order: places; names; what requests mean; what is asked anew. */
#include <guest/processor.h>
#include <guest/string.h>
#include <backend/ninepfids.h>

/* Where requests and replies have what is read here, and the sizes that they need to have it. */
#define NEWFID_AT      (NINEP_HEADER + 4)
#define NR_NAMES_AT    (NEWFID_AT + 4)
#define NAMES_AT       (NR_NAMES_AT + 2)
#define FLAGS_AT       (NINEP_HEADER + 4)
#define FLAGS_END      (FLAGS_AT + 4)
#define CREATE_NAME_AT (NINEP_HEADER + 4)
#define QID_SIZE       13u
#define QID_FILE_AT    5u /* in a qid */
#define NR_QIDS_AT     NINEP_HEADER
#define QIDS_AT        (NR_QIDS_AT + 2)

#define WALK_MAX  16u    /* names of one request */
#define NO_REOPEN 01300u /* Linux's O_CREAT, O_EXCL and O_TRUNC */

static uint32_t get16(const uint8_t *place)
{
    return (uint32_t)place[0] | (uint32_t)place[1] << 8;
}

static uint32_t get32(const uint8_t *place)
{
    uint32_t value;

    memcpy(&value, place, sizeof(value));
    return value;
}

/*
 * ---- Places.
 */

static bool is_used(const struct ninepfid *fid)
{
    return fid->root != fid->fid;
}

static void set(struct ninepfids *fids, unsigned which, const struct ninepfid *fid)
{
    fids->fids[which] = *fid;
    memcpy(fids->places[which], fid, sizeof(*fid));
}

void ninepfids_drop(struct ninepfids *fids, unsigned which)
{
    set(fids, which, &(struct ninepfid){0});
}

static int find(const struct ninepfids *fids, uint32_t number)
{
    for (unsigned i = 0; i < fids->count; i++) {
        if (is_used(&fids->fids[i]) && fids->fids[i].fid == number)
            return (int)i;
    }
    return -1;
}

static void forget(struct ninepfids *fids, uint32_t number)
{
    int which = find(fids, number);

    if (which >= 0)
        ninepfids_drop(fids, (unsigned)which);
}

/* In the place that it has, or in a free one if there is any. */
static void keep(struct ninepfids *fids, const struct ninepfid *fid)
{
    int which = find(fids, fid->fid);

    for (unsigned i = 0; i < fids->count && which < 0; i++) {
        if (!is_used(&fids->fids[i]))
            which = (int)i;
    }
    if (which >= 0)
        set(fids, (unsigned)which, fid);
}

/*
 * ---- Names.
 */

/* The bytes of @count names at @names, of which there are @size bytes in all; UINT32_MAX: they are not all there. */
static uint32_t size_of_names(const uint8_t *names, uint32_t size, unsigned count)
{
    uint32_t at = 0;

    for (; count; count--) {
        if (at + 2 > size)
            return UINT32_MAX;
        at += 2 + get16(names + at);
    }
    return at <= size ? at : UINT32_MAX;
}

/* Append @count names.  False: they are not right, or there is no room for them. */
static bool add_names(struct ninepfid *fid, const uint8_t *names, uint32_t size, unsigned count)
{
    uint32_t bytes = size_of_names(names, size, count);

    if (bytes > sizeof(fid->names) - fid->size || fid->nr_names + count > WALK_MAX)
        return false;
    memcpy(fid->names + fid->size, names, bytes);
    fid->size = (uint16_t)(fid->size + bytes);
    fid->nr_names = (uint8_t)(fid->nr_names + count);
    return true;
}

static bool is_right(const struct ninepfid *fid)
{
    return is_used(fid) && fid->size <= sizeof(fid->names) && fid->nr_names <= WALK_MAX &&
           size_of_names(fid->names, fid->size, fid->nr_names) == fid->size;
}

void ninepfids_init(struct ninepfids *fids, void *first, void *second, bool resumed)
{
    fids->count = second ? NINEPFIDS_MAX : NINEPFIDS_FIRST;
    for (unsigned i = 0; i < fids->count; i++) {
        uint8_t *page = i < NINEPFIDS_FIRST ? first : second;
        unsigned which = i < NINEPFIDS_FIRST ? i : i - NINEPFIDS_FIRST;

        fids->places[i] = (struct ninepfid *)(void *)(page + NINEPFIDS_AT) + which;
        memcpy(&fids->fids[i], fids->places[i], sizeof(fids->fids[i]));
        barrier(); /* so that the copy is what is looked at */
        if (!resumed || !is_right(&fids->fids[i]))
            ninepfids_drop(fids, i);
    }
}
_Static_assert(NINEPFIDS_AT + NINEPFIDS_FIRST * sizeof(struct ninepfid) == NINEPKEPT_AT, "the first page");
_Static_assert(NINEPFIDS_AT + (NINEPFIDS_MAX - NINEPFIDS_FIRST) * sizeof(struct ninepfid) == PAGE_SIZE,
               "the second one");

/*
 * ---- What requests mean.
 */

/* Where a walk begins: at one that is kept, or at a root.  False: at another one. */
static bool begin_walk(const struct ninepfids *fids, const struct ninepkept *kept, uint32_t from, struct ninepfid *fid)
{
    int which = find(fids, from);

    *fid = (struct ninepfid){.root = from};
    if (which >= 0)
        *fid = fids->fids[which];
    fid->is_open = 0;
    return which >= 0 || ninepkept_is_root(kept, from);
}

static uint64_t file_of(const uint8_t *qid)
{
    uint64_t file;

    memcpy(&file, qid + QID_FILE_AT, sizeof(file));
    return file;
}

static void note_walk(struct ninepfids *fids, const struct ninepkept *kept, const uint8_t *request, uint32_t size,
                      const uint8_t *reply, uint32_t reply_size)
{
    unsigned count;
    struct ninepfid fid;
    bool known;

    if (size < NAMES_AT || reply_size < QIDS_AT)
        return;
    count = get16(request + NR_NAMES_AT);
    if (get16(reply + NR_QIDS_AT) != count || reply_size < QIDS_AT + count * QID_SIZE)
        return;
    known = begin_walk(fids, kept, ninep_fid(request), &fid);
    fid.fid = get32(request + NEWFID_AT);
    forget(fids, fid.fid);
    if (count)
        fid.file = file_of(reply + QIDS_AT + (count - 1) * QID_SIZE);
    if (known && is_used(&fid) && add_names(&fid, request + NAMES_AT, size - NAMES_AT, count))
        keep(fids, &fid);
}

static void note_open(struct ninepfids *fids, const uint8_t *request, uint32_t size)
{
    int which = find(fids, ninep_fid(request));
    struct ninepfid fid;

    if (which < 0 || size < FLAGS_END)
        return;
    fid = fids->fids[which];
    fid.is_open = 1;
    fid.flags = get32(request + FLAGS_AT) & ~NO_REOPEN;
    set(fids, (unsigned)which, &fid);
}

/* The fid of the directory is the new file's then, and open. */
static void note_create(struct ninepfids *fids, const uint8_t *request, uint32_t size, const uint8_t *reply,
                        uint32_t reply_size)
{
    int which = find(fids, ninep_fid(request));
    uint32_t name =
        size > CREATE_NAME_AT ? size_of_names(request + CREATE_NAME_AT, size - CREATE_NAME_AT, 1) : UINT32_MAX;
    struct ninepfid fid;

    if (which < 0)
        return;
    fid = fids->fids[which];
    ninepfids_drop(fids, (unsigned)which);
    if (name == UINT32_MAX || size < CREATE_NAME_AT + name + 4 || reply_size < NINEP_HEADER + QID_SIZE)
        return;
    fid.is_open = 1;
    fid.flags = get32(request + CREATE_NAME_AT + name) & ~NO_REOPEN;
    fid.file = file_of(reply + NINEP_HEADER);
    if (add_names(&fid, request + CREATE_NAME_AT, name, 1))
        keep(fids, &fid);
}

/* It may be a root that others were found from, and its number be another's soon. */
static void end(struct ninepfids *fids, uint32_t number)
{
    forget(fids, number);
    for (unsigned i = 0; i < fids->count; i++) {
        if (is_used(&fids->fids[i]) && fids->fids[i].root == number)
            ninepfids_drop(fids, i);
    }
}

void ninepfids_note(struct ninepfids *fids, const struct ninepkept *kept, const uint8_t *request, uint32_t size,
                    const uint8_t *reply, uint32_t reply_size)
{
    uint8_t type = ninep_type(request);

    if (size < NINEP_HEADER + sizeof(uint32_t))
        return;
    if (type == NINEP_TCLUNK || type == NINEP_TREMOVE)
        end(fids, ninep_fid(request));
    if (ninep_type(reply) != type + 1)
        return;
    if (type == NINEP_TVERSION) {
        for (unsigned i = 0; i < fids->count; i++)
            ninepfids_drop(fids, i);
    } else if (type == NINEP_TWALK) {
        note_walk(fids, kept, request, size, reply, reply_size);
    } else if (type == NINEP_TLOPEN) {
        note_open(fids, request, size);
    } else if (type == NINEP_TLCREATE) {
        note_create(fids, request, size, reply, reply_size);
    }
}

/*
 * ---- What is asked anew.
 */

/* The head of a request, with the fid that it is about. */
static uint32_t put_head(uint8_t *request, uint8_t type, uint32_t fid, uint32_t size)
{
    memset(request, 0, NAMES_AT);
    memcpy(request, &size, sizeof(size));
    request[sizeof(size)] = type;
    memcpy(request + NINEP_HEADER, &fid, sizeof(fid));
    return size;
}

uint32_t ninepfids_ask(const struct ninepfids *fids, unsigned which, enum ninepfids_step step, uint8_t *request)
{
    const struct ninepfid *fid = &fids->fids[which];

    if (which >= fids->count || !is_used(fid))
        return 0;
    if (step == NINEPFIDS_WALK) {
        uint32_t size = put_head(request, NINEP_TWALK, fid->root, NAMES_AT + fid->size);

        memcpy(request + NEWFID_AT, &fid->fid, sizeof(fid->fid));
        request[NR_NAMES_AT] = fid->nr_names;
        memcpy(request + NAMES_AT, fid->names, fid->size);
        return size;
    }
    if (step == NINEPFIDS_CLUNK)
        return put_head(request, NINEP_TCLUNK, fid->fid, NINEP_HEADER + 4);
    if (!fid->is_open)
        return 0;
    (void)put_head(request, NINEP_TLOPEN, fid->fid, FLAGS_END);
    memcpy(request + FLAGS_AT, &fid->flags, sizeof(fid->flags));
    return FLAGS_END;
}
_Static_assert(NAMES_AT + NINEPFIDS_NAMES <= NINEPFIDS_REQUEST, "the largest request");

bool ninepfids_is_same(const struct ninepfids *fids, unsigned which, enum ninepfids_step step, const uint8_t *reply,
                       uint32_t size)
{
    const struct ninepfid *fid = &fids->fids[which];

    if (step == NINEPFIDS_OPEN)
        return ninep_type(reply) == NINEP_TLOPEN + 1;
    if (ninep_type(reply) != NINEP_TWALK + 1 || size < QIDS_AT + fid->nr_names * QID_SIZE ||
        get16(reply + NR_QIDS_AT) != fid->nr_names)
        return false;
    return !fid->nr_names || !fid->file || file_of(reply + QIDS_AT + (fid->nr_names - 1) * QID_SIZE) == fid->file;
}
