/* SPDX-License-Identifier: MIT */
/*
 * What hv/service/xenstore.c needs of the hypervisor, and the guest's end of its ring.  The one program that includes
 * this is the whole machine.
 */
#pragma once

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <abi/io.h>
#include <engine/port.h>
#include <hv/base/print.h>
#include <hv/domain/domain.h>
#include <hv/mem/allocate.h>

#define HOST_PORT 7u

typedef struct xenstore_domain_interface host_ring_t;

static struct hv_domain host_domain;
static unsigned host_objects;       /* of allocate(), not released */
static unsigned host_notifications; /* of the guest */
static unsigned host_words;         /* print()ed */

static union {
    host_ring_t ring;
    uint8_t bytes[4096];
} host_page __attribute__((aligned(4096)));

void *allocate(size_t size)
{
    host_objects++;
    return calloc(1, size);
}

void release(void *object, size_t size)
{
    (void)size;
    host_objects -= object != NULL;
    free(object);
}

void *port_frame_map(mfn_t mfn)
{
    assert(mfn.v == 5);
    return &host_page;
}

int event_open_backend(struct hv_domain *domain, event_listener *listener, uint32_t *port)
{
    assert(domain == &host_domain && listener == xenstore_run);
    *port = HOST_PORT;
    return 0;
}

void event_notify(struct hv_domain *domain, uint32_t port)
{
    assert(domain == &host_domain && port == HOST_PORT);
    host_notifications++;
}

void print(const char *format, ...)
{
    (void)format;
    host_words++;
}

/* Domain 3 with 1 MiB, two vCPUs and its ring, of which it has done nothing yet. */
static inline void host_begin(void)
{
    memset(&host_page, 0, sizeof(host_page));
    memset(&host_domain, 0, sizeof(host_domain));
    host_domain.domain.id = DOMID(3);
    host_domain.domain.max_frames = 256;
    host_domain.domain.nr_vcpus = 2;
    strcpy(host_domain.name, "guest");
    host_notifications = 0;
    host_words = 0;
    if (xenstore_create(&host_domain, MFN(5)))
        abort();
}

static inline void host_end(void)
{
    xenstore_destroy(&host_domain);
    if (host_objects != 0)
        abort();
}

/* Put as many of @size bytes into the ring as there is room for.  Returns their number. */
static inline size_t host_put(const void *from, size_t size)
{
    host_ring_t *ring = &host_page.ring;
    size_t count = 0;

    for (; count < size && ring->req_prod - ring->req_cons < XENSTORE_RING_SIZE; count++)
        ring->req[MASK_XENSTORE_IDX(ring->req_prod++)] = ((const char *)from)[count];
    return count;
}

/* Take at most @size bytes out of it. */
static inline size_t host_take(void *to, size_t size)
{
    host_ring_t *ring = &host_page.ring;
    size_t count = 0;

    for (; count < size && ring->rsp_cons != ring->rsp_prod; count++)
        ((char *)to)[count] = ring->rsp[MASK_XENSTORE_IDX(ring->rsp_cons++)];
    return count;
}
