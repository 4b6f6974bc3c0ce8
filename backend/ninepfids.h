/* SPDX-License-Identifier: MIT */
/*
 * The fids of a session, kept where another life of this domain finds them: each by the names that lead to it from a
 * root, the file that was there then, and how it was opened.
 *
 * They are beside what ninepkept.h has, in the front end's pages, and believed no more.  What does not fit is not kept.
 */
#pragma once

#include <backend/ninepkept.h>

#define NINEPFIDS_AT      512u /* in the first page of each ring; of the first ring up to NINEPKEPT_AT */
#define NINEPFIDS_FIRST   12u
#define NINEPFIDS_MAX     40u
#define NINEPFIDS_NAMES   102u /* bytes of all names of one, with their sizes */
#define NINEPFIDS_REQUEST 128u /* bytes that a request to make one anew has at most */

struct ninepfid {
    uint32_t fid, root; /* root: the fid that the names lead from; its own one: there is no such fid */
    uint64_t file;      /* the number by which the server knows the file; 0: whatever is there */
    uint32_t flags;     /* of opening */
    uint8_t is_open, nr_names;
    uint16_t size; /* of names */
    uint8_t names[NINEPFIDS_NAMES];
    uint8_t _gap[2];
};
_Static_assert(sizeof(struct ninepfid) == 128, "they fill the pages");

struct ninepfids {
    unsigned count; /* places that there are */
    struct ninepfid *places[NINEPFIDS_MAX];
    struct ninepfid fids[NINEPFIDS_MAX];
};

/* Begin in the pages, of which the second may be NULL; with what is there, if @resumed, but for what cannot be. */
void ninepfids_init(struct ninepfids *fids, void *first, void *second, bool resumed);

/* As ninepkept_note(), with its roots, and before it: what the request and its reply mean. */
void ninepfids_note(struct ninepfids *fids, const struct ninepkept *kept, const uint8_t *request, uint32_t size,
                    const uint8_t *reply, uint32_t reply_size);

/* What is asked to make a fid anew, one after the other; the last only of what did not become what it was. */
enum ninepfids_step { NINEPFIDS_WALK, NINEPFIDS_OPEN, NINEPFIDS_CLUNK };

/* The request for that step of the fid in place @which.  Its size; 0: there is none. */
uint32_t ninepfids_ask(const struct ninepfids *fids, unsigned which, enum ninepfids_step step, uint8_t *request);

/* Has it become what it was, as far as this reply says? */
bool ninepfids_is_same(const struct ninepfids *fids, unsigned which, enum ninepfids_step step, const uint8_t *reply,
                       uint32_t size);

/* It has not. */
void ninepfids_drop(struct ninepfids *fids, unsigned which);
