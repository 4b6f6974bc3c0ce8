/* SPDX-License-Identifier: MIT */
/* Private copies, which are what counts, and the page, which is written with each change of them. */
#include <abi/9pfs.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <backend/ninepkept.h>

#define TAKEN_AT 508u /* in each ring's page */

struct ninepkept_page {
    struct ninepkept_request requests[NINEPKEPT_MAX];
};
_Static_assert(NINEPKEPT_AT + sizeof(struct ninepkept_page) == PAGE_SIZE, "the end of the page");
_Static_assert(sizeof(struct xen_9pfs_data_intf) + 64 * sizeof(grant_ref_t) <= TAKEN_AT, "behind the references");

void ninepkept_put_taken(void *page, uint32_t taken)
{
    WRITE_ONCE(*(uint32_t *)(void *)((uint8_t *)page + TAKEN_AT), taken);
}

uint32_t ninepkept_get_taken(const void *page)
{
    return READ_ONCE(*(const uint32_t *)(const void *)((const uint8_t *)page + TAKEN_AT));
}

/* The first is the version's, the others are roots. */
static bool is_right(const struct ninepkept_request *request, unsigned which)
{
    return request->size >= NINEP_HEADER + sizeof(uint32_t) && request->size <= sizeof(request->bytes) &&
           ninep_size(request->bytes) == request->size &&
           ninep_type(request->bytes) == (which ? NINEP_TATTACH : NINEP_TVERSION);
}

static void set(struct ninepkept *kept, unsigned which, const uint8_t *request, uint32_t size)
{
    kept->requests[which].size = size;
    if (size)
        memcpy(kept->requests[which].bytes, request, size);
    memcpy(&kept->page->requests[which], &kept->requests[which], sizeof(kept->requests[which]));
}

void ninepkept_init(struct ninepkept *kept, void *page, bool resumed)
{
    kept->page = (struct ninepkept_page *)(void *)((uint8_t *)page + NINEPKEPT_AT);
    memcpy(kept->requests, kept->page->requests, sizeof(kept->requests));
    barrier(); /* so that the copies are what is looked at */
    for (unsigned i = 0; i < NINEPKEPT_MAX; i++) {
        if (!resumed || !is_right(&kept->requests[i], i))
            set(kept, i, NULL, 0);
    }
}

static void forget(struct ninepkept *kept, uint32_t fid)
{
    for (unsigned i = 1; i < NINEPKEPT_MAX; i++) {
        if (kept->requests[i].size && ninep_fid(kept->requests[i].bytes) == fid)
            set(kept, i, NULL, 0);
    }
}

bool ninepkept_is_root(const struct ninepkept *kept, uint32_t fid)
{
    for (unsigned i = 1; i < NINEPKEPT_MAX; i++) {
        if (kept->requests[i].size && ninep_fid(kept->requests[i].bytes) == fid)
            return true;
    }
    return false;
}

/* Does it make another file of its fid? */
static bool moves_fid(const uint8_t *request, uint32_t size)
{
    if (ninep_type(request) == NINEP_TLCREATE)
        return true;
    return ninep_type(request) == NINEP_TWALK && size >= NINEP_HEADER + 2 * sizeof(uint32_t) &&
           !memcmp(request + NINEP_HEADER, request + NINEP_HEADER + sizeof(uint32_t), sizeof(uint32_t));
}

static void add_root(struct ninepkept *kept, const uint8_t *request, uint32_t size)
{
    forget(kept, ninep_fid(request));
    for (unsigned i = 1; i < NINEPKEPT_MAX; i++) {
        if (!kept->requests[i].size) {
            set(kept, i, request, size);
            return;
        }
    }
}

void ninepkept_note(struct ninepkept *kept, const uint8_t *request, uint32_t size, const uint8_t *reply)
{
    uint8_t type = ninep_type(request);
    bool fits = size >= NINEP_HEADER + sizeof(uint32_t) && size <= NINEPKEPT_SIZE, done = ninep_type(reply) == type + 1;

    if (size < NINEP_HEADER + sizeof(uint32_t))
        return;
    if (type == NINEP_TVERSION && done) {
        for (unsigned i = 0; i < NINEPKEPT_MAX; i++)
            set(kept, i, NULL, 0);
        if (fits)
            set(kept, 0, request, size);
    } else if (type == NINEP_TATTACH && done && fits) {
        add_root(kept, request, size);
    } else if (type == NINEP_TCLUNK || type == NINEP_TREMOVE || (done && moves_fid(request, size))) {
        forget(kept, ninep_fid(request));
    }
}
