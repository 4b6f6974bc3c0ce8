/* SPDX-License-Identifier: MIT */
/* The list of findings: what is kept where there are too many. */
/* links: hv/kernel/findings.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/kernel/findings.h>

static void test_order(void **state)
{
    struct findings findings = {.count = 0};

    (void)state;
    assert_null(findings_refusal(&findings));
    findings_add(&findings, FINDING_NOTE_CLIPPED);
    assert_null(findings_refusal(&findings));
    findings_add(&findings, FINDING_ENTRY);
    findings_add(&findings, FINDING_LOADER);
    assert_int_equal(findings.count, 3);
    assert_int_equal(findings_refusal(&findings)->id, FINDING_ENTRY);
}

/* A refusal takes the place of a remark, and nothing takes that of a refusal. */
static void test_no_room(void **state)
{
    struct findings findings = {.count = 0};

    (void)state;
    for (unsigned i = 0; i < 2 * FINDINGS_MAX; i++)
        findings_add(&findings, FINDING_FEATURE_ABSENT);
    assert_int_equal(findings.count, FINDINGS_MAX);
    for (unsigned i = 0; i < 2 * FINDINGS_MAX; i++) {
        findings_add(&findings, i == 0 ? FINDING_FEATURE : FINDING_ENTRY);
        assert_int_equal(findings_refusal(&findings)->id, FINDING_FEATURE);
    }
    findings_add(&findings, FINDING_FEATURE_ABSENT);
    assert_int_equal(findings.count, FINDINGS_MAX);
    for (unsigned i = 0; i < FINDINGS_MAX; i++)
        assert_true(finding_refuses(findings.list[i].id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_no_room)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
