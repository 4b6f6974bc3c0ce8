/* SPDX-License-Identifier: MIT */
/* Who borrows, in order: the steps; what remains when the lender has ended. */
#include <abi/errno.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guests/tests/lend/lend.h>
#include <guests/tests/lib/test.h>

/* Pages of the window, and the handles of what is mapped there. */
enum {
    AT_CONTROL,
    AT_PAGE,
    AT_READONLY,
    AT_TWICE,
    AT_MOVED,
    AT_NOTHING,
    PLACES,
};

static grant_handle_t handles[PLACES];
static unsigned peer;

static volatile struct control *control(void)
{
    return (volatile struct control *)(uintptr_t)window(AT_CONTROL);
}

static volatile uint64_t *words(unsigned place)
{
    return (volatile uint64_t *)(uintptr_t)window(place);
}

static void map(const char *name, grant_ref_t ref, unsigned place, uint32_t flags, int want)
{
    int16_t status = map_grant(peer, ref, window(place), flags, &handles[place]);

    test_equal(name, (uint64_t)status, (uint64_t)want);
}

static void map_control(void)
{
    unsigned times = 0;

    while (map_grant(peer, REF_CONTROL, window(AT_CONTROL), GNTMAP_host_map, &handles[AT_CONTROL])) {
        if (!wait_a_little(&times))
            test_error("domain %u lends nothing", peer);
    }
    test_ok("the control page is mapped");
}

static void map_pages(void)
{
    map("a read-only grant is not mapped writable", REF_READONLY, AT_READONLY, GNTMAP_host_map, GNTST_general_error);
    map("but to be read", REF_READONLY, AT_READONLY, GNTMAP_host_map | GNTMAP_readonly, GNTST_okay);
    map("the page", REF_PAGE, AT_PAGE, GNTMAP_host_map, GNTST_okay);
    map("what is lent to another", REF_OTHERS, AT_NOTHING, GNTMAP_host_map, GNTST_general_error);
    map("what is not lent", REF_NOTHING, AT_NOTHING, GNTMAP_host_map, GNTST_general_error);
    map("beyond the table", 100000, AT_NOTHING, GNTMAP_host_map, GNTST_bad_gntref);
    map("a table, to be written", REF_TABLE, AT_NOTHING, GNTMAP_host_map, GNTST_general_error);
    map("for nobody", REF_PAGE, AT_NOTHING, GNTMAP_readonly, GNTST_bad_gntref);
    test_equal("what the lender has written", words(AT_PAGE)[0], WORD_OF_LENDER);
    test_equal("there, too", words(AT_READONLY)[0], WORD_OF_LENDER);
    words(AT_PAGE)[1] = WORD_OF_BORROWER;
}

/* The guest's own updates can neither make such an entry nor give it more rights. */
static void update_entries(void)
{
    uint64_t entry;

    test_need(!table_walk(window(AT_READONLY), &entry), "an entry");
    test_result("more rights by an ordinary update", table_map(window(AT_READONLY), entry | PTE_RW), -XEN_EBUSY);
    test_result("another entry like it", table_map(window(AT_NOTHING), entry), -XEN_EBUSY);
}

static void copy_pages(void)
{
    uint64_t *own = page_alloc();
    struct gnttab_copy from = {.source = {.u.ref = REF_READONLY, .domid = (uint16_t)peer},
                               .dest = {.u.gmfn = (xen_pfn_t)virt_to_mfn(own).v, .domid = DOMID_SELF, .offset = 16},
                               .len = 8,
                               .flags = GNTCOPY_source_gref};
    struct gnttab_copy to = {.source = {.u.gmfn = (xen_pfn_t)virt_to_mfn(own).v, .domid = DOMID_SELF, .offset = 16},
                             .dest = {.u.ref = REF_PAGE, .domid = (uint16_t)peer, .offset = 32},
                             .len = 8,
                             .flags = GNTCOPY_dest_gref};

    test_equal("copy from a grant", (uint64_t)copy_grant(&from), GNTST_okay);
    test_equal("the bytes", own[2], WORD_OF_LENDER);
    test_equal("copy to a grant", (uint64_t)copy_grant(&to), GNTST_okay);
    test_equal("the bytes", words(AT_PAGE)[4], WORD_OF_LENDER);
    to.dest.u.ref = REF_READONLY;
    test_equal("copy to a read-only one", (uint64_t)copy_grant(&to), (uint64_t)GNTST_general_error);
    to.dest.u.ref = REF_TABLE;
    test_equal("copy to a table", (uint64_t)copy_grant(&to), (uint64_t)GNTST_general_error);
    to.dest = (struct gnttab_copy_ptr){.u.gmfn = 1, .domid = (uint16_t)peer};
    to.flags = 0;
    test_equal("copy to the lender's frame by its number", (uint64_t)copy_grant(&to),
               (uint64_t)GNTST_permission_denied);
    page_free(own);
}

static void map_twice(void)
{
    map("the page once more", REF_PAGE, AT_TWICE, GNTMAP_host_map, GNTST_okay);
    words(AT_TWICE)[2] = WORD_OF_BORROWER;
    test_equal("it is the same", words(AT_PAGE)[2], WORD_OF_BORROWER);
}

