/* SPDX-License-Identifier: MIT */
/* The machine around the xenstore: xenstore_host.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <engine/port.h>
#include <hv/base/print.h>
#include <hv/service/event_channel.h>
#include <tests/hv/lib/objects.h>
#include <tests/hv/lib/xenstore_host.h>

#define FIRST_FRAME 5u

struct host_guest host_guests[HOST_GUESTS];
struct host_guest *host = host_guests;
unsigned host_words;
void (*host_yields)(void);

void *port_frame_map(mfn_t mfn)
{
    assert(mfn.v >= FIRST_FRAME && mfn.v < FIRST_FRAME + HOST_GUESTS);
    return &host_guests[mfn.v - FIRST_FRAME].page;
}

int event_open_backend(struct hv_domain *domain, event_listener *listener, uint32_t *port)
{
    assert(domain == &host->domain && listener == xenstore_run);
    *port = HOST_PORT;
    return 0;
}

void event_notify(struct hv_domain *domain, uint32_t port)
{
    assert(port == HOST_PORT && domain->services);
    ((struct host_guest *)domain)->notifications++;
}

bool port_preempt_wanted(void)
{
    return host_yields;
}

void port_yield(void)
{
    host_yields();
}

void port_halt(const char *file, int line, const char *condition)
{
    (void)file;
    (void)line;
    (void)condition;
    abort();
}

void print(const char *format, ...)
{
    (void)format;
    host_words++;
}

void host_make(unsigned domid, bool privileged)
{
    memset(host, 0, sizeof(*host));
    host->domain.services = &host->services;
    host->domain.engine.id = DOMID((uint16_t)domid);
    host->domain.engine.privileged = privileged;
    host->domain.engine.nr_frames = 256;
    host->domain.engine.max_frames = 512;
    host->domain.engine.nr_vcpus = 2;
    host->domain.vcpus_at_start = 2;
    strcpy(host->domain.name, "guest");
    for (unsigned i = 0; i < sizeof(host->domain.uuid); i++)
        host->domain.uuid[i] = (uint8_t)(0xf0 - i);
    host->domain.uuid[15] = (uint8_t)domid;
    if (xenstore_create(&host->domain, MFN(FIRST_FRAME + (unsigned)(host - host_guests))))
        abort();
}

void host_introduce(void)
{
    if (xenstore_introduce(&host->domain))
        abort();
}

void host_come(unsigned domid, bool privileged)
{
    host_make(domid, privileged);
    host_introduce();
}

void host_go(void)
{
    if (host->domain.services)
        xenstore_destroy(&host->domain);
    host->domain.services = NULL;
}

void host_begin(void)
{
    memset(host_guests, 0, sizeof(host_guests));
    host = host_guests;
    host_words = 0;
    host_yields = NULL;
    host_come(3, false);
}

void host_end(void)
{
    for (host = host_guests; host < host_guests + HOST_GUESTS; host++)
        host_go();
    host = host_guests;
    if (objects != 0)
        abort();
}

size_t host_put(const void *from, size_t size)
{
    struct xenstore_domain_interface *ring = &host->page.ring;
    size_t count = 0;

    for (; count < size && ring->req_prod - ring->req_cons < XENSTORE_RING_SIZE; count++)
        ring->req[MASK_XENSTORE_IDX(ring->req_prod++)] = ((const char *)from)[count];
    return count;
}

size_t host_take(void *to, size_t size)
{
    struct xenstore_domain_interface *ring = &host->page.ring;
    size_t count = 0;

    for (; count < size && ring->rsp_cons != ring->rsp_prod; count++)
        ((char *)to)[count] = ring->rsp[MASK_XENSTORE_IDX(ring->rsp_cons++)];
    return count;
}
