/* SPDX-License-Identifier: MIT */
/* Who holds what of a domain that is to be built anew: what is said, and which of them is ended. */
/* links: hv/holders.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <engine/engine.h>
#include <hv/domain/domain.h>
#include <hv/domain/shutdown.h>
#include <hv/holders.h>
#include <tests/hv/lib/said.h>

#define DOMAINS 5u
#define LEFT    2u

static struct hv_domain domains[DOMAINS];
static struct domain *table[DOMAINS + 1];
static const struct machine machine = {.domains = table, .nr_domains = DOMAINS + 1};
static uint64_t mapped[DOMAINS];
static unsigned ended;

uint64_t domain_count_mapped(struct domain *domain, domid_t granter)
{
    assert_int_equal(granter.v, LEFT);
    assert_true(hv_domain_is_alive(hv_domain_of(domain)));
    return mapped[domain->id.v];
}

void shutdown_domain(struct hv_domain *domain, unsigned reason)
{
    assert_int_equal(reason, SHUTDOWN_crash);
    domain->ended = true;
    ended |= 1u << domain->engine.id.v;
}

/* Four domains that live, and what is left of a third one. */
static int set_up(void **state)
{
    (void)state;
    memset(domains, 0, sizeof(domains));
    memset(mapped, 0, sizeof(mapped));
    for (unsigned i = 0; i < DOMAINS; i++) {
        domains[i].engine.id = DOMID((uint16_t)i);
        domains[i].name[0] = (char)('a' + i);
        table[i] = &domains[i].engine;
    }
    domains[LEFT].engine.dying = true;
    domains[LEFT].engine.nr_frames = 9;
    ended = 0;
    said[0] = '\0';
    return 0;
}

static void test_guests(void **state)
{
    (void)state;
    mapped[0] = 3;
    mapped[3] = 1;
    holders_say(&machine, &domains[LEFT]);
    assert_string_equal(said, "domain 2 (c): it is to be built anew, and 9 frames of it are still in use\n"
                              "domain 0 (a): it maps 3 grants of domain 2 (c)\n"
                              "domain 3 (d): it maps 1 grants of domain 2 (c)\n");
    assert_false(holders_end_back_ends(&machine, &domains[LEFT]));
    assert_int_equal(ended, 0);
}

/* One that has ended already gives back what it has anyway. */
static void test_back_ends(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DOMAINS; i++)
        domains[i].is_back_end = i != 3;
    mapped[0] = mapped[3] = mapped[4] = 2;
    assert_true(holders_end_back_ends(&machine, &domains[LEFT]));
    assert_int_equal(ended, 1u << 0 | 1u << 4);
    assert_said("domain 4 (e): it is ended, so that domain 2 (c) gets its frames back\n");
    assert_false(holders_end_back_ends(&machine, &domains[LEFT]));
}

static void test_nobody(void **state)
{
    (void)state;
    holders_say(&machine, &domains[LEFT]);
    assert_said("domain 2 (c): they are mapped by privilege, not by grants\n");
    assert_false(holders_end_back_ends(&machine, &domains[LEFT]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_guests, set_up),
        cmocka_unit_test_setup(test_back_ends, set_up),
        cmocka_unit_test_setup(test_nobody, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
