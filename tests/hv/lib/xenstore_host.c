/* SPDX-License-Identifier: MIT */
/* The machine around the xenstore: xenstore_host.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <engine/port.h>
#include <hv/base/print.h>
#include <hv/service/event_channel.h>
#include <hv/service/services.h>
#include <tests/hv/lib/objects.h>
#include <tests/hv/lib/xenstore_host.h>

static struct domain_services services;
struct hv_domain host_domain;
unsigned host_notifications, host_words;
union host_page host_page __attribute__((aligned(4096)));

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

void host_begin(void)
{
    memset(&host_page, 0, sizeof(host_page));
    memset(&host_domain, 0, sizeof(host_domain));
    memset(&services, 0, sizeof(services));
    host_domain.services = &services;
    host_domain.engine.id = DOMID(3);
    host_domain.engine.max_frames = 256;
    host_domain.engine.nr_vcpus = 2;
    strcpy(host_domain.name, "guest");
    host_notifications = 0;
    host_words = 0;
    if (xenstore_create(&host_domain, MFN(5)))
        abort();
}

void host_end(void)
{
    xenstore_destroy(&host_domain);
    if (objects != 0)
        abort();
}

size_t host_put(const void *from, size_t size)
{
    struct xenstore_domain_interface *ring = &host_page.ring;
    size_t count = 0;

    for (; count < size && ring->req_prod - ring->req_cons < XENSTORE_RING_SIZE; count++)
        ring->req[MASK_XENSTORE_IDX(ring->req_prod++)] = ((const char *)from)[count];
    return count;
}

size_t host_take(void *to, size_t size)
{
    struct xenstore_domain_interface *ring = &host_page.ring;
    size_t count = 0;

    for (; count < size && ring->rsp_cons != ring->rsp_prod; count++)
        ((char *)to)[count] = ring->rsp[MASK_XENSTORE_IDX(ring->rsp_cons++)];
    return count;
}