static void send_event(void)
{
    struct evtchn_bind_interdomain bind = {.remote_dom = (uint16_t)peer, .remote_port = control()->port};
    unsigned times = 0;

    test_result("bind_interdomain", hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &bind), 0);
    test_result("send", event_send(bind.local_port), 0);
    while (control()->events_seen == 0) {
        if (!wait_a_little(&times))
            test_error("the lender does not see the event");
    }
    test_ok("the lender has seen it");
}

/* What AT_TWICE maps replaces the mapping at AT_PAGE, whose handle goes; the other one's is good at the new place. */
static void move(void)
{
    struct gnttab_unmap_and_replace replace = {
        .host_addr = window(AT_PAGE), .new_addr = window(AT_TWICE), .handle = handles[AT_PAGE]};
    uint64_t entry;

    test_result("unmap_and_replace", hypercall_grant_table_op(GNTTABOP_unmap_and_replace, &replace, 1), 0);
    test_equal("its status", (uint64_t)replace.status, GNTST_okay);
    test_check(!table_walk(window(AT_TWICE), &entry) || !(entry & PTE_P), "nothing is where it came from", "%" PRIx64,
               entry);
    test_equal("it is where it was to go", words(AT_PAGE)[2], WORD_OF_BORROWER);
    handles[AT_PAGE] = handles[AT_TWICE];
}

static void give_back(void)
{
    test_equal("at a wrong address", (uint64_t)unmap_grant(handles[AT_PAGE], window(AT_READONLY)),
               (uint64_t)GNTST_general_error);
    test_equal("unmap the page", (uint64_t)unmap_grant(handles[AT_PAGE], window(AT_PAGE)), GNTST_okay);
    test_equal("again", (uint64_t)unmap_grant(handles[AT_PAGE], window(AT_PAGE)), (uint64_t)GNTST_bad_handle);
    test_equal("unmap the other one", (uint64_t)unmap_grant(handles[AT_READONLY], window(AT_READONLY)), GNTST_okay);
}

static void nothing_more(void)
{
}

static void (*const steps[])(void) = {
    [STEP_CONTROL] = map_control, [STEP_MAPPED] = map_pages, [STEP_COPIED] = copy_pages,    [STEP_TWICE] = map_twice,
    [STEP_SENT] = send_event,     [STEP_MOVED] = move,       [STEP_GIVEN_BACK] = give_back, [STEP_LAST] = nothing_more,
};

/* The lender goes on when it has looked at the step before. */
static void wait_for_lender(unsigned step)
{
    unsigned times = 0;

    while (control()->ready < step) {
        if (!wait_a_little(&times))
            test_error("the lender does not come to step %u", step);
    }
}

/*
 * ---- The lender has ended.
 */

static bool lender_is_there(void)
{
    grant_handle_t handle;
    int16_t status = map_grant(peer, REF_CONTROL, window(AT_NOTHING), GNTMAP_host_map, &handle);

    if (status == GNTST_okay)
        test_equal("it is still there", (uint64_t)unmap_grant(handle, window(AT_NOTHING)), GNTST_okay);
    return status != GNTST_bad_domain;
}

/* Its pages are others than those that are still mapped; having seen this it does not wait for the rest. */
static void see_next_life(void)
{
    volatile struct control *next = (volatile struct control *)(uintptr_t)window(AT_NOTHING);
    grant_handle_t handle;
    unsigned times = 0;

    while (map_grant(peer, REF_CONTROL, window(AT_NOTHING), GNTMAP_host_map, &handle) != GNTST_okay) {
        if (!wait_a_little(&times))
            test_error("the lender does not come again");
    }
    test_equal("the lender is there again, with a page of its own", next->step, 0);
    next->step = STEP_CONTROL;
    test_equal("unmap that", (uint64_t)unmap_grant(handle, window(AT_NOTHING)), GNTST_okay);
}

static void keep_what_is_mapped(unsigned step)
{
    unsigned times = 0;

    while (lender_is_there()) {
        if (!wait_a_little(&times))
            test_error("the lender does not end");
    }
    if (guest_option("next", 0))
        see_next_life();
    test_equal("the control page is still what it was", control()->step, step);
    if (step >= STEP_MAPPED && step < STEP_GIVEN_BACK) {
        test_equal("so is the other one", words(AT_READONLY)[0], WORD_OF_LENDER);
        words(AT_PAGE)[7] = step;
        test_equal("which can be written", words(AT_PAGE)[7], step);
        test_equal("unmap it", (uint64_t)unmap_grant(handles[AT_PAGE], window(AT_PAGE)), GNTST_okay);
        test_equal("and that", (uint64_t)unmap_grant(handles[AT_READONLY], window(AT_READONLY)), GNTST_okay);
    }
    if (step >= STEP_TWICE && step < STEP_MOVED)
        test_equal("and the second", (uint64_t)unmap_grant(handles[AT_TWICE], window(AT_TWICE)), GNTST_okay);
}

void be_borrower(unsigned lender, unsigned end, unsigned orphan)
{
    peer = lender;
    for (unsigned step = STEP_CONTROL; step <= STEP_LAST; step++) {
        if (step > STEP_CONTROL)
            wait_for_lender(step - 1);
        steps[step]();
        if (step == STEP_MAPPED)
            update_entries();
        control()->step = step;
        if (step == end) {
            wait_for_lender(step);
            return; /* with all that is mapped */
        }
        if (step == orphan) {
            keep_what_is_mapped(step);
            break;
        }
    }
    test_equal("unmap the control page", (uint64_t)unmap_grant(handles[AT_CONTROL], window(AT_CONTROL)), GNTST_okay);
}
