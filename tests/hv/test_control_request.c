/* SPDX-License-Identifier: MIT */
/* Lines with requests: those that make sense, and what may be wrong with one. */
/* links: hv/service/control_request.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/service/control_request.h>

/* In memory of its own length, so that whoever reads beyond its end is seen. */
static bool parse(const char *text, struct control_request *request)
{
    size_t length = strlen(text);
    uint8_t *bytes = malloc(length ? length : 1);
    bool good;

    assert_non_null(bytes);
    memcpy(bytes, text, length);
    good = control_request_parse((struct blob){bytes, length}, request);
    free(bytes);
    return good;
}

static void test_good(void **state)
{
    static const struct {
        const char *text;
        struct control_request request;
    } rows[] = {
        {"0 list", {0, CONTROL_LIST, 0, 0}},
        {"4294967295 list", {UINT32_MAX, CONTROL_LIST, 0, 0}},
        {"1 poweroff 2", {1, CONTROL_POWEROFF, 2, 0}},
        {"12 reboot 0", {12, CONTROL_REBOOT, 0, 0}},
        {"7 destroy 16", {7, CONTROL_DESTROY, 16, 0}},
        {"7 memory 1 262144", {7, CONTROL_MEMORY, 1, 262144}},
        {"7 memory 1 18446744073709551615", {7, CONTROL_MEMORY, 1, UINT64_MAX}},
        {"7 plug 1 15", {7, CONTROL_PLUG, 1, 15}},
        {"7 unplug 1 0", {7, CONTROL_UNPLUG, 1, 0}},
        {"7 remove 1 0", {7, CONTROL_REMOVE, 1, 0}},
        {"7 vcpus 4294967295 2", {7, CONTROL_VCPUS, UINT32_MAX, 2}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct control_request request;

        assert_true(parse(rows[i].text, &request));
        assert_int_equal(request.id, rows[i].request.id);
        assert_int_equal(request.verb, rows[i].request.verb);
        assert_int_equal(request.domain, rows[i].request.domain);
        assert_int_equal(request.amount, rows[i].request.amount);
    }
}

static void test_bad(void **state)
{
    static const char *const lines[] = {
        "",
        " ",
        "list",
        "1",
        "1 ",
        "1 lis",
        "1 lists",
        "1 list 2",
        "1  list",
        " 1 list",
        "x list",
        "-1 list",
        "4294967296 list",
        "18446744073709551617 list",
        "1 destroy",
        "1 destroy ",
        "1 destroy x",
        "1 destroy 1 1",
        "1 destroy 4294967296",
        "1 plug 1",
        "1 unplug 1 vbd/0",
        "1 remove 1 0 0",
        "1 memory 1",
        "1 memory 1 4k",
        "1 memory 1 18446744073709551616",
        "1 vcpus 1 1 1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct control_request request;

        if (parse(lines[i], &request))
            fail_msg("'%s' is taken for a request", lines[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
