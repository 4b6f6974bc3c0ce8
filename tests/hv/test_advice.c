/* SPDX-License-Identifier: MIT */
/* There is something to do about each reason. */
/* links: hv/domain/advice.c engine/refuse.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/domain/advice.h>

#define LEAST 20u /* characters */

/* The engine hands refusals to this; here none are made. */
void port_refused(const struct refusal *refusal)
{
    (void)refusal;
    fail_msg("nothing is refused here");
}

static void test_complete(void **state)
{
    (void)state;
    for (enum refusal_reason reason = 0; reason < REFUSAL_COUNT; reason++) {
        const char *advice = advice_for(reason);

        if (!advice || strlen(advice) < LEAST || advice[strlen(advice) - 1] != '.')
            fail_msg("%s: \"%s\"", refusal_name(reason), advice ? advice : "");
        if (strstr(advice, "  ") || strchr(advice, '\n'))
            fail_msg("%s: is not one paragraph", refusal_name(reason));
    }
    assert_null(advice_for(REFUSAL_COUNT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_complete)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
