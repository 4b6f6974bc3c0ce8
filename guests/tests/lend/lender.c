/* SPDX-License-Identifier: MIT */
/* Who lends, in order: the pages; what the table says at each step; the end. */
#include <abi/sched.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/time.h>
#include <guests/tests/lend/lend.h>
#include <guests/tests/lib/test.h>

#define EARLY UINT64_C(5000000000) /* ns */

static volatile struct grant_entry_v1 *entries;
static volatile struct control *control;
static uint64_t *page, *readonly, *table;
static unsigned events;

static void on_event(evtchn_port_t port)
{
    (void)port;
    events++;
    control->events_seen = events;
}

static void lend(grant_ref_t ref, unsigned domain, const void *what, uint16_t flags)
{
    entries[ref].domid = (uint16_t)domain;
    entries[ref].frame = (uint32_t)virt_to_mfn(what).v;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    entries[ref].flags = flags;
}

static void open_table(void)
{
    uint64_t frame = 0;
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 1, .frame_list = arg_of(&frame)};

    test_need((int)hypercall_grant_table_op(GNTTABOP_setup_table, &setup, 1), "GNTTABOP_setup_table");
    test_need(table_map(window(0), pte_make(MFN(frame), PTE_KERNEL)), "the grant table");
    entries = (volatile struct grant_entry_v1 *)(uintptr_t)window(0);
}

static void *new_page(uint64_t word)
{
    uint64_t *new = page_alloc();

    memset(new, 0, PAGE_SIZE);
    new[0] = word;
    return new;
}

static void lend_all(unsigned peer)
{
    evtchn_port_t port;

    control = new_page(0);
    page = new_page(WORD_OF_LENDER);
    readonly = new_page(WORD_OF_LENDER);
    table = new_page(0);
    test_need(table_set_readonly(table), "a read-only page");
    test_need(table_pin(table, 1), "a table");
    test_need(event_alloc_unbound(peer, on_event, &port), "a port");
    control->port = port;
    lend(REF_PAGE, peer, page, GTF_permit_access);
    lend(REF_READONLY, peer, readonly, GTF_permit_access | GTF_readonly);
    lend(REF_OTHERS, peer + 100, page, GTF_permit_access);
    lend(REF_TABLE, peer, table, GTF_permit_access);
    lend(REF_CONTROL, peer, (const void *)(uintptr_t)control, GTF_permit_access);
}

static bool is_used(grant_ref_t ref)
{
    return entries[ref].flags & (GTF_reading | GTF_writing);
}

/* Could the page become a table?  Not while anybody can write it. */
static bool can_be_table(void *what)
{
    bool pinned;

    test_need(table_set_readonly(what), "a read-only page");
    pinned = !table_pin(what, 1);
    if (pinned)
        test_need(table_unpin(what), "a page again");
    test_need(table_set_writable(what), "a writable page");
    return pinned;
}

static void use_as_table(uint64_t *what)
{
    memset(what, 0, PAGE_SIZE);
    test_check(can_be_table(what), "a page that nobody else maps can become a table", "it cannot");
}

/* Wait until the borrower has come to @step.  False: it has ended. */
static bool wait_for(unsigned step)
{
    unsigned times = 0;

    while (control->step < step) {
        if (control->step >= STEP_CONTROL && !is_used(REF_CONTROL))
            return false;
        if (!wait_a_little(&times))
            test_error("the borrower does not come to step %u", step);
    }
    return true;
}

static void look_while_mapped(void)
{
    test_equal("the page is in use, to be written", entries[REF_PAGE].flags & 0x1f,
               GTF_permit_access | GTF_reading | GTF_writing);
    test_equal("the other one to be read", entries[REF_READONLY].flags & 0x1f,
               GTF_permit_access | GTF_readonly | GTF_reading);
    test_check(!can_be_table(page), "a page that somebody writes cannot become a table", "it can");
    test_equal("what the borrower has written", page[1], WORD_OF_BORROWER);
    test_check(!is_used(REF_OTHERS) && !is_used(REF_NOTHING), "nothing else is in use", "%x, %x",
               entries[REF_OTHERS].flags, entries[REF_NOTHING].flags);
}

/* What is left of the borrower gives back one after another, and others run meanwhile. */
static void look_at_the_end(void)
{
    for (grant_ref_t ref = REF_CONTROL; ref < REFS; ref++) {
        unsigned times = 0;

        while (is_used(ref) && wait_a_little(&times))
            ;
        test_check(!is_used(ref), "not in use any more", "%u: flags %x", ref, entries[ref].flags);
    }
    use_as_table(page);
    use_as_table(readonly);
}

static void look(unsigned step)
{
    if (step == STEP_MAPPED)
        look_while_mapped();
    if (step == STEP_SENT)
        test_check(events == 1, "the borrower's event has come", "%u have", events);
}

/* In the first of two lives. */
static void come_again(void)
{
    if (guest_option("again", 0) && time_now() < EARLY)
        guest_shutdown(SHUTDOWN_reboot);
}

void be_lender(unsigned peer, unsigned end)
{
    open_table();
    lend_all(peer);
    test_ok("lent");
    for (unsigned step = STEP_CONTROL; step <= STEP_LAST && wait_for(step); step++) {
        look(step);
        if (step == end) {
            come_again();
            return;
        }
        control->ready = step;
    }
    look_at_the_end();
}
