/* SPDX-License-Identifier: MIT */
/*
 * A client of the xenstore: one request at a time, transactions, watches.
 *
 * Results are 0 or a negated errno: the server's, or -XEN_ETIMEDOUT and -XEN_EIO of a server that does not answer, or
 * not so that it can be understood.  Nothing waits longer than XENSTORE_PATIENCE.
 *
 * Paths that do not begin with a slash begin at the domain's own directory.  @transaction is 0 for none.
 */
#pragma once

#include <guest/xenstore_ring.h>

#define XENSTORE_PATIENCE UINT64_C(10000000000) /* ns for one request */
#define XENSTORE_TRIES    100u                  /* of a transaction in conflict */

/* Find the server.  Events must be ready.  -XEN_ENODEV: there is none. */
int __must_check xenstore_init(void);

/*
 * ---- Values.
 */

/*
 * The value, a text, with a final zero byte into @value of @size bytes.  -XEN_E2BIG: it does not fit.  -XEN_EINVAL: it
 * has a zero byte inside.
 */
int __must_check xenstore_read(uint32_t transaction, const char *path, char *value, size_t size);

/* The value as a number: decimal digits and nothing else.  -XEN_EINVAL: it is none, or above @max. */
int __must_check xenstore_read_number(uint32_t transaction, const char *path, uint64_t max, uint64_t *number);

int __must_check xenstore_write(uint32_t transaction, const char *path, const char *value);
int __must_check xenstore_write_number(uint32_t transaction, const char *path, uint64_t number);
int __must_check xenstore_remove(uint32_t transaction, const char *path);

/* The names of the children, each with its zero byte: *@used bytes.  -XEN_E2BIG as for xenstore_read(). */
int __must_check xenstore_directory(uint32_t transaction, const char *path, char *names, size_t size, size_t *used);

/*
 * ---- Transactions.
 */

int __must_check xenstore_begin(uint32_t *transaction);

/* -XEN_EAGAIN: another one has changed what this one had looked at, and nothing was done. */
int __must_check xenstore_end(uint32_t transaction, bool commit);

/*
 * Call @body in a transaction until that can be committed, XENSTORE_TRIES times at most: -XEN_EAGAIN.  If @body gives
 * an error the transaction is dropped, and that is the result.
 */
int __must_check xenstore_transaction(int (*body)(uint32_t transaction, void *argument), void *argument);

/*
 * ---- Watches.
 */

/* The caller's, and there until it is not watched any more. */
struct xenstore_watch {
    const char *path;
    /*
     * @path has changed, which is the watch's or lies below; once at the beginning in any case.  Called from any
     * function of this file: it may note that and nothing else.  How much is noted must not grow with the number of
     * calls.
     */
    void (*changed)(struct xenstore_watch *watch, const char *path);
    unsigned token;
    struct xenstore_watch *next;
};

int __must_check xenstore_watch(struct xenstore_watch *watch);

/* Whatever the server says, changed() is not called any more. */
int __must_check xenstore_unwatch(struct xenstore_watch *watch);

/*
 * Take what the server has sent by itself, and tell those who watch: 64 messages at most, and *@more if there are
 * others.
 */
int __must_check xenstore_poll(bool *more);

/*
 * ---- What the others are made of.
 */

/* One request and its reply, which stays as it is until the next call.  An answer of XS_ERROR is a reply as well. */
int __must_check xenstore_call(uint32_t type, uint32_t transaction, const void *payload, size_t size,
                               const struct xenstore_message **reply);

/* What XS_ERROR says, as a negated errno; 0 for every other reply. */
int xenstore_error(const struct xenstore_message *reply);
