/* SPDX-License-Identifier: MIT */
/* Whom input is for, and who waits for whom. */
/* links: hv/service/console_input.c hv/base/multiplex.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/serial.h>
#include <hv/domain/domain.h>
#include <hv/service/console_input.h>
#include <hv/service/services.h>
#include <hv/time/time.h>

#define SECOND UINT64_C(1000000000)

static struct domain_services services[2];
static struct hv_domain one = {.services = &services[0]}, two = {.services = &services[1]};
static struct domain *domains[64] = {[1] = &one.engine, [2] = &two.engine};
static const struct machine machine = {.domains = domains, .nr_domains = 64};
static const char *keys;
static size_t nr_keys;
static uint64_t now;

int serial_get(void)
{
    return nr_keys > 0 ? nr_keys--, (unsigned char)*keys++ : -1;
}

uint64_t time_now(void)
{
    return now;
}

static void type(const char *text, size_t count)
{
    keys = text;
    nr_keys = count;
}

static int begin(void **state)
{
    (void)state;
    memset(services, 0, sizeof(services));
    type("", 0);
    now = SECOND;
    (void)console_input_list_wanted();
    return 0;
}

static void assert_input(struct hv_domain *domain, const char *text)
{
    struct console_input *input = &domain->services->console.input;

    assert_int_equal(input->come - input->taken, strlen(text));
    for (; *text; text++)
        assert_int_equal(input->bytes[input->taken++ % CONSOLE_INPUT_MAX], *text);
}

/* Escapes are bytes like others, and nobody is selected. */
static void test_plain(void **state)
{
    (void)state;
    type("a\x10\x42?", 4);
    console_input_take(&machine, NULL);
    assert_int_equal(nr_keys, 4);
    console_input_take(&machine, &one);
    assert_input(&one, "a\x10\x42?");
    assert_false(console_input_list_wanted());
}

static void test_plain_full(void **state)
{
    static char text[CONSOLE_INPUT_MAX + 5];

    (void)state;
    memset(text, 'x', sizeof(text));
    type(text, sizeof(text));
    console_input_take(&machine, &one);
    assert_int_equal(nr_keys, 5);
    now += 100 * SECOND;
    console_input_take(&machine, &one);
    assert_int_equal(nr_keys, 5);
    services[0].console.input.taken += 3;
    console_input_take(&machine, &one);
    assert_int_equal(nr_keys, 2);
}

static void multiplex(void)
{
    console_input_multiplex();
    assert_null(console_input_selected(&machine));
}

static void test_multiplexed(void **state)
{
    static const char text[] = "nobody's\x10\x41"
                               "first\x10\x42\x10.second\x10\x43nobody's\x10!nobody's\x10\x41 again";

    (void)state;
    multiplex();
    type(text, sizeof(text) - 1);
    console_input_take(&machine, &two);
    assert_input(&one, "first again");
    assert_input(&two, "\x10second");
    assert_ptr_equal(console_input_selected(&machine), &one);
}

/* A back end is nobody to speak to. */
static void test_back_end(void **state)
{
    static const char text[] = "\x10\x41"
                               "first\x10\x42second";

    (void)state;
    multiplex();
    two.is_back_end = true;
    type(text, sizeof(text) - 1);
    console_input_take(&machine, &one);
    assert_null(console_input_selected(&machine));
    two.is_back_end = false;
    assert_input(&one, "first");
    assert_input(&two, "");
}

/* Numbers that are no domain's, or could not be, are nobody. */
static void test_selections(void **state)
{
    (void)state;
    multiplex();
    for (unsigned code = 0; code < 256; code++) {
        char text[] = {'\x10', '!', '\x10', (char)code};
        unsigned console = code & 0x40 ? code & 0x3f : 64;
        const struct hv_domain *wanted = console == 1 ? &one : console == 2 ? &two : NULL;

        type(text, sizeof(text));
        console_input_take(&machine, NULL);
        assert_int_equal(nr_keys, 0);
        assert_ptr_equal(console_input_selected(&machine), wanted);
        type("x", 1);
        console_input_take(&machine, NULL); /* behind half an escape */
    }
}

static void test_list(void **state)
{
    (void)state;
    multiplex();
    type("?\x10?\x10?", 5);
    console_input_take(&machine, NULL);
    assert_true(console_input_list_wanted());
    assert_false(console_input_list_wanted());
}

/* Type more than there is room for @code's console, and then something for the other. */
static void type_too_much(char code)
{
    static char text[2 + CONSOLE_INPUT_MAX + 10 + 3];

    memset(text, 'x', sizeof(text));
    text[0] = text[sizeof(text) - 3] = '\x10';
    text[1] = code;
    text[sizeof(text) - 2] = '\x42';
    type(text, sizeof(text));
    for (unsigned i = 0; i < 4; i++)
        console_input_take(&machine, NULL);
}

/* A guest that does not read keeps what is for the others, as long as it takes, */
static void test_patient(void **state)
{
    (void)state;
    multiplex();
    type_too_much('\x41');
    assert_int_equal(nr_keys, 13);
    now += 1000 * SECOND;
    console_input_take(&machine, NULL);
    assert_int_equal(nr_keys, 13);
    services[0].console.input.taken += 11; /* what was in the line, and one more to see what comes behind it */
    console_input_take(&machine, NULL);
    assert_input(&two, "x");
}

/* or for a while. */
static void test_hurried(void **state)
{
    (void)state;
    multiplex();
    type_too_much('\xc1');
    assert_int_equal(nr_keys, 13);
    now += SECOND / 2;
    console_input_take(&machine, NULL);
    assert_int_equal(nr_keys, 13);
    now += SECOND;
    console_input_take(&machine, NULL);
    assert_int_equal(nr_keys, 0);
    assert_input(&two, "x");
    assert_int_equal(services[0].console.input.come, CONSOLE_INPUT_MAX);
}

/* A file that is sent to a guest which does not read comes in pieces: the others wait once, and not for each. */
static void test_hurried_pieces(void **state)
{
    static char text[CONSOLE_INPUT_MAX + 20 * 4 + 3];
    size_t length = 0;

    (void)state;
    multiplex();
    text[length++] = '\x10';
    text[length++] = '\xc1';
    while (length < CONSOLE_INPUT_MAX + 2)
        text[length++] = 'x';
    for (unsigned i = 0; i < 19; i++, length += 4)
        memcpy(text + length, "\x10\xc1yy", 4);
    memcpy(text + length, "\x10\xc2z", 3);
    type(text, length + 3);
    for (unsigned i = 0; i < 4; i++) {
        console_input_take(&machine, NULL);
        now += SECOND * 2 / 3;
    }
    assert_int_equal(nr_keys, 0);
    assert_input(&two, "z");
    assert_int_equal(services[0].console.input.come, CONSOLE_INPUT_MAX);
}

/* Whoever sends without an end does not keep the hypervisor. */
static void test_bounded(void **state)
{
    static char text[100000];

    (void)state;
    multiplex();
    type(text, sizeof(text));
    console_input_take(&machine, NULL);
    assert_in_range(nr_keys, sizeof(text) - 2 * CONSOLE_INPUT_MAX, sizeof(text) - 1);
}

#define TEST(function) cmocka_unit_test_setup(function, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_plain),          TEST(test_plain_full), TEST(test_multiplexed), TEST(test_back_end),
        TEST(test_selections),     TEST(test_list),       TEST(test_patient),     TEST(test_hurried),
        TEST(test_hurried_pieces), TEST(test_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
