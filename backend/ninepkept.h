/* SPDX-License-Identifier: MIT */
/*
 * What a session began with, kept where another life of this domain finds it: the requests that agreed on the version,
 * and those that attached roots which are still in use.
 *
 * It is in that part of a ring's first page that the ABI leaves alone.  The page is the front end's, which can write
 * there what it likes: what is found is looked at as any request of its own is.
 */
#pragma once

#include <backend/ninep.h>

#define NINEPKEPT_AT   2048u /* in the page, up to its end */
#define NINEPKEPT_MAX  16u   /* requests: the version's, and 15 roots */
#define NINEPKEPT_SIZE 124u  /* bytes of one; longer ones are not kept */

struct ninepkept_request {
    uint32_t size; /* 0: none */
    uint8_t bytes[NINEPKEPT_SIZE];
};

struct ninepkept {
    struct ninepkept_page *page;
    struct ninepkept_request requests[NINEPKEPT_MAX];
};

/* Begin in the page at @page, which is mapped; with what is there, if @resumed, but for what cannot be. */
void ninepkept_init(struct ninepkept *kept, void *page, bool resumed);

/*
 * Note what @request, which has been answered by @reply, means for the session; before the front end hears of it.  Both
 * have a header at least.
 */
void ninepkept_note(struct ninepkept *kept, const uint8_t *request, uint32_t size, const uint8_t *reply);

/* Is it a root that is kept? */
bool ninepkept_is_root(const struct ninepkept *kept, uint32_t fid);

/* How far the requests of a ring have been taken, as an index of it: for the next life, and from an earlier one. */
void ninepkept_put_taken(void *page, uint32_t taken);
uint32_t ninepkept_get_taken(const void *page);
