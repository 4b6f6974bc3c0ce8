/* SPDX-License-Identifier: MIT */
/* What several processors say at once: each call in one piece, and no refusal is lost or explained beside another. */
/* links: hv/cpu/lock.c hv/base/print.c hv/domain/refusals.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/asm.h>

/* The line at 0x3f8, as ordinary memory: the sanitizer sees two who write to it. */
static void out(uint16_t port, uint8_t value);
static uint8_t in(uint16_t port);

#define asm_out8 out
#define asm_in8  in
#include <hv/base/serial.c>
#undef asm_out8
#undef asm_in8

#include <engine/port.h>
#include <hv/base/print.h>
#include <hv/domain/explain.h>
#include <hv/domain/refusals.h>
#include <hv/domain/report.h>
#include <hv/domain/vcpu.h>
#include <tests/threads/lib/processors.h>

#define PROCESSORS 4u
#define LINES      400u

static char sent[PROCESSORS * LINES * 64];
static size_t length;
static unsigned room, overrun;
static uint8_t echoed;

static void out(uint16_t port, uint8_t value)
{
    if (port != 0x3f8)
        return;
    echoed = value;
    overrun += room == 0;
    room -= room > 0;
    sent[length++] = (char)value;
}

/* One that is empty each time it is asked, and takes 16 bytes then. */
static uint8_t in(uint16_t port)
{
    switch (port - 0x3f8) {
    case 0:
        return echoed;
    case 2:
        return 0xc1;
    case 5:
        room = 16;
        return 0x60;
    default:
        return 0;
    }
}

static void begin(void)
{
    length = 0;
    serial_init();
    length = 0;
    overrun = room = 0;
    console.room = 0;
    memset(sent, 0, sizeof(sent));
}

static void say(unsigned id)
{
    for (unsigned i = 0; i < LINES; i++) {
        char line[32];

        if (random_below(2)) {
            print("processor %u says %04u in one piece\n", id, i);
        } else {
            snprintf(line, sizeof(line), "guest %u writes %04u\r\n", id, i);
            (void)serial_write(line, strlen(line));
        }
    }
}

/* Every line is one that somebody said, and each of them has gone out once. */
static void test_lines(void **state)
{
    static bool seen[PROCESSORS][LINES];
    unsigned count = 0;

    (void)state;
    begin();
    processors_run(PROCESSORS, say);
    assert_int_equal(overrun, 0);
    for (char *at = sent, *end; (end = strstr(at, "\r\n")); at = end + 2) {
        unsigned id, number;
        int whole = 0;

        *end = '\0';
        if (sscanf(at, "processor %u says %4u in one piece%n", &id, &number, &whole) != 2 || whole == 0)
            assert_int_equal(sscanf(at, "guest %u writes %4u%n", &id, &number, &whole), 2);
        assert_int_equal(at[whole], '\0');
        assert_true(id < PROCESSORS && number < LINES && !seen[id][number]);
        seen[id][number] = true;
        count++;
    }
    assert_int_equal(count, PROCESSORS * LINES);
}

/*
 * ---- Refusals.
 */

static unsigned long explained;
static bool explaining;

struct asked_call asked_call(const struct hv_vcpu *vcpu)
{
    (void)vcpu;
    abort();
}

struct asked asked_for(struct hv_vcpu *vcpu, const struct refusal *refusal)
{
    (void)vcpu;
    (void)refusal;
    abort();
}

void explain(const struct machine *machine, const struct noted_refusal *noted, struct explanation *explanation)
{
    (void)machine;
    (void)noted;
    (void)explanation;
    abort();
}

void report_json(const struct explanation *explanation)
{
    (void)explanation;
    abort();
}

void report_explanation(const struct explanation *explanation)
{
    (void)explanation;
    abort();
}

/* By one at a time. */
void report_refusal(const struct noted_refusal *noted)
{
    if (explaining || noted->refusal.value >= PROCESSORS * LINES)
        abort();
    explaining = true;
    explained++;
    explaining = false;
}

static void refuse_and_look(unsigned id)
{
    for (unsigned i = 0; i < LINES; i++) {
        struct refusals seen;

        port_refused(&(struct refusal){.value = id * LINES + i});
        seen = refusals_noted();
        if (seen.recent[(seen.count - 1) % REFUSALS_KEPT].refusal.value != seen.last.value)
            abort();
    }
}

static void count_refusals(unsigned id)
{
    (void)id;
    if (refusals_noted().count != PROCESSORS * LINES)
        abort();
}

static void test_refusals(void **state)
{
    (void)state;
    refusals_explain(false);
    processors_run(PROCESSORS, refuse_and_look);
    assert_int_equal(explained, PROCESSORS * LINES);
    processors_run(1, count_refusals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
