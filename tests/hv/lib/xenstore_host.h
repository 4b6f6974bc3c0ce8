/* SPDX-License-Identifier: MIT */
/*
 * What hv/service/xenstore.c needs of the hypervisor, some domains, and the guests' ends of their rings.  It needs no
 * cmocka: fuzzers use it too.  Its objects are those of objects.h.
 */
#pragma once

#include <abi/io.h>
#include <hv/domain/domain.h>
#include <hv/service/services.h>

#define HOST_PORT   7u
#define HOST_GUESTS 4u

union host_page {
    struct xenstore_domain_interface ring;
    uint8_t bytes[4096];
};

struct host_guest {
    struct hv_domain domain;
    struct domain_services services;
    union host_page page __attribute__((aligned(4096)));
    unsigned notifications;
};

extern struct host_guest host_guests[HOST_GUESTS];
extern struct host_guest *host; /* the one who acts */
extern unsigned host_words;     /* print()ed */

/* host_yields is called where a guest that takes long steps back; NULL: nobody wants the processor. */
extern void (*host_yields)(void);

/*
 * The guest at @host gets a domain with the number @domid, 1 MiB, two vCPUs and a ring, of which it has done nothing
 * yet; its directory is filled in; it ends.  host_come() is the first two.
 */
void host_make(unsigned domid, bool privileged);
void host_introduce(void);
void host_come(unsigned domid, bool privileged);
void host_go(void);

/* Begin with one guest, domain 3; all end. */
void host_begin(void);
void host_end(void);

/* Put as many of @size bytes into the ring as there is room for; take that many at most from it.  Returns how many. */
size_t host_put(const void *from, size_t size);
size_t host_take(void *to, size_t size);
