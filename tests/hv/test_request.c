/* SPDX-License-Identifier: MIT */
/*
 * What processors ask of each other, step by step: hv/domain/request.c on processors that are made up, one of which
 * runs at a time.  tests/threads/test_requests.c has them run at once.
 */
/* links: hv/domain/request.c tests/hv/lib/port_halt.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/cpu/cpu.h>
#include <hv/cpu/wait.h>
#include <hv/domain/request.h>

#define CPUS 4u
#define PAGE VADDR(0x5000)

struct cpu cpu_boot; /* whichever runs, by its number */

static struct cpu others[CPUS]; /* each as whoever asks finds it */

static struct {
    unsigned kicks, renewals, what;
    uint64_t page;
} seen[CPUS];
static void (*on_kick)(unsigned cpu);
static unsigned when_renewed; /* of whoever renews: so many kicks there had been */

static void run_as(unsigned cpu, void (*body)(void))
{
    unsigned before = cpu_boot.id;

    cpu_boot.id = cpu;
    body();
    cpu_boot.id = before;
}

struct cpu *cpu_find(unsigned id)
{
    return id < CPUS ? &others[id] : NULL;
}

void cpu_kick(unsigned cpu)
{
    seen[cpu].kicks++;
    if (on_kick)
        on_kick(cpu);
}

void cpu_ask(unsigned cpu)
{
    cpu_kick(cpu);
}

static void (*on_renewal)(void), (*on_halt)(void); /* once */

static void run_once(void (**hook)(void))
{
    void (*run)(void) = *hook;

    *hook = NULL;
    if (run)
        run();
}

void renew_here(unsigned what, vaddr_t page)
{
    run_once(&on_renewal);
    seen[cpu_boot.id].renewals++;
    seen[cpu_boot.id].what |= what;
    seen[cpu_boot.id].page = page.v;
    when_renewed = seen[cpu_boot.id].kicks;
}

static unsigned halts;

/* Whoever is asked answers only now. */
void wait_halted(void)
{
    halts++;
    assert_int_equal(seen[cpu_boot.id].kicks, 0);
    assert_false(cpu_boot.is_asked);
    run_as(1, request_answer);
    run_once(&on_halt);
}

static void answer_at_once(unsigned cpu)
{
    run_as(cpu, request_answer);
}

static void begin(void (*kick)(unsigned cpu))
{
    memset(seen, 0, sizeof(seen));
    memset(others, 0, sizeof(others));
    cpu_boot = (struct cpu){0};
    on_kick = kick;
}

static cpumask_t set(uint64_t bits)
{
    return (cpumask_t){bits};
}

/* Each of those that are meant does it, once, and nobody else; on the processor that asks nobody is kicked for it. */
static void test_all(void **state)
{
    (void)state;
    begin(answer_at_once);
    cpu_boot.id = 2;
    request_renewal(set(0xd), RENEW_TRANSLATIONS | RENEW_CACHES, VADDR(0));
    for (unsigned i = 0; i < CPUS; i++) {
        assert_int_equal(seen[i].renewals, i != 1);
        assert_int_equal(seen[i].kicks, i == 0 || i == 3);
        assert_int_equal(seen[i].what, i == 1 ? 0 : RENEW_TRANSLATIONS | RENEW_CACHES);
    }
    request_renewal(set(0), RENEW_TRANSLATIONS, VADDR(0));
    assert_int_equal(seen[2].renewals, 1);
    run_as(0, request_answer);
    run_as(1, request_answer);
    assert_int_equal(seen[0].renewals + seen[1].renewals, 1); /* what is done is done */
}

static void need_unrenewed(unsigned cpu)
{
    assert_int_equal(seen[0].renewals, 0);
    answer_at_once(cpu);
}

/* Who asks, and has to do it as well, does it while the others are on their way. */
static void test_others_first(void **state)
{
    (void)state;
    begin(need_unrenewed);
    request_renewal(set(3), RENEW_TRANSLATIONS, VADDR(0));
    assert_int_equal(seen[0].renewals, 1);
    assert_int_equal(seen[1].renewals, 1);
}

static void test_page(void **state)
{
    (void)state;
    begin(answer_at_once);
    request_renewal(set(2), RENEW_PAGE, PAGE);
    assert_int_equal(seen[1].what, RENEW_PAGE);
    assert_int_equal(seen[1].page, PAGE.v);
    request_renewal(set(2), RENEW_PAGE, VADDR(UINT64_MAX)); /* there is room again, for any address */
    assert_int_equal(seen[1].what, RENEW_PAGE);
    assert_int_equal(seen[1].page, UINT64_MAX);
}

static void ask_as_well(unsigned cpu)
{
    on_kick = answer_at_once;
    cpu_boot.id = 2;
    request_renewal(cpumask_of(cpu), RENEW_PAGE, VADDR(0x9000));
    cpu_boot.id = 0;
}

/* Who has waited for long halts until it is answered, and is woken then; who has not halted is left alone. */
static void test_rests(void **state)
{
    (void)state;
    begin(NULL);
    cpu_boot.id = 3;
    halts = 0;
    request_renewal(set(2), RENEW_ROOT, VADDR(0));
    assert_int_equal(halts, 1);
    assert_int_equal(seen[1].renewals, 1);
    assert_int_equal(seen[3].kicks, 1);
    assert_false(wait_is_one(cpu_boot.waits));
    on_kick = answer_at_once;
    request_renewal(set(2), RENEW_ROOT, VADDR(0));
    assert_int_equal(halts, 1);
    assert_int_equal(seen[3].kicks, 1);
}

