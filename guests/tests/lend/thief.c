/* SPDX-License-Identifier: MIT */
/* Who guesses: domains, references, handles, frames, ports.  Nothing is lent to it, and it gets nothing. */
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guests/tests/lend/lend.h>
#include <guests/tests/lib/test.h>

#define DOMAINS    20u
#define REFS_TRIED 40u
#define HANDLES    400u
#define PORTS      40u
#define ROUNDS     20u

static unsigned guess_mappings(unsigned domain)
{
    static const uint32_t flags[] = {GNTMAP_host_map, GNTMAP_host_map | GNTMAP_readonly, GNTMAP_device_map};
    unsigned got = 0;

    for (grant_ref_t ref = 0; ref < REFS_TRIED; ref++) {
        for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
            got += map_grant(domain, ref, window(1), flags[i], NULL) == GNTST_okay;
    }
    return got;
}

static unsigned guess_copies(unsigned domain, const void *own_page)
{
    struct gnttab_copy copy = {.dest = {.u.gmfn = (xen_pfn_t)virt_to_mfn(own_page).v, .domid = DOMID_SELF}, .len = 64};
    unsigned got = 0;

    for (grant_ref_t ref = 0; ref < REFS_TRIED; ref++) {
        copy.source = (struct gnttab_copy_ptr){.u.ref = ref, .domid = (uint16_t)domain};
        copy.flags = GNTCOPY_source_gref;
        got += copy_grant(&copy) == GNTST_okay;
        copy.source.u.gmfn = 0x1000 + ref * 0x101;
        copy.flags = 0;
        got += copy_grant(&copy) == GNTST_okay;
    }
    return got;
}

static unsigned guess_ports(unsigned domain)
{
    unsigned got = 0;

    for (unsigned port = 0; port < PORTS; port++) {
        struct evtchn_bind_interdomain bind = {.remote_dom = (uint16_t)domain, .remote_port = port};
        struct evtchn_status status = {.dom = (uint16_t)domain, .port = port};

        got += hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &bind) == 0;
        got += hypercall_event_channel_op(EVTCHNOP_status, &status) == 0;
    }
    return got;
}

static unsigned guess_handles(void)
{
    unsigned got = 0;

    for (grant_handle_t handle = 0; handle < HANDLES; handle++)
        got += unmap_grant(handle, window(1)) != GNTST_bad_handle;
    return got;
}

void be_thief(void)
{
    void *own_page = page_alloc();
    unsigned own = test_own_number(); /* what it does with itself is another matter */
    unsigned mappings = 0, copies = 0, ports = 0, handles = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned domain = 0; domain < DOMAINS; domain++) {
            if (domain == own)
                continue;
            mappings += guess_mappings(domain);
            copies += guess_copies(domain, own_page);
            ports += guess_ports(domain);
        }
        handles += guess_handles();
    }
    test_equal("mappings", mappings, 0);
    test_equal("copies", copies, 0);
    test_equal("ports", ports, 0);
    test_equal("handles", handles, 0);
}
