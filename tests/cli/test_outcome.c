/* SPDX-License-Identifier: MIT */
/* How guests ended, by lines of the hypervisor's log: what is an end, and of whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <cli/outcome.h>

static struct outcomes outcomes;

static int begin(void **state)
{
    (void)state;
    outcomes = (struct outcomes){
        .count = 3, .list = {{.number = 1, .name = "a"}, {.number = 12, .name = "a"}, {.number = 2, .name = "a)"}}};
    return 0;
}

static void assert_words(unsigned place, const char *words)
{
    assert_string_equal(outcomes.list[place].words, words);
}

static void test_whose(void **state)
{
    (void)state;
    outcomes_note(&outcomes, "domain 12 (a) powered off");
    assert_words(1, "powered off");
    assert_words(0, "");
    outcomes_note(&outcomes, "domain 2 (a)) crashed");
    assert_words(2, "crashed");
    outcomes_note(&outcomes, "domain 1 (b) crashed");
    outcomes_note(&outcomes, " domain 1 (a) crashed");
    outcomes_note(&outcomes, "domain 1");
    outcomes_note(&outcomes, "");
    assert_words(0, "");
}

/* The first words that say why are kept; other lines about a domain are none of its end. */
static void test_what(void **state)
{
    (void)state;
    outcomes_note(&outcomes, "domain 1 (a): 4096 KiB in 1024 frames");
    assert_false(outcomes.list[0].is_built);
    outcomes_note(&outcomes, "domain 1 (a): built, and its tables validated, in 5 us");
    assert_true(outcomes.list[0].is_built);
    outcomes_note(&outcomes, "domain 1 (a) is here:");
    assert_words(0, "");
    outcomes_note(&outcomes, "domain 1 (a) crashed: bad page fault");
    outcomes_note(&outcomes, "domain 1 (a) crashed");
    outcomes_note(&outcomes, "domain 1 (a) has left 3 frames behind:");
    outcomes_note(&outcomes,
                  "domain 1 (a): 5 of its frames are still in use, and stay until others have let go of them");
    assert_words(0, "crashed: bad page fault");
}

static void test_reboot(void **state)
{
    (void)state;
    outcomes_note(&outcomes, "domain 1 (a) wants to reboot");
    outcomes_note(&outcomes, "domain 1 (a): restart 1");
    assert_words(0, "");
    outcomes_note(&outcomes, "domain 1 (a) cannot be built: there is no memory");
    assert_words(0, "cannot be built: there is no memory");
    outcomes.list[1].ends_by_reboot = true;
    outcomes_note(&outcomes, "domain 12 (a) wants to reboot");
    assert_words(1, "wants to reboot");
}

static void test_reason(void **state)
{
    (void)state;
    assert_string_equal(outcome_reason("domain 1 (a) wants to reboot"), "; ended, as --on-reboot destroy says");
    assert_string_equal(outcome_reason("wants to reboot"), "; ended, as --on-reboot destroy says");
    assert_string_equal(outcome_reason("powered off"), "");
    assert_string_equal(outcome_reason("ants to reboot"), "");
    assert_string_equal(outcome_reason(""), "");
}

/* What to do about it comes last. */
static void test_advice(void **state)
{
    static const char words[] =
        "cannot be built: the domain is to have 204800 KiB of memory, and the machine has 45772 "
        "KiB left: give the domain less or the machine more";
    char line[LOG_LINE_LENGTH] = "domain 1 (a) ";

    (void)state;
    strcat(line, words);
    outcomes_note(&outcomes, line);
    assert_words(0, words);
}

static void test_long(void **state)
{
    char line[1000] = "domain 1 (a) ";

    (void)state;
    memset(line + strlen(line), 'x', sizeof(line) - strlen(line) - 1);
    outcomes_note(&outcomes, line);
    assert_int_equal(strlen(outcomes.list[0].words), OUTCOME_WORDS_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_whose, begin),  cmocka_unit_test_setup(test_what, begin),
        cmocka_unit_test_setup(test_reboot, begin), cmocka_unit_test_setup(test_reason, begin),
        cmocka_unit_test_setup(test_advice, begin), cmocka_unit_test_setup(test_long, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
