/* SPDX-License-Identifier: MIT */
/* A guest that asks its xenstore: it puts requests into the ring and looks at what comes back. */
#pragma once

#include <tests/hv/lib/xenstore_host.h>

#define HOME "/local/domain/3"

/* A text with zero bytes in it, and its length without the one that the compiler adds. */
#define TEXT(literal) literal, sizeof(literal) - 1

struct message {
    struct xsd_sockmsg head;
    char payload[XENSTORE_PAYLOAD_MAX];
};
extern struct message reply; /* what was received last */

/* Bytes into the ring and out of it, all of them. */
void put(const void *from, size_t size);
void take(void *to, size_t size);

/* The next message of the host. */
void receive(void);

/* Send a request and receive its reply: call() outside transactions. */
void call_in(uint32_t transaction, uint32_t type, const char *payload, size_t length);
void call(uint32_t type, const char *payload, size_t length);

/* Begin a transaction.  Returns its number. */
uint32_t start_transaction(void);

/* What the reply is. */
void assert_reply(const char *text, size_t length);
void assert_error(const char *name);
void assert_ok(void);

/* The next message is that event of a watch; there is none. */
void assert_event(const char *text, size_t length);
void assert_silence(void);

/* From now on the guest is that of host_guests[@guest]. */
void as(unsigned guest);

/* call() as that guest. */
void call_as(unsigned guest, uint32_t type, const char *payload, size_t length);

/* A test of cmocka between host_begin() and host_end(). */
int xenstore_set_up(void **state);
int xenstore_tear_down(void **state);
#define TEST(function) cmocka_unit_test_setup_teardown(function, xenstore_set_up, xenstore_tear_down)
