/* SPDX-License-Identifier: MIT */
/* Pages of channels.  Each counts how many of it are in use, so that a free one is found without a look at all. */
#include <abi/errno.h>
#include <engine/check.h>
#include <hv/domain/call_refuse.h>
#include <hv/domain/event_table.h>
#include <hv/mem/allocate.h>

#define CHANNELS_SIZE (EVENT_PAGE_PORTS * sizeof(struct event_channel))
#define PAGES_SIZE    (EVENT_PAGES_MAX * sizeof(struct event_page))

static bool add_page(struct event_page *page)
{
    page->channels = allocate(CHANNELS_SIZE);
    return page->channels;
}

int event_table_create(struct hv_domain *domain)
{
    struct event_page *pages = allocate(PAGES_SIZE);

    if (!pages || !add_page(pages)) {
        release(pages, PAGES_SIZE);
        return -XEN_ENOMEM;
    }
    domain->events.pages = pages;
    event_table_open(domain, 0, (struct event_channel){.state = EVENT_RESERVED});
    return 0;
}

/* Of @pages, those from @first on. */
static void release_pages(struct event_page *pages, unsigned first)
{
    for (unsigned i = first; i < EVENT_PAGES_MAX; i++) {
        release(pages[i].channels, CHANNELS_SIZE);
        pages[i].channels = NULL;
    }
}

void event_table_destroy(struct hv_domain *domain)
{
    struct event_page *pages = domain->events.pages;

    domain->events.pages = NULL;
    domain->events.nr_known = 0;
    if (pages)
        release_pages(pages, 0);
    release(pages, PAGES_SIZE);
}

void event_table_forget(struct hv_domain *domain)
{
    domain->events.nr_known = 1;
    release_pages(domain->events.pages, 1);
}

static struct event_channel *channel_of(const struct hv_domain *domain, uint32_t port)
{
    return &domain->events.pages[port / EVENT_PAGE_PORTS].channels[port % EVENT_PAGE_PORTS];
}

struct event_channel *event_table_find(const struct hv_domain *domain, uint32_t port)
{
    return port < domain->events.nr_known ? channel_of(domain, port) : NULL;
}

bool event_table_is_open(const struct hv_domain *domain, uint32_t port)
{
    const struct event_channel *channel = event_table_find(domain, port);

    return channel && channel->state != EVENT_FREE && channel->state != EVENT_RESERVED;
}

/* The page of the lowest free port, which may have to come first. */
static int find_page(struct hv_domain *domain, uint32_t limit, uint32_t *first)
{
    for (*first = 0; domain->events.pages && *first < limit; *first += EVENT_PAGE_PORTS) {
        struct event_page *page = &domain->events.pages[*first / EVENT_PAGE_PORTS];

        if (!page->channels)
            return add_page(page) ? 0 : call_refuse(-XEN_ENOMEM, WHY_HYPERVISOR_MEMORY, domain->engine.id.v);
        if (page->open < EVENT_PAGE_PORTS)
            return 0;
    }
    return call_refuse(-XEN_ENOSPC, WHY_NO_PORT_FREE, limit);
}

int event_table_find_free(struct hv_domain *domain, uint32_t limit, uint32_t *port)
{
    uint32_t first;
    int error = find_page(domain, limit, &first);

    if (error)
        return error;
    for (*port = first; *port < first + EVENT_PAGE_PORTS; ++*port) {
        if (channel_of(domain, *port)->state == EVENT_FREE)
            return 0;
    }
    CHECK(false); /* one of them is free: they are counted */
    return -XEN_ENOSPC;
}

void event_table_open(struct hv_domain *domain, uint32_t port, struct event_channel channel)
{
    struct event_channel *place = channel_of(domain, port);

    channel.queue = place->queue;
    channel.priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    *place = channel;
    domain->events.pages[port / EVENT_PAGE_PORTS].open++;
    if (port >= domain->events.nr_known)
        domain->events.nr_known = port + 1;
}

void event_table_close(struct hv_domain *domain, uint32_t port)
{
    struct event_channel *channel = channel_of(domain, port);

    *channel = (struct event_channel){.state = EVENT_FREE, .queue = channel->queue};
    domain->events.pages[port / EVENT_PAGE_PORTS].open--;
}
