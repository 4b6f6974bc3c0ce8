/* SPDX-License-Identifier: MIT */
/* The power button: which domains are asked, how often, and what is said of it. */
/* links: hv/service/power_button.c hv/service/store_text.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <hv/base/power.h>
#include <hv/domain/domain.h>
#include <hv/service/power_button.h>
#include <hv/service/xenstore.h>
#include <tests/hv/lib/said.h>

static struct hv_domain guest, full, back_end, ended;
static struct domain *domains[8] = {
    [2] = &guest.engine, [3] = &full.engine, [4] = &back_end.engine, [5] = &ended.engine};
static const struct machine machine = {.domains = domains, .nr_domains = 8};

static bool is_pressed;
static unsigned asked[2];

bool power_button_is_pressed(void)
{
    bool pressed = is_pressed;

    is_pressed = false;
    return pressed;
}

int xenstore_write(struct hv_domain *domain, const char *name, struct store_text value)
{
    assert_true(domain == &guest || domain == &full);
    assert_string_equal(name, "control/shutdown");
    assert_int_equal(value.length, strlen("poweroff"));
    assert_memory_equal(value.bytes, "poweroff", value.length);
    asked[domain == &full]++;
    return domain == &full ? -XEN_ENOSPC : 0;
}

/* Guests that live, and nobody else; one that cannot be asked keeps no other from it. */
static void test_button(void **state)
{
    (void)state;
    guest = (struct hv_domain){.engine = {.id = DOMID(2)}, .name = "box"};
    full = (struct hv_domain){.engine = {.id = DOMID(3)}, .name = "full"};
    back_end = (struct hv_domain){.engine = {.id = DOMID(4)}, .name = "backend", .is_back_end = true};
    ended = (struct hv_domain){.engine = {.id = DOMID(5)}, .name = "gone", .ended = true};
    power_button_poll(&machine);
    assert_int_equal(asked[0] + asked[1], 0);
    assert_string_equal(said, "");
    is_pressed = true;
    power_button_poll(&machine);
    power_button_poll(&machine);
    assert_int_equal(asked[0], 1);
    assert_int_equal(asked[1], 1);
    assert_string_equal(said, "domain 2 (box): the power button: it is asked to power off\n"
                              "domain 3 (full): the power button: it cannot be asked to power off\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_button),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