/* How often processor 1, as it is, is kicked for something that it does in the end. */
static unsigned kicks_for_it(void)
{
    unsigned before = seen[1].kicks;

    seen[1].renewals = 0;
    request_renewal(set(2), RENEW_TRANSLATIONS, VADDR(0));
    assert_int_equal(seen[1].renewals, 1);
    assert_true(others[1].is_asked); /* for it to find */
    return seen[1].kicks - before;
}

/* Who has a lock, or waits, looks by itself: it is kicked if it has halted, or is in its guest. */
static void test_looks(void **state)
{
    struct lock lock;

    (void)state;
    begin(NULL);
    cpu_boot.id = 3;
    assert_int_equal(kicks_for_it(), 1);
    seen[3].kicks = 0;
    others[1].innermost = &lock;
    assert_int_equal(kicks_for_it(), 0);
    seen[3].kicks = 0;
    others[1].rests = true;
    assert_int_equal(kicks_for_it(), 1);
    seen[3].kicks = 0;
    others[1] = (struct cpu){.waits = 3};
    assert_int_equal(kicks_for_it(), 0);
    seen[3].kicks = 0;
    others[1].waits = 4;
    assert_int_equal(kicks_for_it(), 1);
}

/* As by another processor, which has found that this one looks by itself. */
static void ask_quietly(void)
{
    struct request_box *box = &request_boxes[cpu_boot.id];

    box->what |= RENEW_CACHES;
    box->asked++;
    cpu_boot.is_asked = true;
}

/* Asked while it waits, or answers: it has looked by the time that it is back in its guest, or knows that it is to. */
static void test_asked_quietly(void **state)
{
    (void)state;
    begin(NULL);
    on_halt = ask_quietly;
    request_renewal(set(2), RENEW_TRANSLATIONS, VADDR(0));
    assert_int_equal(seen[0].what, RENEW_CACHES);
    assert_false(request_is_there(0) || cpu_boot.is_asked);
    ask_quietly();
    on_renewal = ask_quietly;
    request_answer();
    assert_true(request_is_there(0) && cpu_boot.is_asked);
    on_renewal = ask_quietly;
    seen[0].kicks = 0;
    request_renewal(set(2), RENEW_TRANSLATIONS, VADDR(0)); /* it does not halt while it is asked */
    assert_false(request_is_there(0) || cpu_boot.is_asked);
}

static void need_unanswered(void)
{
    assert_int_equal(cpu_boot.id, 1);
    assert_true(request_is_there(1));
}

/* Nobody is told that it has been done before it has. */
static void test_answered_when_done(void **state)
{
    (void)state;
    begin(answer_at_once);
    on_renewal = need_unanswered;
    request_renewal(set(2), RENEW_TRANSLATIONS, VADDR(0));
    assert_null(on_renewal);
    assert_false(request_is_there(1));
    run_as(1, request_idle_begin);
    request_renewal(set(2), RENEW_TRANSLATIONS, VADDR(0));
    on_renewal = need_unanswered;
    run_as(1, request_idle_end);
    assert_null(on_renewal);
    assert_false(request_is_there(1));
}

/* Two pages at once: all translations go, and both have been served when they return. */
static void test_two_pages(void **state)
{
    (void)state;
    begin(ask_as_well);
    request_renewal(set(2), RENEW_PAGE, PAGE);
    assert_int_equal(seen[1].what, RENEW_PAGE | RENEW_TRANSLATIONS);
    assert_int_equal(seen[1].page, PAGE.v);
    assert_int_equal(seen[1].renewals, 1);
}

static void ask_back(void)
{
    on_kick = answer_at_once;
    request_renewal(set(1), RENEW_ROOT, VADDR(0));
}

/* Asked back while it waits: processor 0 has answered by the time that processor 1 does. */
static void be_asked(unsigned cpu)
{
    run_as(cpu, ask_back);
    answer_at_once(cpu);
}

static void test_each_other(void **state)
{
    (void)state;
    begin(be_asked);
    request_renewal(set(2), RENEW_LDT, VADDR(0));
    assert_int_equal(seen[0].what, RENEW_ROOT);
    assert_int_equal(seen[1].what, RENEW_LDT);
}

/* Who idles is not woken, and has it done before it does anything else; but for the caches, which are everybody's. */
static void test_idle(void **state)
{
    (void)state;
    begin(answer_at_once);
    run_as(1, request_idle_begin);
    request_renewal(set(2), RENEW_TRANSLATIONS | RENEW_PAGE | RENEW_ROOT | RENEW_LDT, PAGE);
    assert_int_equal(seen[1].kicks + seen[1].renewals, 0);
    run_as(1, request_idle_end);
    assert_int_equal(seen[1].renewals, 1);
    assert_int_equal(seen[1].what, RENEW_TRANSLATIONS | RENEW_PAGE | RENEW_ROOT | RENEW_LDT);
    run_as(1, request_idle_begin);
    request_renewal(set(2), RENEW_CACHES, VADDR(0));
    assert_int_equal(seen[1].kicks, 1);
    assert_int_equal(when_renewed, 1);
    run_as(1, request_idle_end);
    request_renewal(set(2), RENEW_TRANSLATIONS, VADDR(0));
    assert_int_equal(seen[1].kicks, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),           cmocka_unit_test(test_rests),
        cmocka_unit_test(test_page),          cmocka_unit_test(test_two_pages),
        cmocka_unit_test(test_each_other),    cmocka_unit_test(test_idle),
        cmocka_unit_test(test_others_first),  cmocka_unit_test(test_looks),
        cmocka_unit_test(test_asked_quietly), cmocka_unit_test(test_answered_when_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
