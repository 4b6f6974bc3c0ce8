/* SPDX-License-Identifier: MIT */
/* What last words say of locks. */
/* links: hv/cpu/lock_print.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <hv/cpu/cpu.h>
#include <hv/cpu/entry.h>
#include <hv/cpu/lock_print.h>
#include <tests/hv/lib/said.h>

struct cpu cpu_boot;
static struct lock house = LOCK_INIT(LOCK_HOUSE, 0), domain = LOCK_INIT(LOCK_DOMAIN, 3);

/* Nothing else can be read. */
size_t copy_recover(void *to, const void *from, size_t size)
{
    if (from != &house && from != &domain)
        return size;
    memcpy(to, from, size);
    return 0;
}

static void print_of(const struct cpu *cpu)
{
    said[0] = '\0';
    lock_print(cpu);
}

static void test_holds(void **state)
{
    struct cpu cpu = {.innermost = &domain};

    (void)state;
    house.ticket = (struct ticket){6, 4};
    domain.outer = &house;
    print_of(&cpu);
    assert_string_equal(said, "  holds domain, 3: ticket 0 is served, 0 is the next\n"
                              "  holds the house, 0: ticket 4 is served, 6 is the next\n");
    house.outer = (struct lock *)&cpu; /* nonsense */
    print_of(&cpu);
    assert_said("  holds the house");
    house.outer = &domain; /* and without end */
    print_of(&cpu);
    assert_said("  holds the house");
    house.outer = NULL;
}

static void test_waits(void **state)
{
    struct cpu cpu = {.waits = 3, .awaited = &house, .awaited_number = 5, .rests = true, .nmi_ticks = 40};

    (void)state;
    print_of(&cpu);
    assert_said(
        " ticks of the TSC and 40 NMIs, resting, with ticket 5 for the house, 0: ticket 4 is served, 6 is the next\n");
    cpu.rests = false;
    print_of(&cpu);
    assert_said(" ticks of the TSC and 40 NMIs with ticket 5 for the house");
    cpu.awaited = NULL;
    print_of(&cpu);
    assert_said(" ticks of the TSC and 40 NMIs, for answers\n");
    cpu.waits = 4;
    print_of(&cpu);
    assert_string_equal(said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holds),
        cmocka_unit_test(test_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
