/* SPDX-License-Identifier: MIT */
/*
 * What hv/service/xenstore.c needs of the hypervisor, and the guest's end of its ring.  It needs no cmocka: fuzzers use
 * it too.  Its objects are those of objects.h.
 */
#pragma once

#include <abi/io.h>
#include <hv/domain/domain.h>
#include <hv/service/xenstore.h>

#define HOST_PORT 7u

union host_page {
    struct xenstore_domain_interface ring;
    uint8_t bytes[4096];
};

extern struct hv_domain host_domain;
extern union host_page host_page;
extern unsigned host_notifications; /* of the guest */
extern unsigned host_words;         /* print()ed */

/* Domain 3 with 1 MiB, two vCPUs and its ring, of which it has done nothing yet; and its end. */
void host_begin(void);
void host_end(void);

/* Put as many of @size bytes into the ring as there is room for; take that many at most from it.  Returns how many. */
size_t host_put(const void *from, size_t size);
size_t host_take(void *to, size_t size);
