/* SPDX-License-Identifier: MIT */
/* The words for refusals of calls, and of both kinds of refusals alike. */
/* links: hv/domain/call_refuse.c hv/domain/advice.c engine/refuse.c */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/domain/advice.h>
#include <hv/domain/refusals.h>

void port_refused(const struct refusal *refusal)
{
    (void)refusal;
}

/* "the port %lu": one number, of 64 bits. */
static void assert_value(const char *value)
{
    const char *number = strchr(value, '%');

    assert_non_null(number);
    assert_true(strncmp(value, "the ", 4) == 0 && number[-1] == ' ');
    number += 1 + strspn(number + 1, "0123456789");
    assert_true(strcmp(number, "lu") == 0 || strcmp(number, "lx") == 0);
}

/* What is said of each is a phrase, and what to do whole sentences, in one line and without what JSON would escape. */
static void test_words(void **state)
{
    (void)state;
    for (enum call_reason reason = CALL_REASON_NONE + 1; reason < CALL_REASON_COUNT; reason++) {
        const struct call_reason_words *words = call_reason_words(reason);

        assert_true(isupper(words->name[0]));
        assert_value(words->value);
        assert_true(strlen(words->text) > 10 && words->text[strlen(words->text) - 1] != '.');
        if (strlen(words->advice) < 6 || words->advice[strlen(words->advice) - 1] != '.')
            fail_msg("%s: %s", words->name, words->advice);
        assert_null(strpbrk(words->text, "\n\"\\"));
        assert_null(strpbrk(words->advice, "\n\"\\"));
        assert_null(strstr(words->advice, "  "));
        for (enum call_reason other = CALL_REASON_NONE + 1; other < reason; other++)
            assert_string_not_equal(call_reason_words(other)->name, words->name);
    }
}

static void test_both_kinds(void **state)
{
    struct noted_refusal noted = {.refusal.reason = REFUSE_SELF_MAP};

    (void)state;
    assert_string_equal(refusals_name(&noted), "SELF_MAP");
    assert_ptr_equal(refusals_text(&noted), refusal_text(REFUSE_SELF_MAP));
    assert_ptr_equal(refusals_advice(&noted), advice_for(REFUSE_SELF_MAP));
    noted.why = WHY_PORT_CLOSED;
    assert_string_equal(refusals_name(&noted), "PORT_CLOSED");
    assert_string_equal(refusals_text(&noted), "no channel is open at this port");
    assert_ptr_equal(refusals_advice(&noted), call_reason_words(WHY_PORT_CLOSED)->advice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words), cmocka_unit_test(test_both_kinds)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
