/* SPDX-License-Identifier: MIT */
/* Ports by their numbers: which are known, which is the lowest free one, and the memory that they take. */
/* links: hv/domain/event_table.c tests/hv/lib/objects.c tests/hv/lib/port_halt.c tests/hv/lib/call_refused.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <hv/domain/event_table.h>
#include <tests/hv/lib/call_refused.h>
#include <tests/hv/lib/objects.h>

static struct hv_domain domain;
static unsigned allowed; /* objects that there is memory for */

static bool fails(void)
{
    return objects >= allowed;
}

static int set_up(void **state)
{
    (void)state;
    domain = (struct hv_domain){0};
    allowed = UINT32_MAX;
    object_fails = fails;
    return event_table_create(&domain);
}

static int tear_down(void **state)
{
    (void)state;
    event_table_destroy(&domain);
    event_table_destroy(&domain); /* once more is no harm */
    assert_int_equal(objects, 0);
    return 0;
}

static int take(uint32_t limit, uint32_t *port)
{
    int error = event_table_find_free(&domain, limit, port);

    if (!error)
        event_table_open(&domain, *port, (struct event_channel){.state = EVENT_IPI, .other = *port});
    return error;
}

static void take_all(uint32_t limit)
{
    uint32_t port;

    for (uint32_t i = 1; i < limit; i++) {
        assert_int_equal(take(limit, &port), 0);
        assert_int_equal(port, i);
    }
    assert_int_equal(take(limit, &port), -XEN_ENOSPC);
}

static void test_known(void **state)
{
    uint32_t port;

    (void)state;
    assert_non_null(event_table_find(&domain, 0));
    assert_false(event_table_is_open(&domain, 0));
    assert_null(event_table_find(&domain, 1));
    assert_int_equal(take(EVENT_PORTS_MAX, &port), 0);
    assert_int_equal(port, 1);
    assert_true(event_table_is_open(&domain, 1));
    assert_null(event_table_find(&domain, 2));
    event_table_close(&domain, 1);
    assert_non_null(event_table_find(&domain, 1)); /* known, and not in use */
    assert_false(event_table_is_open(&domain, 1));
    assert_null(event_table_find(&domain, EVENT_PORTS_MAX));
    assert_null(event_table_find(&domain, UINT32_MAX));
    event_table_destroy(&domain);
    assert_null(event_table_find(&domain, 0));
    assert_false(event_table_is_open(&domain, 1));
    assert_int_equal(take(EVENT_PORTS_MAX, &port), -XEN_ENOSPC);
}

/* Shows event_channel_op.lowest. */
static void test_lowest(void **state)
{
    const uint32_t gaps[] = {1, 255, 256, 1000, EVENT_PORTS_MAX - 1};
    uint32_t port;

    (void)state;
    take_all(1024); /* the limit is the caller's */
    for (uint32_t i = 1024; i < EVENT_PORTS_MAX; i++)
        assert_int_equal(take(EVENT_PORTS_MAX, &port), 0);
    assert_int_equal(take(EVENT_PORTS_MAX, &port), -XEN_ENOSPC);
    for (unsigned i = 5; i-- > 0;)
        event_table_close(&domain, gaps[i]);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(take(EVENT_PORTS_MAX, &port), 0);
        assert_int_equal(port, gaps[i]);
    }
    for (uint32_t i = 1; i < EVENT_PORTS_MAX; i++)
        assert_int_equal(event_table_find(&domain, i)->other, i);
}

static void test_forget(void **state)
{
    uint32_t port;

    (void)state;
    take_all(768);
    for (port = 1; port < 768; port++)
        event_table_close(&domain, port);
    event_table_forget(&domain);
    assert_int_equal(objects, 2);
    assert_non_null(event_table_find(&domain, 0));
    assert_null(event_table_find(&domain, 1));
    assert_null(event_table_find(&domain, 300));
    take_all(768);
    assert_int_equal(take(768, &port), -XEN_ENOSPC);
}

/*
 * XSA-47, XSA-317: where no memory is left, whatever is asked for next, nothing else changes.
 * Shows event_channel_op.no-memory.
 */
static void xsa_47_no_memory_for_a_page(void **state)
{
    uint32_t port;

    (void)state;
    take_all(EVENT_PAGE_PORTS);
    allowed = objects;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(take(EVENT_PORTS_MAX, &port), -XEN_ENOMEM);
    assert_refused(WHY_HYPERVISOR_MEMORY, domain.engine.id.v);
    assert_null(event_table_find(&domain, EVENT_PAGE_PORTS));
    for (uint32_t i = 1; i < EVENT_PAGE_PORTS; i++)
        assert_true(event_table_is_open(&domain, i));
    event_table_close(&domain, 7);
    assert_int_equal(take(EVENT_PORTS_MAX, &port), 0); /* below there is one */
    assert_int_equal(port, 7);
    allowed = UINT32_MAX;
    assert_int_equal(take(EVENT_PORTS_MAX, &port), 0);
    assert_int_equal(port, EVENT_PAGE_PORTS);
}

static void test_no_memory_for_the_table(void **state)
{
    (void)state;
    event_table_destroy(&domain);
    for (allowed = 0; allowed < 2; allowed++) {
        assert_int_equal(event_table_create(&domain), -XEN_ENOMEM);
        assert_int_equal(objects, 0);
        assert_null(event_table_find(&domain, 0));
    }
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_known),
        TEST(test_lowest),
        TEST(test_forget),
        cmocka_unit_test_setup_teardown(xsa_47_no_memory_for_a_page, set_up, tear_down),
        TEST(test_no_memory_for_the_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
