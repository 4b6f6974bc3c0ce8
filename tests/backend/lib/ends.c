/* SPDX-License-Identifier: MIT */
/* The calls of guest/grant.h and guest/event.h that a back end connects by; what there is, the test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <tests/backend/lib/ends.h>

unsigned ends_mapped, ends_bound;
static event_handler *handlers[ENDS_PORTS]; /* of those that are bound */

int grant_map_pages(struct grant_pages *pages, unsigned domain, const grant_ref_t *refs, unsigned count)
{
    *pages = (struct grant_pages){0};
    pages->start = ends_find_pages(domain, refs, count);
    if (!pages->start)
        return -XEN_EINVAL;
    pages->count = count;
    ends_mapped++;
    return 0;
}

void grant_unmap_pages(struct grant_pages *pages)
{
    ends_mapped -= pages->start != NULL;
    *pages = (struct grant_pages){0};
}

int event_bind_interdomain(unsigned domain, evtchn_port_t remote, event_handler *handler, evtchn_port_t *port)
{
    handler(1);
    if (!ends_has_port(domain, remote) || handlers[remote])
        return -XEN_EINVAL;
    *port = remote + ENDS_LOCAL;
    handlers[remote] = handler;
    ends_bound++;
    return 0;
}

static evtchn_port_t remote_of(evtchn_port_t port)
{
    assert_in_range(port, ENDS_LOCAL, ENDS_LOCAL + ENDS_PORTS - 1);
    assert_non_null(handlers[port - ENDS_LOCAL]);
    return port - ENDS_LOCAL;
}

int event_close(evtchn_port_t port)
{
    handlers[remote_of(port)] = NULL;
    ends_bound--;
    return 0;
}

int event_send(evtchn_port_t port)
{
    ends_tell(remote_of(port));
    return 0;
}

bool ends_send(evtchn_port_t port)
{
    assert_in_range(port, 0, ENDS_PORTS - 1);
    if (handlers[port])
        handlers[port](port + ENDS_LOCAL);
    return handlers[port];
}
